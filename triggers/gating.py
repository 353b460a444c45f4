"""Edge, dwell, hysteresis, cooldown and quota: what a trigger remembers per car, and one step of it, as arrays.

A trigger waits for its condition to become *active*: to hold (`rising`, `always`) or to have stopped (`falling`). An
edge is the moment at which it has been active for `dwell_s` without a break. A car that takes up a trigger counts as
having had the edge already, so what is true at deploy does not fire. Every edge is used up, whether it fires or falls
to the cooldown or a quota. An undefined row keeps its edge as it was, and begins its dwell anew. A row gated out is
low: it fires nothing, not even a falling edge. After a pause of more than a minute, such as a parked car's, a dwell
begins anew and windows are empty.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from triggers.spec import DAY_S, Fire, Limits

SECOND_US = 1_000_000
DAY_US = DAY_S * SECOND_US
PAUSE_US = 60 * SECOND_US
NEVER = -1


class Reason(IntEnum):
    """Why a trigger fired, or why it is silent; one byte a verdict.

    The evaluator gives all but three. NOT_DEPLOYED is a car that does not run the trigger; PRIVATE and NO_BUFFER are
    for whoever turns a fire into a clip and may not, or cannot.
    """

    NOT_DEPLOYED = 0
    FIRED = 1
    GATED = 2
    UNDEFINED = 3
    BELOW = 4
    HELD = 5
    DWELLING = 6
    COOLDOWN = 7
    QUOTA = 8
    FLEET_QUOTA = 9
    EXPIRED = 10
    PRIVATE = 11
    NO_BUFFER = 12
    SUSPENDED = 13


@dataclass(slots=True, eq=False)
class Latch:
    """What one trigger remembers of each of n cars.

    seen_tick: (n,) int64, tick at which it last looked at the car, or NEVER
    version:   (n,) int64, version of the spec that did
    high:      (n,) bool, whether the score was last on the high side of its threshold
    held:      (n,) bool, whether the present edge is used up
    since_us:  (n,) int64, since when it is active, or NEVER
    fired_us:  (n,) int64, when it last fired, or NEVER
    day:       (n,) int64, simulated day that `fires` counts
    fires:     (n,) int64, fires on that day
    """

    seen_tick: NDArray[np.int64]
    version: NDArray[np.int64]
    high: NDArray[np.bool_]
    held: NDArray[np.bool_]
    since_us: NDArray[np.int64]
    fired_us: NDArray[np.int64]
    day: NDArray[np.int64]
    fires: NDArray[np.int64]

    @classmethod
    def fresh(cls, cars: int) -> Self:
        """Of cars that have never run the trigger."""
        never, no = np.full(cars, NEVER, np.int64), np.zeros(cars, np.bool_)
        return cls(
            seen_tick=never,
            version=never.copy(),
            high=no,
            held=no.copy(),
            since_us=never.copy(),
            fired_us=never.copy(),
            day=never.copy(),
            fires=never.copy(),
        )

    def deploy(self, rows: NDArray[np.intp], version: int, last_tick: NDArray[np.int64], edge: str) -> NDArray[np.intp]:
        """Forget the edges of cars that just took the trigger up, and give their rows; cooldown and quota stay.

        rows: (m,) indices; last_tick: (m,) tick at which anything last looked at these cars. A car whose last tick
        was not this trigger's has run without it since.
        """
        taken: NDArray[np.intp] = rows[(self.seen_tick[rows] != last_tick) | (self.version[rows] != version)]
        if taken.size:
            self.version[taken] = version
            self.high[taken] = edge != "falling"
            self.held[taken] = True
            self.since_us[taken] = NEVER
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a trigger sees of m cars at one tick.

    score:     (m,) float32 or bool, compared with the threshold; read only where neither gated nor undefined
    gated:     (m,) bool, `when` does not hold
    undefined: (m,) bool, `when` or the score is undefined
    """

    score: NDArray[np.float32]
    gated: NDArray[np.bool_]
    undefined: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Terms:
    """When a score becomes a fire: from which threshold on, on which edge, how often."""

    threshold: float
    fire: Fire
    limits: Limits


def step(latch: Latch, rows: NDArray[np.intp], sight: Sight, terms: Terms, now_us: int) -> NDArray[np.uint8]:
    """One tick of m cars, rows (m,): a Reason each, (m,) uint8; the latch moves on."""
    fire = terms.fire
    high = _compare(sight, latch.high[rows], terms.threshold, fire.hysteresis)
    latch.high[rows] = high
    known = ~(sight.gated | sight.undefined)
    active = known & (high if fire.edge != "falling" else ~high)
    since = np.where(active, latch.since_us[rows], NEVER)
    since[active & (since == NEVER)] = now_us
    latch.since_us[rows] = since
    # Held through what is undefined; let go where it is known to be inactive.
    held = latch.held[rows] & (active | sight.undefined)
    if fire.edge == "falling":
        held |= sight.gated
    free = active if fire.edge == "always" else active & ~held
    ripe = free & (now_us - since >= round(fire.dwell_s * SECOND_US))
    latch.held[rows] = held | ripe

    reasons = np.full(len(rows), Reason.BELOW, np.uint8)
    reasons[active] = Reason.HELD
    reasons[free] = Reason.DWELLING
    reasons[sight.gated] = Reason.GATED
    reasons[sight.undefined] = Reason.UNDEFINED
    edges = np.flatnonzero(ripe)
    if edges.size:
        reasons[edges] = _spend(latch, rows[edges], terms, now_us)
    return reasons


def _compare(sight: Sight, was_high: NDArray[np.bool_], threshold: float, hysteresis: float) -> NDArray[np.bool_]:
    """Which rows are high now: from the threshold upwards, or for those already high down to the hysteresis."""
    with np.errstate(invalid="ignore"):
        high: NDArray[np.bool_] = sight.score >= threshold
        if hysteresis:
            high |= was_high & (sight.score >= threshold - hysteresis)
    high = np.where(sight.undefined, was_high, high)
    return high & ~sight.gated


def _spend(latch: Latch, rows: NDArray[np.intp], terms: Terms, now_us: int) -> NDArray[np.uint8]:
    """What becomes of these edges: FIRED, COOLDOWN or QUOTA."""
    day = now_us // DAY_US
    latch.fires[rows] = np.where(latch.day[rows] == day, latch.fires[rows], 0)
    latch.day[rows] = day
    fired_us = latch.fired_us[rows]
    cooling = (fired_us != NEVER) & (now_us - fired_us < round(terms.fire.cooldown_s * SECOND_US))
    full = latch.fires[rows] >= (terms.limits.per_car_day or np.iinfo(np.int64).max)
    fired = rows[~cooling & ~full]
    latch.fired_us[fired] = now_us
    latch.fires[fired] += 1
    reasons = np.full(len(rows), Reason.FIRED, np.uint8)
    reasons[full] = Reason.QUOTA
    reasons[cooling] = Reason.COOLDOWN
    return reasons
