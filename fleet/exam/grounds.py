"""Where a fleet drives: a large sample of sites and stretches of driving, from which an exam's strata are made.

A sample of car-days is drawn first, a whole day of each car; of all sites that these pass, some tens of thousands are
chosen evenly. They stand for the fleet: a stratum's rate is the number of its sites in a car-day, each times the chance
that the site holds the encounter. All of it is arithmetic, without a picture.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fleet.exam.trial import Stratum
from scenarios import ENCOUNTERS, Draws, slices_of, staging
from triggers import TriggerSpec

CAR_DAYS, SITES = 20_000, 30_000
FEW = 60  # sites; a condition that has fewer is not set apart
SHARE_USED = 0.5  # of a stratum's sites at most, so that no two of a sample are near one another
CONDITIONS = ("dry day", "dry night", "wet day", "wet night")
AHEAD_M, BEHIND_M = 55.0, 55.0  # from which on, and until when, something at a site is looked at
BLOCK = 20  # looks of ordinary driving that count
LEAD = 4  # looks before, in which the trigger settles and a fire that belongs to what came before is noticed
LONGEST = 90  # looks
MOST_LEAD = 120
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min)\b")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """n stretches of driving to look at, with something put there or nothing.

    cars: (n,) uint32 of the world; ticks: (n,) int64, of the first look; looks, lead: (n,) int64, how many, and how
        many of them do not count
    names: n encounters, "" for none; keys, sites: (n,) int64, of the site; sites are -1 for none
    """

    cars: NDArray[np.uint32]
    ticks: Ints
    looks: Ints
    lead: Ints
    names: tuple[str, ...]
    keys: Ints
    sites: Ints

    def __len__(self) -> int:
        return len(self.cars)

    def at(self, rows: Ints) -> "Passes":
        """These of them, (m,)."""
        arrays = {each.name: getattr(self, each.name)[rows] for each in fields(Passes) if each.name != "names"}
        return Passes(names=tuple(self.names[row] for row in rows.tolist()), **arrays)


def together(parts: Sequence[Passes]) -> Passes:
    """Passes one after the other."""
    arrays = {each.name: [getattr(part, each.name) for part in parts] for each in fields(Passes)}
    names = tuple(name for part in arrays.pop("names") for name in part)
    return Passes(names=names, **{name: np.concatenate(values) for name, values in arrays.items()})


def lead_of(specs: Sequence[TriggerSpec], every_s: float) -> int:
    """Looks in which triggers settle: as long as one dwells, holds or remembers, and no less than `LEAD`."""
    text = " ".join(f"{spec.when or ''} {' '.join(str(each) for each in spec.params.values())}" for spec in specs)
    spans = [float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text)]
    longest = max([*spans, *(spec.fire.dwell_s for spec in specs)], default=0.0)
    return LEAD + min(math.ceil(longest / every_s), MOST_LEAD)


def steps_of(every_s: float) -> int:
    """Camera ticks from one look to the next."""
    return max(1, round(every_s * 10))


class Grounds:
    """The sites and blocks of a world's fleet.

    world: a drawn one; draws: the exam's own; every_s: seconds between two looks of a car; lead: looks before those
        that count, see `lead_of`
    """

    def __init__(
        self, world: staging.DrawnWorld, draws: Draws, every_s: float, *, car_days: int | None = None, lead: int = LEAD
    ) -> None:  # fmt: skip
        self._world, self._draws = world, draws
        self.step = steps_of(every_s)
        self.car_days, self.lead = car_days or CAR_DAYS, lead
        self._drives = world.drives(np.arange(self.car_days))
        self._spots: dict[str, tuple[staging.Spots, float, Ints]] = {}
        driven = self._drives.last_tick - self._drives.first_tick + 1
        self._looks_each = int(driven[0]) // self.step if len(driven) else 0

    @property
    def km_per_car_day(self) -> float:
        """Driven."""
        return float(self._drives.length_m.sum()) / 1000.0 / self.car_days

    @property
    def looks_per_car_day(self) -> float:
        """Of the network, while driving."""
        ticks = (self._drives.last_tick - self._drives.first_tick + 1).sum()
        return float(ticks) / self.step / self.car_days

    @property
    def blocks_per_car_day(self) -> float:
        """Blocks of ordinary driving."""
        return len(self._drives) * (self._looks_each // BLOCK) / self.car_days

    def strata_of(self, name: str, *, event: bool, apart: bool = True) -> list[tuple[Stratum, Ints]]:
        """Strata of an encounter, and the spots of each in the order in which they are looked at.

        apart: whether conditions are set apart.
        """
        spots, total, condition = self._spots_on(ENCOUNTERS[name].on)
        chance = self._world.chance(name)[spots.drives.road]
        found = []
        for i, says in enumerate(CONDITIONS if apart else ("",)):
            inside = np.flatnonzero((chance > 0) & ((condition == i) | (not apart)))
            if len(inside) < FEW:
                continue
            rate = float(chance[inside].sum()) * total / len(chance) / self.car_days
            looks = float(self._passes(name, spots, inside[:200]).looks.mean())
            title = f"{name}, {says}" if says else name
            most = int(len(inside) * SHARE_USED)
            found.append(
                (Stratum(title, rate, event=event, frames=looks, most=most), self._order(title, chance, inside))
            )
        return found

    def passes(self, name: str, rows: Ints) -> Passes:
        """The passes of some spots with the encounter put there."""
        return self._passes(name, self._spots_on(ENCOUNTERS[name].on)[0], rows)

    def blocks(
        self, stream: str, numbers: Ints, *, lead: int | None = None, long: int = 0, after: int = 0
    ) -> Passes:  # fmt: skip
        """Blocks of ordinary driving, nothing put there; other numbers (n,), other blocks, but for rare accidents.

        lead: looks before those that count, that of the grounds where nothing is said; long: looks that count, where
        these are not `BLOCK`; after: looks after these
        """
        most, long = self.lead if lead is None else lead, long or BLOCK
        each = self._looks_each // long
        which = np.floor(self._draws.uniform(stream, numbers) * len(self._drives) * each).astype(np.int64)
        drives, place = self._drives.at(which // each), which % each
        begins = drives.first_tick + place * long * self.step
        leads = np.minimum(most, (begins - drives.first_tick) // self.step)
        looks = np.minimum(leads + long + after, (drives.last_tick - begins) // self.step + 1 + leads)
        nothing = np.full(len(which), -1, np.int64)
        return Passes(drives.car, begins - leads * self.step, looks, leads, ("",) * len(which), nothing, nothing)

    def _spots_on(self, on: str) -> tuple[staging.Spots, float, Ints]:
        """Sites, how many there are in all, and the condition that each is passed in."""
        if on not in self._spots:
            pick = self._draws.uniform(f"exam {on}", np.arange(SITES))
            spots, _, total = staging.spots_of(self._drives, on, pick)
            ticks = self._world.arrival(spots.drives, spots.begins_m)
            of = slices_of(self._world.moments(spots.drives.car, ticks))
            dry = of["dry day"] | of["dry night"]
            self._spots[on] = spots, total, of["night"] + 2 * ~dry
        return self._spots[on]

    def _order(self, title: str, chance: Floats, inside: Ints) -> Ints:
        """Spots in an order in which those come first, by chance, where the encounter is likely (Efraimidis, 2006)."""
        drawn = self._draws.uniform(f"exam order {title}", inside)
        return inside[np.argsort(-np.log1p(-drawn) / chance[inside], kind="stable")]

    def _passes(self, name: str, spots: staging.Spots, rows: Ints) -> Passes:
        drives, begins_m = spots.drives.at(rows), spots.begins_m[rows]
        on_cell = spots.on == "cell"
        ahead, behind = (AHEAD_M, BEHIND_M) if on_cell else (0.0, 0.0)
        first = self._world.arrival(drives, begins_m - ahead) // self.step * self.step
        last = self._world.arrival(drives, begins_m + spots.length_m + behind)
        lead = np.minimum(self.lead, np.maximum(first - drives.first_tick, 0) // self.step)
        begins = np.maximum(first - lead * self.step, drives.first_tick)
        looks = np.minimum((last - begins) // self.step + 1, LONGEST + lead)
        here = staging.Spots(drives, spots.number[rows], spots.on)
        return Passes(drives.car, begins, looks, lead, (name,) * len(rows), here.key, here.site)
