"""From a budget of frames to a weighted sample: a pilot, an allocation, and a fresh look at so many of each stratum.

It knows strata and outcomes and nothing of pictures, so the painted world and the analytic one are sampled by the same
lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from triggers import estimate

PILOT, FLOOR = 12, 12  # encounters of a stratum
DEFENCE = 0.1
"""Least share of the frames that goes to ordinary driving."""
RESOLVE = 0.6
"""Greatest share of them that may, where that is enough to count it in."""
SMOOTHED = 0.5  # a hit more, and a miss, so that no stratum of the pilot is taken for dead


@dataclass(frozen=True, slots=True)
class Stratum:
    """Encounters of a sort that are sampled alike.

    name: kind, and condition where one is set apart
    per_car_day: how many a car meets in a day
    event: whether the trigger ought to fire at them
    frames: that one takes to look at, on average
    most: how many different ones there are
    """

    name: str
    per_car_day: float
    event: bool
    frames: float = 1.0
    most: int = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What k encounters of one stratum came to.

    event, right: (k,) bool; wrong: (k,) float64, as in `estimate.Sample`
    frames: looked at, of all together
    """

    event: NDArray[np.bool_]
    right: NDArray[np.bool_]
    wrong: NDArray[np.float64]
    frames: int


class Field(Protocol):
    """What is sampled: strata with exact rates, and a way to look at the encounters of one."""

    @property
    def strata(self) -> Sequence[Stratum]:
        """In a fixed order."""

    @property
    def rest(self) -> int | None:
        """The stratum of ordinary driving, where nothing is forced."""

    def look(self, first: int, counts: Sequence[int]) -> list[Outcomes]:
        """So many encounters of each stratum, number `first` and after; the same for the same numbers."""


Watch = Callable[[str, int, int], None]
"""Told what is being looked at, how many frames are done, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What the trial found.

    sample: of the fresh look alone; strata by number
    counts: (strata,) encounters looked at; pilot: its outcomes by stratum, used for the allocation alone
    frames: looked at, the pilot's included
    """

    sample: estimate.Sample
    counts: NDArray[np.int64]
    pilot: Sequence[Outcomes]
    frames: int


def sample(field: Field, frames: int, watch: Watch = lambda *_: None, *, pilot: int | None = None) -> Sampled:
    """Spend about so many frames; never fewer than the pilot and the floors take."""
    strata, pilot = field.strata, PILOT if pilot is None else pilot
    watch("pilot", 0, frames)
    pilots = field.look(0, [min(pilot, stratum.most // 2) for stratum in strata])
    spent = sum(each.frames for each in pilots)
    counts = allocate(field, pilots, frames - spent)
    watch("sample", spent, frames)
    parts: list[estimate.Sample] = []
    for number, found in enumerate(field.look(pilot, counts.tolist())):  # the pilot's own are not looked at again
        count = len(found.event)
        weight = np.full(count, strata[number].per_car_day / max(count, 1))
        parts.append(estimate.Sample(np.full(count, number, np.int64), weight, found.event, found.right, found.wrong))
        spent += found.frames
    return Sampled(estimate.joined(parts), counts, pilots, spent)


def least(field: Field) -> float:
    """Frames below which no trial goes: pilot and floor of every stratum."""
    return sum(each.frames * (PILOT + FLOOR) for each in field.strata)


def allocate(field: Field, pilots: Sequence[Outcomes], frames: float) -> NDArray[np.int64]:
    """Encounters of each stratum, (strata,), that are worth the frames."""
    strata, rest = field.strata, field.rest
    rates = np.array([each.per_car_day for each in strata])
    cost = np.array([each.frames for each in strata])
    most = np.array([float(each.most - len(pilot.event)) for each, pilot in zip(strata, pilots, strict=True)])
    fires = np.array([_fires(pilot) for pilot in pilots])
    events = np.array([each.event for each in strata])
    forced = np.arange(len(strata)) != (-1 if rest is None else rest)
    counts = np.zeros(len(strata), np.int64)
    left = max(frames, 0.0)
    if rest is not None:
        alerts = float((rates * fires)[forced].sum())
        enough = estimate.WORTH * rates[rest] * cost[rest] / max(alerts, 1e-300)
        spent = enough if enough <= RESOLVE * left else DEFENCE * left
        counts[rest] = min(max(int(max(spent, DEFENCE * left) / cost[rest]), 1), int(most[rest]))
        left -= counts[rest] * float(cost[rest])
    counts[forced] = estimate.neyman(
        rates[forced], fires[forced], events[forced],
        cost=cost[forced], budget=left, floor=FLOOR, most=most[forced],
    )  # fmt: skip
    return counts


def _fires(pilot: Outcomes) -> float:
    """The share of a pilot that fires, smoothed."""
    fired = float((pilot.right | (pilot.wrong > 0)).sum())
    return (fired + SMOOTHED) / (len(pilot.event) + 2 * SMOOTHED)
