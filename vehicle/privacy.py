"""What never leaves a car: nothing is recorded near the place where it spends the night."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios import World
from triggers import Reason, Verdicts

RADIUS_M = 150.0


class Privacy:
    """Knows each car's home, and which moments are too near to it.

    Home is where a car stands at midnight; a car that is then on the road has none.
    """

    def __init__(self, world: World, *, radius_m: float = RADIUS_M) -> None:
        self._world, self._radius_m = world, radius_m

    def near_home(self, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these moments, a car at a tick each, are private; (n,) bool."""
        now, midnight = self._world.motion(cars, ticks), self._world.motion(cars, 0)
        distance_m = np.hypot(now.x_m - midnight.x_m, now.y_m - midnight.y_m)
        near: NDArray[np.bool_] = (distance_m < self._radius_m) & ~midnight.driving
        return near

    def applied(self, verdicts: Verdicts) -> Verdicts:
        """The verdicts with PRIVATE in the place of each fire near home."""
        rows = np.flatnonzero((verdicts.reasons == Reason.FIRED).any(axis=1))
        ticks = np.full(len(rows), verdicts.tick, np.int64)
        private = rows[self.near_home(verdicts.cars[rows], ticks)]
        reasons = verdicts.reasons.copy()
        reasons[private] = np.where(reasons[private] == Reason.FIRED, Reason.PRIVATE, reasons[private])
        return replace(verdicts, reasons=reasons)
