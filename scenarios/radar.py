"""A radar that looks straight ahead: how far the nearest echo in the car's own path is.

It is a sensor, not the truth: it hears metal and says how far, not what. A steel plate on the road is as loud as a
car, a person is not heard at all, and now and then it hears nothing.
"""

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.paint.scene import OBJECT, ROAD, Kind, Scene

LOUD = (Kind.VEHICLE, Kind.TRUCK, Kind.SCHOOL_BUS, Kind.MOTORCYCLE, Kind.STEEL_PLATE)
FARTHEST_M, NEAREST_M = 90.0, 2.0
HALF_PATH_M = 1.5
ERROR_M = 0.25  # one standard deviation
DEAF = 0.02  # share of looks that hear nothing


def nearest_echo_m(
    scene: Scene, draws: Draws, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Distance from the front bumper to the nearest echo, (n,) m; infinity where none is heard."""
    x, y, kind, half = (
        scene.objects[:, :, OBJECT.index(name)].astype(np.float64) for name in ("x", "y", "kind", "half_length")
    )
    bend, sin, cos = (
        scene.road[:, ROAD.index(name)].astype(np.float64)[:, None] for name in ("curvature", "sin", "cos")
    )
    aside = np.abs(y - 0.5 * bend * x**2 + x * sin / np.maximum(cos, 0.5))
    near_side = x - half
    loud = np.isin(kind, LOUD) & (aside < HALF_PATH_M) & (near_side > NEAREST_M) & (near_side < FARTHEST_M)
    distance = np.where(loud, near_side, np.inf).min(axis=1, initial=np.inf)
    deaf, size, angle, _ = draws.four("radar", cars, ticks)
    error = ERROR_M * np.sqrt(-2.0 * np.log1p(-size)) * np.cos(2.0 * np.pi * angle)  # Box and Muller, 1958
    return np.where(deaf < DEAF, np.inf, np.maximum(distance + error, 0.0)).astype(np.float32)
