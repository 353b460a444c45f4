"""How strong each condition is over a car at a moment, and where the sun stands; all of it smooth in time.

Where a world names real `hours`, every car begins at midnight of a day of the year of its own and lives through the
hours that follow, so a share of cars is a share of the year. What a world's file says itself goes before the hours.
Clocks are the sun's own: tick 0 is midnight in local mean solar time. The hours are in standard time and are taken for
that; the difference is half an hour at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.climate import YEAR_H, Hours, hours_of
from scenarios.conditions import Condition
from scenarios.draws import Draws
from scenarios.exposure import TICK_US, Climate, Nightfall, Weather, WorldSpec
from scenarios.sites import smooth
from scenarios.sun import sun_at
from scenarios.trips import Floats, Ints

_TICK_S = TICK_US / 1e6
_HOUR = 3_600_000_000 // TICK_US
_DAY = 24 * _HOUR
_DAY_S = 86_400.0
_SUNSET_DEG, _DUSK_DEG = -0.833, -6.0  # of the sun's middle: its edge sinks below the horizon; civil twilight ends
_STAYS_H = {"dirty_lens": 8}
"""How long an hour is for a drawn condition; others change by the hour."""

_EVENING = Nightfall.model_validate({})

Cars = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """The light and weather over n cars.

    severities: condition to (n,) float32 in [0, 1]
    sun_azimuth_deg: (n,) float64 clockwise from north; sun_elevation_deg: (n,) float64, below 0 under the horizon
    """

    severities: dict[str, NDArray[np.float32]]
    sun_azimuth_deg: Floats
    sun_elevation_deg: Floats


def sky(
    conditions: Mapping[str, Condition], spec: Climate, draws: Draws, cars: Cars, ticks: Ints, heading_deg: Floats
) -> Sky:
    """The sky over n cars that head `heading_deg` (n,), clockwise from north; severities in the order of conditions.

    Where glare is drawn and not the sun's own, a sun is drawn for it, low and ahead; there is none of it in the dark.
    """
    first_day = np.zeros(len(cars), np.int64) if spec.hours is None else draws.integers("first day", cars, high=365)
    real = {} if spec.hours is None else _real(hours_of(spec.hours), first_day, ticks)
    sun = _sun(spec, first_day, ticks) if isinstance(spec, WorldSpec) and spec.night is None else None
    blinding = None if "glare" in spec.conditions else sun
    told = {*real, "night"} if blinding is None else {*real, "night", "glare"}
    names = [name for name in conditions if name in spec.conditions or name not in told]
    severity = real | _drawn(names, conditions, spec, draws, cars, ticks)
    severity["night"] = _dark(spec.night or _EVENING, draws, cars, ticks) if sun is None else _twilight(sun[1])
    if blinding is None:
        azimuth, elevation = _drawn_sun(draws, cars, ticks, heading_deg, severity["night"])
        severity["glare"] = severity.get("glare", 0.0) * (1.0 - severity["night"])
    else:
        azimuth, elevation = blinding
        veil = np.maximum.reduce([severity[name] for name in ("cloud", "rain", "snow", "fog")])
        severity["glare"] = _glare(azimuth - heading_deg, elevation) * (1.0 - veil)
    return Sky({name: severity[name].astype(np.float32) for name in conditions}, azimuth, elevation)


def _turn(ticks: Ints, hour: int | Ints) -> tuple[Ints, Floats]:
    """Of which hour the weather is (counted from 0), and how far it has turned to that of the next one, 0..1.

    An hour's weather turns within the tenth of an hour around its end; hours may be longer than 60 minutes.
    """
    before, since = np.divmod(ticks - hour // 2, hour)  # since the middle of an hour
    return before, smooth((since / hour - 0.5) * 10.0 + 0.5)


def _real(hours: Hours, first_day: Ints, ticks: Ints) -> dict[str, Floats]:
    """The climate's hours that cars of these first days of the year are in: rain, snow, fog, and cloud, (n,) each."""
    hour, turned = _turn(ticks, _HOUR)
    now = (first_day * 24 + hour) % YEAR_H
    then = (now + 1) % YEAR_H
    columns = {"rain": hours.rain, "snow": hours.snow, "fog": hours.fog, "cloud": hours.cloud}
    return {name: values[now] * (1.0 - turned) + values[then] * turned for name, values in columns.items()}


