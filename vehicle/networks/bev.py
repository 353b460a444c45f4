"""BEV net: what all cameras show and showed, as one map seen from above.

Read from top to bottom. Four steps, each after a paper:

1. *Lift* (Philion and Fidler, "Lift, Splat, Shoot", ECCV 2020, section 3.1; Harley et al., "Simple-BEV", ICRA 2023,
   section 3): every camera has rays over the ground, and a ray has bins of distance. A bin takes the picture's features
   from where the rig says that its ground, and what would stand on it, is seen.
2. *Translate* (Saha et al., "Translating Images into Maps", ICRA 2022, section 3): along a ray, bins tell each other
   what they see; so a car's side, seen in every bin behind its foot, is put down once.
3. *Splat* (Lift-Splat-Shoot, section 3.2): the ground gathers its bins from all rays, as a mean over cameras that sees
   finer where a camera does. Convolutions on the ground then say what this look shows, as probabilities.
4. *Remember* (Huang and Huang, "BEVDet4D", 2022, section 3.2; Li et al., "BEVFormer", ECCV 2022, section 3.4): the
   maps of the last looks are moved to where the car is now, by its odometry, and read together.

The rig is in no weight: it goes in as the places of steps 1 and 3, which are sparse sums. So another rig needs no
training. What a car remembers is maps of probabilities, a byte a cell and channel: no state without end.

n cars, c cameras, r rays, d bins of distance, h heights.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from scenarios import CLASSES, GRID, Camera, Rig

RAYS = 24  # of a camera, evenly across its picture
BINS_M = tuple(1.0 + 30.0 * (i / 19) ** 1.4 for i in range(20))  # finer where pictures are
HEIGHTS_M = (0.0, 1.0)  # of what a bin takes from the picture: its ground, and what stands on it
MAPS = {"fine": (32, 4), "x": (80, 8)}  # of the backbone's trunk: channels, and pixels along a cell's side
POINTS = RAYS * len(BINS_M) * len(HEIGHTS_M)  # of a camera
LIFTED, GROUND, LAST = 16, 16, 32  # channels along rays, on the ground, and before an answer
COARSER = 2  # cells of the map along a side of one that convolutions work on
SIZE = (GRID.rows // COARSER, GRID.columns // COARSER)
CHANNELS = 8  # of a look's map, a byte each: the classes, then what it finds worth remembering
LOOK = (GRID.rows + 2, GRID.columns + 2, CHANNELS)  # as a car keeps it, with an empty rim: places outside have nothing
BYTES = COARSER**2 * CHANNELS  # of a look, in a cell that convolutions work on
LOOKS = 3
PARTS = ("neck", "rays", "ground", "memory")  # as cars run them, in this order


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Weighted sums over rows of a table, one after another.

    index: (m,) int32 rows; weight: (m,) float32; start: (sums,) int32 where in `index` each begins
    """

    index: Tensor
    weight: Tensor
    start: Tensor

    def __call__(self, tables: Tensor) -> Tensor:
        """Tables (n, rows, channels): (n, sums, channels). Each channel by itself, always in the same order."""
        found = self.of(tables.transpose(0, 1).flatten(1))  # (sums, n * channels)
        return found.view(len(self.start), len(tables), -1).transpose(0, 1)

    def of(self, table: Tensor) -> Tensor:
        """One table (rows, channels): (sums, channels)."""
        return torch.embedding_bag(table, self.index, self.start, per_sample_weights=self.weight)[0]


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A rig, as the net needs it.

    lift: cells of both maps of all pictures to points (d * c*r * h)
    splat: bins (d * c*r) to cells of the ground
    """

    lift: Sums
    splat: Sums


class BevNet(nn.Module):
    """The maps of the backbone's trunk to a look, and looks to a map."""

    def __init__(self, looks: int = LOOKS) -> None:
        """looks: earlier ones it remembers; 0 for none."""
        super().__init__()
        self.looks = looks
        self.neck, self.rays, self.ground = Neck(), RayNet(), GroundNet()
        self.memory = MemoryNet(looks)

    def look(self, fine: Tensor, x: Tensor, geometry: Geometry) -> Tensor:
        """Maps (n, c, 32, h/4 * w/4) and (n, c, 80, h/8 * w/8): logits (n, CHANNELS, rows, columns) of this look."""
        points = geometry.lift(self.neck(fine, x))  # (n, d * c*r * h, LIFTED)
        logits: Tensor = self.ground(geometry.splat(self.rays(points)))
        return logits

    @property
    def seen(self) -> tuple[int, int]:
        """What `fuse` wants of a car: cells, and numbers in each."""
        return SIZE[0] * SIZE[1], (1 + self.looks) * BYTES

    def fuse(self, seen: Tensor) -> Tensor:
        """Looks side by side, 0..1, (n, *self.seen): logits (n, classes, rows, columns)."""
        logits: Tensor = self.memory(seen)
        return logits

    @staticmethod
    def geometry(rig: Rig) -> Geometry:
        """A rig, as the net needs it."""
        return geometry_of(rig)

    @staticmethod
    def places(moved: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Where in the maps of then each cell of now lies, (m, rows * columns); see `places`."""
        return places(moved)

    @staticmethod
    def packed(logits: Tensor) -> Tensor:
        """A look's logits (n, CHANNELS, rows, columns) as a car keeps it: (n, *LOOK) 0..1."""
        return functional.pad(torch.sigmoid(logits), (1, 1, 1, 1)).permute(0, 2, 3, 1)

    def remember(self, looks: Tensor, cells: Tensor) -> Tensor:
        """What `fuse` wants, for learning: `side_by_side` of looks that were not yet rounded to bytes.

        looks: (n, 1 + looks, *LOOK) as `packed` gives them, the present one first
        cells: (n, looks, rows * columns) where `places` finds them; 0, on the empty rim, for a look that is not
        """
        flat = looks.flatten(2, 3)
        earlier = flat[:, 1:].gather(2, cells[..., None].expand(-1, -1, -1, CHANNELS))
        whole = torch.cat([looks[:, :1, 1:-1, 1:-1].flatten(2, 3), earlier], 1)
        split = whole.view(len(looks), -1, SIZE[0], COARSER, SIZE[1], COARSER, CHANNELS)
        return split.permute(0, 2, 4, 3, 5, 1, 6).reshape(len(looks), SIZE[0] * SIZE[1], -1)


class Neck(nn.Module):
    """Both maps of all pictures as rows of one table; where both show a place, they add up."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.x = (nn.Linear(channels, LIFTED, bias=False) for channels, _ in MAPS.values())

    def forward(self, fine: Tensor, x: Tensor) -> Tensor:
        """Maps as in `BevNet.look`: rows (n, rows, LIFTED), those of `fine` of all cameras first."""
        cells = [self.fine(fine.transpose(2, 3)), self.x(x.transpose(2, 3))]  # (n, c, h/4 * w/4 or h/8 * w/8, LIFTED)
        return torch.cat([each.flatten(1, 2) for each in cells], 1)


class RayNet(nn.Module):
    """What stands where along each ray; the same for every ray of every camera.

    Bins of one distance lie side by side, so that those of all rays tell each other in one product of matrices.
    """

    def __init__(self) -> None:
        super().__init__()
        bins = len(BINS_M)
        self.lift, self.apart = nn.Linear(len(HEIGHTS_M) * LIFTED, LIFTED), nn.Linear(LIFTED, LIFTED)
        self.distance = nn.Parameter(torch.zeros(bins, LIFTED))
        self.along = nn.Parameter(torch.randn(bins, bins) / math.sqrt(bins))

    def forward(self, points: Tensor) -> Tensor:
        """Points (n, d * c*r * h, LIFTED): bins (n, d * c*r, LIFTED)."""
        x = self.lift(points.reshape(len(points), len(BINS_M), -1, len(HEIGHTS_M) * LIFTED))  # (n, d, c*r, LIFTED)
        x = functional.relu(x + self.distance[:, None])
        heard = torch.matmul(self.along, x.flatten(2))  # (n, d, c*r * LIFTED)  bins of a ray tell each other
        x = x + functional.relu(heard.view(x.shape))
        return functional.relu(self.apart(x)).flatten(1, 2)


class GroundNet(nn.Module):
    """What lies and stands on the ground, cells of 1 m first and of half a metre at last."""

    def __init__(self) -> None:
        super().__init__()
        self.gather = nn.Conv2d(LIFTED, GROUND, 3, padding=1)
        self.near = nn.ModuleList([nn.Conv2d(GROUND, GROUND, 3, padding=1) for _ in range(2)])
        self.out = nn.Sequential(
            nn.Conv2d(GROUND, LAST, 1), nn.ReLU(), nn.ConvTranspose2d(LAST, CHANNELS, COARSER, stride=COARSER)
        )

    def forward(self, cells: Tensor) -> Tensor:
        """Cells (n, rows/2 * columns/2, LIFTED): logits (n, CHANNELS, rows, columns)."""
        logits: Tensor = self.out(self.surroundings(cells))
        return logits

    def surroundings(self, cells: Tensor) -> Tensor:
        """The same: what each cell knows of those around it, (n, GROUND, rows/2, columns/2)."""
        x = functional.relu(self.gather(_as_picture(cells)))
        for near in self.near:
            x = x + functional.relu(near(x))
        return x


class MemoryNet(nn.Module):
    """Looks side by side, the present one first, to the map."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.gather = nn.Linear(BYTES * (1 + looks), GROUND)
        self.near = nn.Conv2d(GROUND, GROUND, 3, padding=1)
        self.out = nn.ConvTranspose2d(GROUND + BYTES, len(CLASSES), COARSER, stride=COARSER)
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():  # at first, the map is the present look
            self.out.get_parameter("bias").fill_(-4.0)
            for cell in range(COARSER**2):
                for name in range(len(CLASSES)):
                    self.out.weight[GROUND + cell * CHANNELS + name, name, cell // COARSER, cell % COARSER] = 8.0

    def forward(self, seen: Tensor) -> Tensor:
        """Seen (n, cells, COARSER**2 * (1 + looks) * CHANNELS): logits (n, classes, rows, columns)."""
        now = seen.view(*seen.shape[:2], COARSER**2, 1 + self.looks, CHANNELS)[:, :, :, 0].flatten(2)
        x = _as_picture(functional.relu(self.gather(seen)))
        x = x + functional.relu(self.near(x))
        logits: Tensor = self.out(torch.cat([x, _as_picture(now)], 1))
        return logits


def _as_picture(cells: Tensor) -> Tensor:
    """Cells of 1 m (n, rows/2 * columns/2, channels): (n, channels, rows/2, columns/2)."""
    return cells.transpose(1, 2).reshape(len(cells), -1, *SIZE)


def geometry_of(rig: Rig) -> Geometry:
    """Where a rig's rays look, and which of them see a cell of the ground.

    A ray starts below its camera and leads where the picture's column looks at the ground; a camera counts on the
    ground by how finely it sees there, pixels a metre.
    """
    lift, splat = _Taps(), _Taps()
    numbers = np.arange(len(BINS_M) * len(rig.cameras) * RAYS).reshape(len(BINS_M), -1, RAYS)  # of bins: (d, c, r)
    middles = GRID.middles().reshape(SIZE[0], COARSER, SIZE[1], COARSER, 2)
    ground = middles.mean(axis=(1, 3), dtype=np.float64).reshape(-1, 2)
    bins = np.array(BINS_M)
    for number, camera in enumerate(rig.cameras):
        columns = (np.arange(RAYS) + 0.5) * (camera.width / RAYS)
        level = np.stack([columns, np.full(RAYS, camera.cy)], axis=1)
        direction = camera.rays(level)[:, :2]
        azimuth = np.unwrap(np.arctan2(direction[:, 1], direction[:, 0]))  # falls from left to right
        flat = np.stack([np.cos(azimuth), np.sin(azimuth)], 1) * bins[:, None, None] + camera.place[:2]
        points = np.stack([np.insert(flat, 2, height_m, axis=2) for height_m in HEIGHTS_M], axis=2)  # (d, RAYS, h, 3)
        which = numbers[:, number, :, None] * len(HEIGHTS_M) + np.arange(len(HEIGHTS_M))
        _lift(lift, which.ravel(), camera.project(points.reshape(-1, 3)), camera, number, len(rig.cameras))
        away = ground - camera.place[:2]
        distance = np.hypot(away[:, 0], away[:, 1])
        turn = azimuth[0] - np.arctan2(away[:, 1], away[:, 0])
        turn = np.remainder(turn + np.pi, 2 * np.pi) - np.pi
        ray = np.interp(turn, azimuth[0] - azimuth, np.arange(RAYS), left=-9.0, right=-9.0)
        at = np.interp(distance, bins, np.arange(len(bins)), left=-9.0, right=-9.0)
        cells = np.flatnonzero((ray >= 0) & (at >= 0))
        fineness = camera.fx / distance[cells]
        splat.bilinear(cells, ray[cells], at[cells], numbers[:, number].T, fineness)
    return Geometry(lift.sums(len(rig.cameras) * POINTS), splat.sums(len(ground), mean=True))


def _lift(
    lift: "_Taps", which: NDArray[np.int64], seen: NDArray[np.float64], camera: Camera, number: int, cameras: int
) -> None:
    """Points (m,) as a camera sees them, (m, 3) column, row and depth: each takes the features there, or nothing."""
    first = 0
    for _, side in MAPS.values():
        size = (camera.height // side, camera.width // side)
        column, row = seen[:, 0] / side - 0.5, seen[:, 1] / side - 0.5
        inside = (seen[:, 2] > 0.1) & (column > -1) & (column < size[1]) & (row > -1) & (row < size[0])
        row, column = np.clip(row[inside], 0, size[0] - 1), np.clip(column[inside], 0, size[1] - 1)
        table = first + np.arange(cameras * size[0] * size[1]).reshape(cameras, *size)
        lift.bilinear(which[inside], row, column, table[number], np.ones(len(row)))
        first += table.size


class _Taps:
    """Gathers what sums are made of."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []

    def bilinear(
        self, sums: NDArray[np.intp], row: NDArray[np.float64], column: NDArray[np.float64], table: NDArray[np.intp],
        weight: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Add to each of the sums (m,) what lies at places (m,) between rows and columns of such a table of indices."""
        for down in (0, 1):
            for right in (0, 1):
                i, j = np.floor(row).astype(np.int64) + down, np.floor(column).astype(np.int64) + right
                share = (1 - np.abs(row - i)) * (1 - np.abs(column - j)) * weight
                kept = (i < table.shape[0]) & (j < table.shape[1]) & (share > 0)
                self._parts.append((sums[kept], table[i[kept], j[kept]], share[kept]))

    def sums(self, count: int, *, mean: bool = False) -> Sums:
        """All that was added, as so many sums; mean: weights of each become shares."""
        which, index, weight = (np.concatenate([part[i] for part in self._parts]) for i in range(3))
        order = np.argsort(which, kind="stable")
        which, index, weight = which[order], index[order], weight[order]
        if mean:
            weight = weight / np.bincount(which, weight, minlength=count)[which]
        start = np.searchsorted(which, np.arange(count))
        return Sums(
            torch.from_numpy(index.astype(np.int32)),
            torch.from_numpy(weight.astype(np.float32)),
            torch.from_numpy(start.astype(np.int32)),
        )


def side_by_side(
    now: NDArray[np.uint8], earlier: NDArray[np.uint8], moved: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Of one car after another: its look, and its earlier ones as they lie now, cell by cell.

    now: (n, *LOOK); earlier: (n, looks, *LOOK); moved: (n, looks, 3) where the car's frame of then lies in that of now
    Each (cells, BYTES) and (cells, looks * BYTES).
    """
    cars, looks = moved.shape[:2]
    ways = np.repeat(_then(moved)[..., None], COARSER**2, axis=4)  # (2, 3, n, looks, COARSER**2)
    ways[:, 0] += ways[:, 1] * _QUARTERS_M[0] + ways[:, 2] * _QUARTERS_M[1]
    by_car = ways.astype(np.float32).transpose(2, 0, 1, 3, 4).reshape(cars, 2, 3, looks * COARSER**2)
    for look, before, way in zip(now, earlier, by_car, strict=True):
        cells = _numbers_of(*(_COARSE @ way))  # (cells, looks * COARSER**2), each in its own map
        cells += _first_numbers(looks)
        found = _numbers(before).take(cells.astype(np.int64), mode="clip")  # or numpy would first look for wrong ones
        yield np.ascontiguousarray(by_cell(inside(look))).view(np.uint8).reshape(len(cells), -1), found.view(np.uint8)


@cache
def _first_numbers(looks: int) -> NDArray[np.float32]:
    """Where each look begins in a table of them, for `side_by_side`'s cells."""
    first = np.repeat(np.arange(looks, dtype=np.float32) * (LOOK[0] * LOOK[1]), COARSER**2)
    return np.tile(first, (SIZE[0] * SIZE[1], 1))


def put_by_cell(cells: NDArray[Any], pictures: NDArray[Any]) -> None:
    """Put numbers, ordered as `by_cell` has them, into pictures (m, rows, columns)."""
    there = by_cell(pictures)
    there[...] = cells.view(there.dtype).reshape(there.shape)


def by_cell(pictures: NDArray[Any]) -> NDArray[Any]:
    """Numbers of 4 or 8 bytes (m, rows, columns), cell of 1 m by cell: a view (rows/2, columns/2, m, COARSER).

    fast path: two numbers beside each other are moved as one, half as many; see benchmarks/bev.py.
    """
    pairs: NDArray[Any] = pictures.view(_PAIRS[pictures.itemsize])
    return pairs.reshape(len(pictures), SIZE[0], COARSER, SIZE[1]).transpose(1, 3, 0, 2)


_PAIRS = {4: np.complex64, 8: np.complex128}  # numpy has no other pairs


def inside(look: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A look without its rim, the eight bytes of a cell as one number: a view (1, rows, columns)."""
    return _numbers(look)[None, 1:-1, 1:-1]


def _numbers(look: NDArray[np.uint8]) -> NDArray[np.int64]:
    return look.view(np.int64)[..., 0]


def places(moved: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Where in maps of then, with a rim of one cell, each cell of now lies: (m, rows * columns).

    moved: (m, 3) where the car's frame of then lies in that of now. The nearest cell is taken: half a cell is finer
    than what a look knows.
    """
    return _numbers_of(*(_then(moved).astype(np.float32).swapaxes(1, 2) @ _FINE.T)).astype(np.int64)


def _then(moved: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """What row and column in maps of then have of 1 and of the metres ahead and left now: (..., 3) to (2, 3, ...)."""
    x, y, turn = np.moveaxis(moved.astype(np.float64), -1, 0)
    cos, sin = np.cos(turn) / GRID.cell_m, np.sin(turn) / GRID.cell_m
    row = GRID.ahead_m / GRID.cell_m + 1 + cos * x + sin * y, -cos, -sin
    column = GRID.left_m / GRID.cell_m + 1 - sin * x + cos * y, sin, -cos
    return np.array([row, column])


def _numbers_of(row: NDArray[np.float32], column: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows and columns of places as numbers of cells in a map with a rim, to which all that is outside belongs."""
    for place, last in ((row, GRID.rows + 1), (column, GRID.columns + 1)):
        np.floor(np.clip(place, 0, last, out=place), out=place)
    row *= GRID.columns + 2
    row += column
    return row


def _places_m(middles: NDArray[np.float32]) -> NDArray[np.float32]:
    """1, metres ahead and metres left of places (..., 2): (places, 3)."""
    return np.insert(middles.reshape(-1, 2), 0, 1, axis=1)


_FINE = _places_m(GRID.middles())
_COARSE = _places_m(GRID.middles()[::COARSER, ::COARSER])  # of each cell of 1 m its first quarter,
_QUARTERS_M = (GRID.middles()[:COARSER, :COARSER] - GRID.middles()[0, 0]).reshape(-1, 2).T  # and from there to all
