"""What never leaves a car: homes, fenced places, and whatever a car knows whose owner has opted out."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scenarios import TICK_US, Draws, World
from triggers import Evaluator, Reason, Verdicts

HOME_S = 10
HOME_TICKS = HOME_S * 1_000_000 // TICK_US
AT_HOME = 2  # of `World.links`
_DEGREE_M = 111_320.0

Cars = NDArray[np.uint32]
Ticks = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fence:
    """A place of which nothing is recorded: WGS 84 degrees, and a radius in metres."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a fleet's cars keep to themselves, besides their homes.

    opted_out: share of cars whose owners want nothing sent, drawn by the seed
    fences:    places
    """

    seed: int = 0
    opted_out: float = 0.0
    fences: tuple[Fence, ...] = ()

    def silent(self, cars: Cars) -> Flags:
        """Which cars send nothing at all; (n,)."""
        if not self.opted_out:
            return np.zeros(len(cars), np.bool_)
        drawn: Flags = Draws(self.seed).uniform("opted out", cars, 0) < self.opted_out
        return drawn

    def private(self, world: World, cars: Cars, ticks: Ticks) -> Flags:
        """Which of these moments, a car at a tick each, are nobody's business; (n,)."""
        return self.silent(cars) | near_home(world, cars, ticks) | self._fenced(world, cars, ticks)

    def kept(self, world: World, verdicts: Verdicts, evaluator: Evaluator) -> Verdicts:
        """The verdicts with PRIVATE in the place of each fire that is, counted as such by their evaluator."""
        rows = np.flatnonzero((verdicts.reasons == Reason.FIRED).any(axis=1))
        if not rows.size:
            return verdicts
        ticks = np.full(len(rows), verdicts.tick, np.int64)
        private = rows[self.private(world, verdicts.cars[rows], ticks)]
        reasons = verdicts.reasons.copy()
        for i, spec in enumerate(evaluator.specs):
            fired = private[reasons[private, i] == Reason.FIRED]
            reasons[fired, i] = Reason.PRIVATE
            evaluator.amend(spec.name, verdicts.cars[fired], Reason.FIRED, Reason.PRIVATE)
        return replace(verdicts, reasons=reasons)

    def _fenced(self, world: World, cars: Cars, ticks: Ticks) -> Flags:
        inside = np.zeros(len(cars), np.bool_)
        if self.fences:
            motion = world.motion(cars, ticks)
            for fence in self.fences:
                north_m = (motion.latitude - fence.latitude) * _DEGREE_M
                east_m = (motion.longitude - fence.longitude) * _DEGREE_M * np.cos(np.radians(fence.latitude))
                inside |= np.hypot(north_m, east_m) <= fence.radius_m
        return inside


HOMES_ONLY = Privacy()


def near_home(world: World, cars: Cars, ticks: Ticks) -> Flags:
    """Which of these moments, a car at a tick each, are at home within the last or the next 10 s; (n,) bool.

    A car learns where a trip ends when it ends, before anything of it is sent.
    """
    around = np.concatenate([np.maximum(ticks + by, 0) for by in (-HOME_TICKS, 0, HOME_TICKS)])
    near: Flags = (world.links(np.tile(cars, 3), around).reshape(3, -1) == AT_HOME).any(axis=0)
    return near
