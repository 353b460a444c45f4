"""Drives chosen from a drawn world and shown as if they began together, each with an encounter put on its road.

What is put takes the place of one draw, that of what a site holds; every other draw stays. So a drive with something
put at a site that was chosen evenly is a drive as one finds it among those that have it there, and how often that is
the case is the site's chance: weights are exact.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.cameras import CameraFrames, Rig
from scenarios.encounters import Put
from scenarios.errors import NotDrawn
from scenarios.motion import Motion
from scenarios.paint.silhouettes import Outlines
from scenarios.roads import AHEAD, BEHIND, CELL_M, TRIP_STRIDE
from scenarios.telling import paired
from scenarios.top_down import TopDown
from scenarios.traffic import STRETCH_M
from scenarios.trips import Drives, Floats, Ints
from scenarios.truth import Truth
from scenarios.world import DrawnWorld, World

__all__ = ["DrawnWorld", "Spots", "StagedWorld", "drawn", "site_of", "spots_of", "stage"]

_STRETCHES = 1 << 12
_RARE = 9  # the lowest four bits of a thing that an encounter put there; see `sites.thing`


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """n sites, each on a drive of its own.

    drives: n of them; number: (n,) int64, of the cell or the stretch; on: which of the two
    """

    drives: Drives
    number: Ints
    on: str

    @property
    def key(self) -> Ints:
        """What draws for the sites are keyed by, (n,)."""
        return self.drives.trip * (TRIP_STRIDE if self.on == "cell" else _STRETCHES) + self.number

    @property
    def site(self) -> Ints:
        """What `site_of` gives for things of these sites, (n,)."""
        return 2 * self.key + (self.on == "stretch")

    @property
    def begins_m(self) -> Floats:
        """Where they begin, along their drive, (n,)."""
        return self.number.astype(np.float64) * self.length_m

    @property
    def length_m(self) -> float:
        """Of each."""
        return CELL_M if self.on == "cell" else STRETCH_M


def drawn(world: World) -> DrawnWorld:
    """The world, if it is drawn from rates. Raises NotDrawn."""
    if not isinstance(world, DrawnWorld):
        raise NotDrawn(world.name)
    return world


def spots_of(drives: Drives, on: str, pick: Floats) -> tuple[Spots, NDArray[np.intp], float]:
    """Sites chosen evenly among all that these drives pass or see; which drive each is on; how many there are in all.

    pick: (n,) in [0, 1). A cell beyond either end of a drive counts where it is in sight from it.
    """
    length = CELL_M if on == "cell" else STRETCH_M
    before, after = (BEHIND, AHEAD - 1) if on == "cell" else (0, 0)
    each = np.floor(drives.length_m / length).astype(np.int64) + 1 + before + after
    ends = np.cumsum(each)
    place = np.floor(pick * ends[-1]).astype(np.int64)
    row = np.searchsorted(ends, place, side="right")
    return Spots(drives.at(row), place - (ends[row] - each[row]) - before, on), row, float(ends[-1])


def site_of(things: Ints) -> Ints:
    """The site that put each thing there, of any shape; -1 for things that no encounter put there."""
    return np.where(things % 16 == _RARE, things // 128, -1)


class StagedWorld:
    """Moments of a drawn world under new names: car i is one of its cars, and tick 0 another time for each.

    cars: (n,) uint32 of the world; ticks: (n,) int64, when tick 0 is; put: what is put on the road of each of them
    """

    def __init__(self, world: DrawnWorld, cars: NDArray[np.uint32], ticks: Ints, put: Put) -> None:
        self._world, self._cars, self._ticks, self._put = world, cars, ticks, put

    @property
    def name(self) -> str:
        """Of the world."""
        return self._world.name

    @property
    def rig(self) -> Rig:
        """The cameras of every car."""
        return self._world.rig

    @property
    def fingerprint(self) -> str:
        """Of the world; what is put there is not in it."""
        return self._world.fingerprint

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        """Pictures."""
        who, when = paired(cars, ticks)
        return replace(self._world.frames(*self._real(who, when), self._puts(who)), cars=who, ticks=when)

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        """How the cars move."""
        return self._world.motion(*self._real(*paired(cars, ticks)))

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> Floats:
        """How the car frame of one tick lies in that of another, (n, 3)."""
        who, start = self._real(*paired(cars, from_ticks))
        _, end = self._real(*paired(cars, to_ticks))
        return self._world.moved(who, start, end)

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is."""
        return self._world.severities(*self._real(*paired(cars, ticks)))

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        """What slices may ask of moments."""
        return self._world.moments(*self._real(*paired(cars, ticks)))

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """0 no link, 1 cellular, 2 at home."""
        return self._world.links(*self._real(*paired(cars, ticks)))

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there, and what was put there."""
        who, when = paired(cars, ticks)
        return replace(self._world.truth(*self._real(who, when), self._puts(who)), cars=who, ticks=when)

    def top_down(self, cars: ArrayLike, ticks: ArrayLike) -> TopDown:
        """The same, seen from above."""
        who, when = paired(cars, ticks)
        return self._world.top_down(*self._real(who, when), self._puts(who))

    def outlines(self, cars: ArrayLike, ticks: ArrayLike) -> Outlines:
        """What stands in each image column."""
        who, when = paired(cars, ticks)
        return self._world.outlines(*self._real(who, when), self._puts(who))

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car."""
        who, when = paired(cars, ticks)
        return self._world.in_reach(*self._real(who, when), kinds, self._puts(who))

    def on(self, world: DrawnWorld) -> "StagedWorld":
        """The same moments of another world, such as one with other cameras."""
        return StagedWorld(world, self._cars, self._ticks, self._put)

    def met(self, cars: ArrayLike, ticks: ArrayLike) -> tuple[Ints, NDArray[np.str_]]:
        """The sites around n cars, (n, sites), and what each holds, "" for nothing."""
        who, when = paired(cars, ticks)
        return self._world.met(*self._real(who, when), self._puts(who))

    def _real(self, cars: NDArray[np.uint32], ticks: Ints) -> tuple[NDArray[np.uint32], Ints]:
        return self._cars[cars], self._ticks[cars] + ticks

    def _puts(self, cars: NDArray[np.uint32]) -> Put:
        return self._put.of(cars)


def stage(world: DrawnWorld, cars: NDArray[np.uint32], ticks: Ints, names: Sequence[str], keys: Ints) -> StagedWorld:
    """A world of n cars in which car i is `cars[i]`, tick 0 its `ticks[i]`, and something stands at one of its sites.

    names: n of them, "" for none; keys: (n,) int64, of the sites, see `Spots`
    """
    return StagedWorld(world, cars, ticks, world.put(names, keys))
