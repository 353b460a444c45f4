"""Where a situation begins: cars at moments, each with a little before and after, on a clock of their own."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fleet.proving.situations import Cars, Mask, Situation, Ticks
from scenarios import TICK_US, CameraFrames, Draws, Rig, Truth, World, open_world

CARS = 20_000
TICKS_PER_S = 1_000_000 // TICK_US
DAY = 86_400 * TICKS_PER_S
_AT_ONCE, _TRUTHS, _BATCHES = 4096, 64, 60
_BACK_S = 16


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """m passages of one situation: cars (m,) and the ticks (m,) at which it begins for them."""

    world: World
    situation: Situation
    cars: Cars
    begins: Ticks

    def __len__(self) -> int:
        return len(self.cars)


def find(situation: Situation, count: int, *, seed: int) -> Passages:
    """So many passages, of different cars; fewer where the world does not show so many. The same for the same seed."""
    world = open_world(situation.world, seed=seed, cars=CARS, compiled=False, **situation.fields)
    cars, ticks = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    for batch in range(_BATCHES):
        met, when = _candidates(situation, world, Draws(seed), batch)
        for start in range(0, len(met), _TRUTHS):
            some = slice(start, start + _TRUTHS)
            there = _shows(situation, world, met[some], when[some]) & ~np.isin(met[some], cars)
            begins, known = _onset(situation, world, met[some][there], when[some][there])
            known &= when[some][there] - begins >= situation.least_s * TICKS_PER_S
            who, begins = met[some][there][known], begins[known]
            clear = _clear(situation, world, who, begins)
            cars, ticks = np.append(cars, who[clear]), np.append(ticks, begins[clear])
            if len(cars) >= count:
                return Passages(world, situation, cars[:count], ticks[:count])
    return Passages(world, situation, cars, ticks)


def _candidates(situation: Situation, world: World, draws: Draws, batch: int) -> tuple[Cars, Ticks]:
    """Cars on the road in the middle of a drive, where it moves as it should; one moment a car, (k,) each."""
    number = np.arange(_AT_ONCE)
    cars = draws.integers("proving car", number, batch, high=CARS).astype(np.uint32)
    ticks = DAY // 4 + draws.integers("proving tick", number, batch, high=DAY // 2)
    _, first = np.unique(cars, return_index=True)
    cars, ticks = cars[np.sort(first)], ticks[np.sort(first)]
    span = [round(each * TICKS_PER_S) for each in (-situation.before_s - 3, 0, situation.after_s)]
    driving = np.logical_and.reduce([world.motion(cars, ticks + shift).driving for shift in span])
    cars, ticks = cars[driving], ticks[driving]
    if situation.moves is None:
        return cars, ticks
    moves = situation.moves(world, cars, ticks)
    return cars[moves], ticks[moves]


def _shows(situation: Situation, world: World, cars: Cars, ticks: Ticks) -> Mask:
    if situation.shows is None or not len(cars):
        return np.ones(len(cars), np.bool_)
    return situation.shows(world.truth(cars, ticks))


def _onset(situation: Situation, world: World, cars: Cars, ticks: Ticks) -> tuple[Ticks, Mask]:
    """When what holds at these ticks began to hold, to a second, and whether that was within the last seconds."""
    begins, holding = ticks.copy(), np.ones(len(cars), np.bool_)
    if situation.lasts:
        return begins, holding
    for back in range(1, _BACK_S + 1):
        earlier = ticks - back * TICKS_PER_S
        if situation.moves is not None:
            holding &= situation.moves(world, cars, earlier)
        rows = np.flatnonzero(holding)
        holding[rows] = _shows(situation, world, cars[rows], earlier[rows])
        begins[holding] = earlier[holding]
    return begins, ~holding


def looks_of(situation: Situation) -> Ticks:
    """Ticks since a passage's beginning at which its car looks, (T,); before it they are below 0."""
    first, last, step = (
        round(each * TICKS_PER_S) for each in (-situation.before_s, situation.after_s, situation.every_s)
    )
    return np.arange(first, last + 1, step, dtype=np.int64)


def _clear(situation: Situation, world: World, cars: Cars, begins: Ticks) -> Mask:
    """On which passages there is, at no look, what must not be there."""
    clear = np.ones(len(cars), np.bool_)
    if situation.without is None:
        return clear
    for look in looks_of(situation):
        rows = np.flatnonzero(clear)
        clear[rows] = ~situation.without(world.truth(cars[rows], begins[rows] + look)) if len(rows) else False
    return clear


class OwnClocks:
    """A world seen by car 0 … m-1, each of which is some car of it, on a clock that starts where its passage does.

    It is a `World`; so what the cars of a fleet run, runs here unchanged.
    """

    def __init__(self, world: World, cars: Cars, starts: Ticks) -> None:
        self.world, self._cars, self._starts = world, cars, starts

    @property
    def name(self) -> str:
        """As plans name it."""
        return self.world.name

    @property
    def rig(self) -> Rig:
        """The cameras of every car."""
        return self.world.rig

    @property
    def fingerprint(self) -> str:
        """Of the world that it is."""
        return self.world.fingerprint

    def really(self, cars: ArrayLike, ticks: ArrayLike) -> tuple[Cars, Ticks]:
        """Which cars of the world these are, and at which of its ticks."""
        rows = np.atleast_1d(np.asarray(cars)).astype(np.intp)
        return self._cars[rows], self._starts[rows] + np.asarray(ticks, np.int64)

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        """Pictures."""
        seen = self.world.frames(*self.really(cars, ticks))
        who = np.atleast_1d(np.asarray(cars)).astype(np.uint32)
        return replace(seen, cars=who, ticks=np.broadcast_to(np.asarray(ticks, np.int64), who.shape))

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Any:
        """How they move."""
        return self.world.motion(*self.really(cars, ticks))

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is."""
        return self.world.severities(*self.really(cars, ticks))

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        """What slices may ask."""
        return self.world.moments(*self.really(cars, ticks))

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> NDArray[np.float64]:
        """How their frames moved."""
        who, begin = self.really(cars, from_ticks)
        return self.world.moved(who, begin, self.really(cars, to_ticks)[1])

    def top_down(self, cars: ArrayLike, ticks: ArrayLike) -> Any:
        """What lies around them."""
        return self.world.top_down(*self.really(cars, ticks))

    def outlines(self, cars: ArrayLike, ticks: ArrayLike) -> Any:
        """What their cameras show of what."""
        return self.world.outlines(*self.really(cars, ticks))

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """How they are connected."""
        return self.world.links(*self.really(cars, ticks))

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there."""
        return self.world.truth(*self.really(cars, ticks))

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead."""
        return self.world.in_reach(*self.really(cars, ticks), kinds)
