"""A radar that looks straight ahead: how far the nearest echo in the car's own path is, and how far aside.

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
WANDER_M = 0.3  # likewise, aside: the echo wanders over a vehicle's back, about a sixth of its width
BEARING_DEG = 0.3  # likewise; a long-range radar's data sheet has 0.1 far and 0.3 near (Continental ARS 408-21, 2017)
DEAF = 0.02  # share of looks that hear nothing


def nearest_echo(
    scene: Scene, draws: Draws, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The nearest echo: distance from the front bumper, and place left of the car's own axis, (n,) m each.

    Infinity where none is heard, and then its place means nothing: it is 0.
    """
    x, y, kind, half = (
        scene.objects[:, :, OBJECT.index(name)].astype(np.float64) for name in ("x", "y", "kind", "half_length")
    )
    bend, sin, cos = (
        scene.road[:, ROAD.index(name)].astype(np.float64)[:, None] for name in ("curvature", "sin", "cos")
    )
    aside = np.abs(y - 0.5 * bend * x**2 + x * sin / np.maximum(cos, 0.5))
    near_side = x - half
    loud = np.isin(kind, LOUD) & (aside < HALF_PATH_M) & (near_side > NEAREST_M) & (near_side < FARTHEST_M)
    away = np.where(loud, near_side, np.inf)
    distance = away.min(axis=1, initial=np.inf)
    deaf, size, angle, _ = draws.four("radar", cars, ticks)
    length = np.sqrt(-2.0 * np.log1p(-size))  # of two errors at once (Box and Muller, 1958)
    along, across = length * np.cos(2.0 * np.pi * angle), length * np.sin(2.0 * np.pi * angle)
    heard = np.isfinite(distance) & (deaf >= DEAF)
    where = np.where(heard, distance, 0.0)
    place = np.where(loud & (away == distance[:, None]), y, -np.inf).max(axis=1, initial=-np.inf)
    spread = np.hypot(WANDER_M, np.radians(BEARING_DEG) * where)
    distance = np.where(heard, np.maximum(where + ERROR_M * along, 0.0), np.inf)
    return distance.astype(np.float32), np.where(heard, place + spread * across, 0.0).astype(np.float32)