def _drawn(
    names: Sequence[str], conditions: Mapping[str, Condition], spec: Climate, draws: Draws, cars: Cars, ticks: Ints
) -> dict[str, Floats]:
    """Conditions that are there or not for an hour; their strength goes from third to third of it, (n,) each."""
    if not names:
        return {}
    weather = [spec.conditions.get(name) or Weather(probability=conditions[name].probability) for name in names]
    chance, low, high = np.array([(each.probability, each.low, each.high) for each in weather]).T[:, :, None, None]
    hour = _HOUR * np.array([[_STAYS_H.get(name, 1)] for name in names])
    before, turned = _turn(ticks, hour)  # (names, n)
    hours = before[:, :, None] + np.arange(2)
    present, *thirds = draws.several([f"{name} hour" for name in names], cars[:, None], hours)  # (names, n, 2)
    there = np.where(present < chance, 1.0, 0.0)
    strengths = low + (high - low) * np.stack(thirds, axis=-1).reshape(*before.shape, 6)
    third, along = np.divmod(
        3 * (ticks - before * hour), hour
    )  # 1 to 4, from the middle of the hour to that of the next
    one, two = (np.take_along_axis(strengths, (third + i)[:, :, None], axis=2)[:, :, 0] for i in range(2))
    severity = (one + (two - one) * along / hour) * (there[:, :, 0] * (1.0 - turned) + there[:, :, 1] * turned)
    return dict(zip(names, severity, strict=True))


def _sun(spec: WorldSpec, first_day: Ints, ticks: Ints) -> tuple[Floats, Floats]:
    """Azimuth and elevation of the sun over the world's place, degrees."""
    return sun_at(spec.latitude, spec.longitude, first_day + ticks // _DAY, np.mod(ticks, _DAY) * _TICK_S)


def _drawn_sun(draws: Draws, cars: Cars, ticks: Ints, heading_deg: Floats, dark: Floats) -> tuple[Floats, Floats]:
    """Azimuth and elevation of a sun that stands low and ahead by day, and sets as it gets dark, degrees."""
    hour, share = np.divmod(ticks, _HOUR)
    aside, height, _, _ = draws.four("sun", cars[:, None], hour[:, None] + np.arange(2))
    aside, height = (ends[:, 0] + (ends[:, 1] - ends[:, 0]) * share / _HOUR for ends in (aside, height))
    return np.mod(heading_deg + 40.0 * aside - 20.0, 360.0), 3.0 + 9.0 * height - 20.0 * dark


def _twilight(elevation_deg: Floats) -> Floats:
    """How dark it is: from sunset to the end of civil twilight."""
    return smooth((_SUNSET_DEG - elevation_deg) / (_SUNSET_DEG - _DUSK_DEG))


def _glare(from_heading_deg: Floats, elevation_deg: Floats) -> Floats:
    """How much a sun blinds under a clear sky: most between 2 and 6 degrees high, nothing above 18 or behind."""
    low = smooth((elevation_deg + 1.0) / 3.0) * (1.0 - smooth((elevation_deg - 6.0) / 12.0))
    return np.asarray(low * np.maximum(np.cos(np.radians(from_heading_deg)), 0.0) ** 2)


def _seconds(clock: str) -> float:
    hours, minutes = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _dark(night: Nightfall, draws: Draws, cars: Cars, ticks: Ints) -> Floats:
    """By a share of hours, a quarter of them dusk or dawn, or by the clock."""
    if night.share is not None:
        hour, turned = _turn(ticks, _HOUR)
        present, depth, _, _ = draws.four("dark hour", cars[:, None], hour[:, None] + np.arange(2))
        dusk = np.where(present < 0.25 * night.share, 0.15 + 0.7 * depth, 1.0)
        dark = np.where(present < night.share, dusk, 0.0)
        return dark[:, 0] * (1.0 - turned) + dark[:, 1] * turned
    shift = (2.0 * draws.uniform("dusk", cars) - 1.0) * night.spread_minutes * 60.0
    now = np.mod(ticks * _TICK_S - shift, _DAY_S)
    falling = (now - _seconds(night.begins)) / max(_seconds(night.ends) - _seconds(night.begins), 60.0)
    rising = np.clip((now - 6.0 * 3600.0) / 3600.0, 0.0, 1.0)  # dawn from six to seven
    return smooth(np.where(now > 12 * 3600.0, falling, 1.0 - rising))
