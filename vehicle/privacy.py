"""What never leaves a car: nothing is recorded where a trip begins or ends at home."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios import TICK_US, World
from triggers import Evaluator, Reason, Verdicts

HOME_S = 10
HOME_TICKS = HOME_S * 1_000_000 // TICK_US
AT_HOME = 2  # of `World.links`


def near_home(world: World, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these moments, a car at a tick each, are private: at home within the last or the next 10 s; (n,) bool.

    A car learns where a trip ends when it ends, before anything of it is sent.
    """
    around = [world.links(cars, np.maximum(ticks + by, 0)) for by in (-HOME_TICKS, 0, HOME_TICKS)]
    near: NDArray[np.bool_] = (np.stack(around) == AT_HOME).any(axis=0)
    return near


def kept_private(world: World, verdicts: Verdicts, evaluator: Evaluator) -> Verdicts:
    """The verdicts with PRIVATE in the place of each fire near home, counted as such by their evaluator."""
    rows = np.flatnonzero((verdicts.reasons == Reason.FIRED).any(axis=1))
    private = rows[near_home(world, verdicts.cars[rows], np.full(len(rows), verdicts.tick, np.int64))]
    reasons = verdicts.reasons.copy()
    for i, spec in enumerate(evaluator.specs):
        fired = private[reasons[private, i] == Reason.FIRED]
        reasons[fired, i] = Reason.PRIVATE
        evaluator.amend(spec.name, verdicts.cars[fired], Reason.FIRED, Reason.PRIVATE)
    return replace(verdicts, reasons=reasons)
