"""What cars remember of their last looks, so that a map shows what was seen a moment ago too.

A look is a pure function of (car, tick), and so is which looks count. So memory is only a cache: one that is lost, as
when a run is resumed or a clip is cut, is made again from the world, to the same bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import CameraFrames, World
from vehicle.networks import Network
from vehicle.perceive import CHUNK, perceive
from vehicle.privacy import HOMES_ONLY, Privacy
from vehicle.top_down import Sight, Viewer

BLOCK = 4 * CHUNK  # moments looked at again in one go

Looks = dict[str, NDArray[Any]]
"""Viewer to what it makes of a car's moment by itself, of its `shape`; or of n cars' (n, *shape)."""


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What some cars, at most CHUNK, see from above.

    rows: which of the n cars that were asked for
    by_viewer: viewer to (cars, classes, rows, columns) float32
    """

    rows: slice
    by_viewer: dict[str, NDArray[np.float32]]


def maps_of(
    world: World, network: Network, sight: Sight, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """What each viewer makes of n moments, with the looks before them: viewer to (n, classes, rows, columns)."""
    frames = world.frames(cars, ticks)
    (seen,) = perceive([network], frames, sight.viewers)
    chunks = list(Lookback(world).fuse(sight, network, frames, seen.looks))
    return {each.name: np.concatenate([chunk.by_viewer[each.name] for chunk in chunks]) for each in sight.viewers}


class Lookback:
    """The last looks of a cohort's cars: for a car on the road those of now, and as many earlier ones as are wanted."""

    def __init__(self, world: World, privacy: Privacy = HOMES_ONLY) -> None:
        self._world, self._privacy = world, privacy
        self._looks: dict[tuple[int, int], Looks | None] = {}  # of a car at a tick; None: not to be remembered
        self._span = 0  # ticks; how far back anybody has wanted to look

    def __len__(self) -> int:
        """How many looks are remembered."""
        return len(self._looks)

    def fuse(self, sight: Sight, network: Network, frames: CameraFrames, looks: Looks) -> Iterator[Maps]:
        """The maps of n cars, in their order; looks: what `perceive` made of these frames with this network."""
        if not sight.viewers:
            return
        self._keep(frames.cars, frames.ticks, looks)
        then = sight.looks_before(frames.ticks)  # (n, k)
        self._look_again(sight, network, frames.cars, then)
        earlier = [[self._looks.get(key) for key in keys] for keys in _keys(frames.cars, then)]
        present = np.array([[look is not None for look in each] for each in earlier], np.bool_).reshape(then.shape)
        came = self._moved(frames, then, present)
        for start in range(0, len(earlier), CHUNK):
            rows = slice(start, min(start + CHUNK, len(earlier)))
            about = earlier[rows], came[rows], present[rows]
            yield Maps(rows, {each.name: _fused(each, looks[each.name][rows], *about) for each in sight.viewers})
        self._span = max(self._span, sight.span_ticks)
        self._forget(int(frames.ticks.max(initial=0)) - self._span)

    def _keep(self, cars: NDArray[np.uint32], ticks: NDArray[np.int64], looks: Looks) -> None:
        private = self._privacy.private(self._world, cars, ticks).tolist()
        for row, (car, tick) in enumerate(zip(cars.tolist(), ticks.tolist(), strict=True)):
            self._looks[car, tick] = None if private[row] else {name: each[row] for name, each in looks.items()}

    def _look_again(self, sight: Sight, network: Network, cars: NDArray[np.uint32], then: NDArray[np.int64]) -> None:
        """Make the looks that are wanted and not there: after a pause, for a clip, by other viewers than before."""
        names = {viewer.name for viewer in sight.viewers}
        wanted = {key for keys in _keys(cars, then) for key in keys if key[1] >= 0 and not self._has(key, names)}
        if not wanted:
            return
        pairs = np.array(sorted(wanted), np.int64)
        private = self._privacy.private(self._world, pairs[:, 0].astype(np.uint32), pairs[:, 1])
        self._looks |= dict.fromkeys(map(tuple, pairs[private].tolist()))
        pairs = pairs[~private]
        for start in range(0, len(pairs), BLOCK):
            who, when = pairs[start : start + BLOCK].T
            frames = self._world.frames(who.astype(np.uint32), when)
            (seen,) = perceive([network], frames, sight.viewers)
            self._keep(frames.cars, frames.ticks, seen.looks)

    def _has(self, key: tuple[int, int], names: set[str]) -> bool:
        look = self._looks.get(key)
        return key in self._looks and (look is None or names <= look.keys())

    def _moved(self, frames: CameraFrames, then: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
        came = np.zeros((*then.shape, 3))
        row, _ = np.nonzero(present)
        if len(row):
            came[present] = self._world.moved(frames.cars[row], then[present], frames.ticks[row])
        return came

    def _forget(self, until: int) -> None:
        self._looks = {key: look for key, look in self._looks.items() if key[1] > until}


def _keys(cars: NDArray[np.uint32], then: NDArray[np.int64]) -> list[list[tuple[int, int]]]:
    return [[(car, tick) for tick in ticks] for car, ticks in zip(cars.tolist(), then.tolist(), strict=True)]


def _fused(
    viewer: Viewer,
    looks: NDArray[Any],
    earlier: Sequence[Sequence[Looks | None]],
    came: NDArray[np.float64],
    present: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """One viewer's maps of at most CHUNK cars; the rest of the chunk stays blank."""
    wanted = min(viewer.looks, came.shape[1])
    now = np.zeros((CHUNK, *viewer.shape), viewer.dtype)
    before = np.empty((CHUNK, viewer.looks, *viewer.shape), viewer.dtype)
    shift, there = np.zeros((CHUNK, viewer.looks, 3)), np.zeros((CHUNK, viewer.looks), np.bool_)
    now[: len(looks)] = looks
    shift[: len(looks), :wanted], there[: len(looks), :wanted] = came[:, :wanted], present[:, :wanted]
    before[len(looks) :] = before[:, wanted:] = 0
    for row, each in enumerate(earlier):
        for k, look in enumerate(each[:wanted]):
            before[row, k] = 0 if look is None else look[viewer.name]
    return viewer.fuse(now, before, shift, there)[: len(looks)]
