"""Short drives to learn a map from: what the backbone saw at each look, what was there, and how the car moved.

The backbone is frozen, so a drive is painted and looked at once, and learnt from many times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.engine.sampling import CARS, EVERYTHING, Sampler
from scenarios import CLASSES, GRID, Draws, TopDown, World
from vehicle import Network

CHUNK = 8  # cars that the backbone looks at in one go
CANDIDATES = 3  # drawn for each drive that is kept
SHARES = {"pedestrian": 0.4, "crosswalk": 0.15, "vehicle": 0.25}
"""Of the drives, by what stands near the car at the end; the first that a drive has and that is not yet full counts."""

Told = Callable[[int, int], None]
"""Hears how many drives are filmed, of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """m drives of t looks each, c cameras.

    maps: by name, (m, t, c, channels, rows * columns) float16, on disk: the backbone's trunk
    ground: (m, t, classes, rows, columns / 8) uint8, what was there, a bit a cell
    moved: (m, t, t, 3) float32, [i, a, b] = how the frame of look b lies in that of look a
    cars, ticks: (m, t), of which world: (m,) uint8
    """

    maps: Mapping[str, NDArray[np.float16]]
    ground: NDArray[np.uint8]
    moved: NDArray[np.float32]
    cars: NDArray[np.uint32]
    ticks: NDArray[np.int64]
    world: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ground)

    def some(self, drives: int) -> "Footage":
        """Every so many drives, so that all worlds are among them."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(drives, len(self))).astype(int))
        maps = {name: values[rows] for name, values in self.maps.items()}
        return Footage(maps, self.ground[rows], self.moved[rows], self.cars[rows], self.ticks[rows], self.world[rows])

    def cells(self, drives: NDArray[np.intp]) -> NDArray[np.bool_]:
        """What was there, (drives, t, classes, rows, columns)."""
        return np.unpackbits(self.ground[drives], axis=-1).astype(np.bool_)


@dataclass(frozen=True, slots=True)
class Scenes:
    """Which drives to film.

    worlds: to drive in, and the share of each; seed: of the draws
    drives, looks: how many, and how many looks each
    spacings: ticks between two looks; a drive has one of them
    """

    worlds: Sequence[tuple[World, float]]
    seed: int
    drives: int
    looks: int
    spacings: Sequence[int] = (10, 10, 5)


def film(scenes: Scenes, network: Network, folder: Path, told: Told) -> Footage:
    """Paint drives and let the backbone look at them; its maps go to files in a folder, the rest to memory."""
    cars, ticks, world = _chosen(scenes)
    m, t = ticks.shape
    maps: dict[str, NDArray[np.float16]] = {}
    ground = np.zeros((m, t, len(CLASSES), GRID.rows, GRID.columns // 8), np.uint8)
    moved = np.zeros((m, t, t, 3), np.float32)
    for number, (where, _) in enumerate(scenes.worlds):
        for rows in _in_chunks(np.flatnonzero(world == number)):
            for look in range(t):
                now = (cars[rows], ticks[rows, look])
                seen = _seen(where, network, *now)
                for name, values in seen.items():
                    if name not in maps:
                        shape = (m, t, *values.shape[1:])
                        maps[name] = np.memmap(folder / f"{name}.f16", np.float16, "w+", shape=shape)
                    maps[name][rows, look] = values
                ground[rows, look] = np.packbits(where.top_down(*now).cells, axis=-1)
                for other in range(t):
                    moved[rows, look, other] = where.moved(cars[rows], ticks[rows, other], ticks[rows, look])
            told(int(rows[-1]) + 1, m)
    return Footage(maps, ground, moved, cars, ticks, world)


def _seen(
    world: World, network: Network, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> dict[str, NDArray[np.float16]]:
    """The trunk's maps of n cars, (n, c, channels, cells) each."""
    pixels = world.frames(cars, ticks).pixels.numpy()
    n, c = pixels.shape[:2]
    _, maps = network.see(np.concatenate([pixels, np.zeros((CHUNK - n, *pixels.shape[1:]), np.uint8)]))
    return {name: values.reshape(CHUNK, c, values.shape[1], -1)[:n].astype(np.float16) for name, values in maps.items()}


def _in_chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _chosen(scenes: Scenes) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint8]]:
    """Cars (m,), ticks (m, t) and worlds (m,)."""
    cars, ticks, world = [], [], []
    shares = np.cumsum([share for _, share in scenes.worlds])
    ends = np.round(shares / shares[-1] * scenes.drives).astype(int)
    for number, (where, _) in enumerate(scenes.worlds):
        wanted = int(ends[number] - (ends[number - 1] if number else 0))
        who, when = _drives(where, Draws(scenes.seed), wanted, scenes)
        cars.append(who)
        ticks.append(when)
        world.append(np.full(wanted, number, np.uint8))
    return np.concatenate(cars), np.concatenate(ticks), np.concatenate(world)


def _drives(world: World, draws: Draws, wanted: int, scenes: Scenes) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Cars (wanted,) and ticks (wanted, looks) of drives in one world, what is worth looking at first."""
    sampler = Sampler(world, CARS, draws, EVERYTHING)
    cars, ticks = np.zeros(0, np.uint32), np.zeros((0, scenes.looks), np.int64)
    batch = 0
    while len(cars) < wanted:
        size = min(64, wanted - len(cars))
        who, last = sampler.moments(batch, CANDIDATES * size)
        spacing = np.array(scenes.spacings)[draws.integers("spacing of looks", who, last, high=len(scenes.spacings))]
        when = last[:, None] + spacing[:, None] * np.arange(1 - scenes.looks, 1)
        before = world.motion(who, when[:, 0])
        whole = before.driving & (before.odometer_m <= world.motion(who, last).odometer_m)
        who, when = who[whole], when[whole]
        kept = _worthwhile(world.top_down(who, when[:, -1]), size)
        cars, ticks, batch = np.append(cars, who[kept]), np.concatenate([ticks, when[kept]]), batch + 1
    return cars, ticks


def _worthwhile(above: TopDown, size: int) -> NDArray[np.intp]:
    """Rows of so many moments out of more, by SHARES."""
    order = np.full(len(above.cells), len(SHARES))
    for place, (name, share) in enumerate(SHARES.items()):
        near = above.cells[:, CLASSES.index(name)].any(axis=(1, 2))
        rows = np.flatnonzero(near & (order == len(SHARES)))
        order[rows[: round(share * size)]] = place
    return np.sort(np.argsort(order, kind="stable")[:size])
