"""Where the sun stands over a place: a table of a year by pvlib, read between its lines."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_STEP_S = 600
_STEPS = 365 * 86_400 // _STEP_S

Floats = NDArray[np.float64]


def sun_at(latitude: float, longitude: float, day: NDArray[np.int64], second: Floats) -> tuple[Floats, Floats]:
    """Azimuth (clockwise from north) and elevation of the sun's middle, without refraction, degrees.

    latitude, longitude: degrees; day: (n,) of the year, from 0; second: (n,) of the day in local mean solar time
    """
    step, share = np.divmod(day * 86_400.0 + second, _STEP_S)
    row, table = step.astype(np.int64), _table(latitude, longitude)
    share = share[:, None] / _STEP_S
    east, north, up = (table[row % _STEPS] * (1.0 - share) + table[(row + 1) % _STEPS] * share).T
    return np.mod(np.degrees(np.arctan2(east, north)), 360.0), np.degrees(np.arctan2(up, np.hypot(east, north)))


@cache
def _table(latitude: float, longitude: float) -> Floats:
    """Unit vectors (east, north, up) to the sun every ten minutes of a year, (steps, 3)."""
    import pandas as pd
    from pvlib import solarposition

    midnight = pd.Timestamp("2001-01-01", tz="UTC") - pd.Timedelta(hours=longitude / 15.0)
    times = pd.date_range(midnight, periods=_STEPS, freq=f"{_STEP_S}s")
    position = solarposition.get_solarposition(times, latitude, longitude)
    azimuth, elevation = (np.radians(position[column].to_numpy()) for column in ("azimuth", "elevation"))
    flat = np.cos(elevation)
    return np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], axis=1)
