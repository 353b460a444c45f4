import numpy as np
import pytest

from scenarios.sun import sun_at

GREENWICH = (51.4779, 0.0)
JUNE_21, DECEMBER_21, MARCH_20 = 171, 354, 78
NOON = 43_200.0


def at(place: tuple[float, float], day: int, second: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seconds = np.atleast_1d(np.asarray(second, np.float64))
    return sun_at(*place, np.full(len(seconds), day), seconds)


@pytest.mark.parametrize(("day", "tilt"), [(JUNE_21, 23.44), (DECEMBER_21, -23.44), (MARCH_20, 0.0)])
@pytest.mark.parametrize("place", [GREENWICH, (36.1, -79.95)])
def test_at_noon_the_sun_stands_as_high_as_latitude_and_season_say(place: tuple, day: int, tilt: float) -> None:
    azimuth, elevation = at(place, day, NOON)
    assert abs(elevation[0] - (90.0 - place[0] + tilt)) < 0.4
    assert abs(azimuth[0] - 180.0) < 5.0  # the clock is mean time: a sundial is off by up to 16 minutes


@pytest.mark.parametrize(
    ("day", "rises", "sets"),
    [(JUNE_21, 3 + 43 / 60, 20 + 21 / 60), (DECEMBER_21, 8 + 4 / 60, 15 + 53 / 60)],
)
def test_the_sun_rises_and_sets_over_greenwich_when_almanacs_say(day: int, rises: float, sets: float) -> None:
    seconds = np.arange(0.0, 86_400.0, 10.0)
    _, elevation = at(GREENWICH, day, seconds)
    up = seconds[elevation > -0.833] / 3600.0
    assert abs(up[0] - rises) < 2 / 60
    assert abs(up[-1] - sets) < 2 / 60


def test_the_table_is_read_finer_than_it_is_written() -> None:
    import pandas as pd
    from pvlib.solarposition import get_solarposition

    seconds = np.array([12_345.0, 33_333.0, 50_001.0, 71_717.0])
    azimuth, elevation = at(GREENWICH, 100, seconds)
    times = pd.Timestamp("2001-04-11", tz="UTC") + pd.to_timedelta(seconds, unit="s")
    true = get_solarposition(times, *GREENWICH)  # the algorithm that is good to 0.0003 degrees
    assert np.abs(elevation - true["elevation"].to_numpy()).max() < 0.03
    assert np.abs(azimuth - true["azimuth"].to_numpy()).max() < 0.03


def test_the_sun_goes_on_over_midnight_and_new_year() -> None:
    last, first = at((10.0, 20.0), 364, 86_399.9), at((10.0, 20.0), 365, 0.0)
    assert abs(last[0][0] - first[0][0]) < 0.01
    assert abs(last[1][0] - first[1][0]) < 0.01
