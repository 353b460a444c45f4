"""The painted world as something to sample: an encounter is put on a road and driven past, and the trigger judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleet.exam.aims import Aim
from fleet.exam.crew import Fitting, Hands
from fleet.exam.driving import Driven, drive
from fleet.exam.grounds import BLOCK, Grounds, Passes, together
from fleet.exam.trial import Outcomes, Stratum
from scenarios import ENCOUNTERS, staging

SCOUTS = 8  # passes of every other sort of encounter, to find modes of false fires
COMMON_PER_KM = 0.2
NEAR, NEAREST = 0.25, 3  # how far from passing its last gate a near miss of the scouts may be, and how many count
ORDINARY = "ordinary driving"


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was looked at in one go: of each row its stratum, (n,) int64, and what they came to."""

    strata: NDArray[np.int64]
    driven: Driven


@dataclass(frozen=True, slots=True)
class Scouted:
    """What was found by putting every other sort of encounter in the way.

    modes: at which the trigger fired; near: that all but one of its gates let through, and nearly that one; frames: it
    took
    """

    modes: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    frames: int = 0


@dataclass(slots=True, eq=False)
class Painted:
    """A `Field` of pictures.

    world, grounds: where; fitting: what the cars run; aim: of the trigger
    scouted: other encounters that it fired at, or nearly; trigger: which of the fitting's the outcomes are about
    looked: everything that was driven, in order; hands: who drives, else this process
    """

    world: staging.DrawnWorld
    grounds: Grounds
    fitting: Fitting
    aim: Aim
    scouted: Scouted = Scouted()
    trigger: int = 0
    watch: Callable[[int], None] = lambda _: None
    looked: list[Looked] = field(default_factory=list)
    hands: Hands | None = None
    _strata: list[tuple[Stratum, str, NDArray[np.int64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The strata, once."""
        for name in (*self.aim.catches, *self.aim.near_misses, *self.scouted.modes, *self.scouted.near):
            event = name in self.aim.catches
            for stratum, order in self.grounds.strata_of(name, event=event, apart=name in self.aim.forced):
                self._strata.append((stratum, name, order))

    @property
    def strata(self) -> Sequence[Stratum]:
        """Encounters by condition, and ordinary driving last."""
        return [*(stratum for stratum, _, _ in self._strata), self._ordinary]

    @property
    def rest(self) -> int:
        """Ordinary driving."""
        return len(self._strata)

    @property
    def _ordinary(self) -> Stratum:
        return Stratum(ORDINARY, self.grounds.blocks_per_car_day, event=False, frames=BLOCK + self.grounds.lead)

    def look(self, first: int, counts: Sequence[int]) -> list[Outcomes]:
        """Drive them, and keep what was seen for the report."""
        parts = [self._passes(number, np.arange(first, first + count)) for number, count in enumerate(counts)]
        driven = drive(
            self.world, self.fitting, together(parts), self.aim, self.grounds.step, self.watch, hands=self.hands
        )
        self.looked.append(Looked(np.repeat(np.arange(len(counts)), counts), driven))
        return self.outcomes(self.looked[-1], self.trigger)

    @property
    def apart(self) -> frozenset[str]:
        """Encounters with strata of their own."""
        return frozenset(name for _, name, _ in self._strata)

    def stray(self, driven: Driven, trigger: int) -> NDArray[np.bool_]:
        """Blocks of ordinary driving with a fire at nothing that has a stratum of its own, (n,)."""
        fired = np.zeros(len(driven.passes), np.bool_)
        fired[[fire.row for fire in driven.fires if fire.trigger == trigger and fire.name not in self.apart]] = True
        alone: NDArray[np.bool_] = fired & ~driven.early[trigger]
        return alone

    def outcomes(self, looked: Looked, trigger: int) -> list[Outcomes]:
        """What one of the triggers did there, stratum by stratum."""
        driven, hit = looked.driven, np.zeros(len(looked.strata), np.bool_)
        for fire in driven.fires:
            hit[fire.row] |= fire.trigger == trigger and fire.site == driven.passes.sites[fire.row]
        caught = np.array([name in self.aim.catches for name in driven.passes.names], np.bool_)
        event, right = caught & driven.seen, caught & driven.seen & hit
        ordinary = driven.passes.sites < 0
        wrong = np.where(ordinary, self.stray(driven, trigger), hit & ~caught)
        return [
            Outcomes(event[rows], right[rows], wrong[rows].astype(np.float64), int(driven.passes.looks[rows].sum()))
            for rows in (looked.strata == number for number in range(len(self.strata)))
        ]

    def _passes(self, stratum: int, numbers: NDArray[np.int64]) -> Passes:
        if stratum == self.rest:
            return self.grounds.blocks("exam ordinary", numbers)
        _, name, order = self._strata[stratum]
        return self.grounds.passes(name, order[numbers])


def alerts(driven: Driven, trigger: int) -> NDArray[np.bool_]:
    """Blocks with any fire, (n,): one alert each, for fires so near in time belong together."""
    fired = np.zeros(len(driven.passes), np.bool_)
    fired[[fire.row for fire in driven.fires if fire.trigger == trigger]] = True
    alone: NDArray[np.bool_] = fired & ~driven.early[trigger]
    return alone


def scout(
    world: staging.DrawnWorld, grounds: Grounds, fitting: Fitting, aim: Aim,
    watch: Callable[[int], None] = lambda _: None, hands: Hands | None = None,
) -> Scouted:  # fmt: skip
    """Encounters of other sorts at which the trigger fires now and then, or nearly.

    What is common needs no stratum of its own: ordinary driving is full of it.
    """
    parts, often = [], {}
    for name in ENCOUNTERS:
        if name not in aim.forced:
            for stratum, order in grounds.strata_of(name, event=False, apart=False):
                often[name] = stratum.per_car_day / grounds.km_per_car_day
                count = (
                    SCOUTS if ENCOUNTERS[name].on == "cell" else max(SCOUTS // 2, 1)
                )  # these take long to drive past
                parts.append(grounds.passes(name, order[-count:]))  # the exam's own begin at the other end
    driven = drive(world, fitting, together(parts), aim, grounds.step, watch, hands=hands)
    hit = {driven.passes.names[fire.row] for fire in driven.fires if fire.site == driven.passes.sites[fire.row]}
    rare = [name for name in often if often[name] < COMMON_PER_KM]
    modes = tuple(name for name in rare if name in hit)
    return Scouted(modes, tuple(_nearest(driven, [name for name in rare if name not in hit])), driven.frames)


def _nearest(driven: Driven, names: Sequence[str]) -> list[str]:
    """Those of the sorts that came nearest to a fire, up to `NEAREST` of them: stopped by one gate, and barely."""
    short: dict[str, float] = {}
    for k, gates in enumerate(driven.gates):
        left = len(gates) - 1 - driven.depth[k]  # gates between it and a fire, but for the one that stopped it
        near = np.flatnonzero((left <= 1) & (driven.depth[k] >= 0) & (driven.apart[k] <= NEAR))
        for row in near.tolist():
            name, far = driven.passes.names[row], float(left[row] + driven.apart[k, row])
            if name in names:
                short[name] = min(short.get(name, np.inf), far)
    return sorted(short, key=lambda name: (short[name], name))[:NEAREST]
