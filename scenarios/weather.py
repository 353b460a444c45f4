"""How strong each condition is for a car at a moment: drawn per car-hour, smooth in time."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scenarios.conditions import Condition
from scenarios.draws import Draws
from scenarios.exposure import TICK_US, Climate, Nightfall, Weather
from scenarios.trips import Floats, Ints

_HOUR = 3_600_000_000 // TICK_US
_KNOT = _HOUR // 4
_DAY_S = 86_400.0


def severities(
    conditions: Mapping[str, Condition], spec: Climate, draws: Draws, cars: NDArray[np.uint32], ticks: Ints
) -> dict[str, NDArray[np.float32]]:
    """Every condition's severity, (n,) float32 in [0, 1], in the order of `conditions`."""
    return {name: _severity(name, each, spec, draws, cars, ticks) for name, each in conditions.items()}


def _severity(
    name: str, condition: Condition, spec: Climate, draws: Draws, cars: NDArray[np.uint32], ticks: Ints
) -> NDArray[np.float32]:
    if name == "night":
        return _dark(spec.night, draws, cars, ticks).astype(np.float32)
    weather = spec.conditions.get(name) or Weather(probability=condition.probability)
    knot, share = np.divmod(ticks, _KNOT)
    share = share / _KNOT
    ends = [_at_knot(name, weather, draws, cars, knot + i) for i in range(2)]
    return (ends[0] * (1.0 - share) + ends[1] * share).astype(np.float32)


def _at_knot(name: str, weather: Weather, draws: Draws, cars: NDArray[np.uint32], knot: Ints) -> Floats:
    """Severity at a quarter of an hour: there or not for the hour, its strength for the quarter."""
    there = draws.uniform(f"{name} present", cars, knot // 4) < weather.probability
    strength = draws.uniform(f"{name} strength", cars, knot)
    return np.where(there, weather.low + (weather.high - weather.low) * strength, 0.0)


def _seconds(clock: str) -> float:
    hours, minutes = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _dark(night: Nightfall, draws: Draws, cars: NDArray[np.uint32], ticks: Ints) -> Floats:
    if night.share is not None:
        present, depth, _, _ = draws.four("dark hour", cars, ticks // _HOUR)
        dusk = np.where(present < 0.25 * night.share, 0.15 + 0.7 * depth, 1.0)
        return np.where(present < night.share, dusk, 0.0)
    shift = (2.0 * draws.uniform("dusk", cars) - 1.0) * night.spread_minutes * 60.0
    now = np.mod(ticks * (TICK_US / 1e6), _DAY_S) - shift
    falling = np.clip(
        (now - _seconds(night.begins)) / max(_seconds(night.ends) - _seconds(night.begins), 60.0), 0.0, 1.0
    )
    rising = np.clip((now - 6.0 * 3600.0) / 3600.0, 0.0, 1.0)  # dawn from six to seven
    dark = np.where(now > 12 * 3600.0, falling, 1.0 - rising)
    return np.asarray(dark * dark * (3.0 - 2.0 * dark))
