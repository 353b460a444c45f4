"""Viewers against one another: what each holds to be where, on the same moments, from which none has learnt.

Only sums are kept, moment by moment: how many cells a viewer and the truth share, and how many either has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from scenarios import CLASSES, GRID, KINDS, Rig, Truth, World
from vehicle import Network, Sight, Viewer, maps_of

BATCH = 32
BANDS_M = (0.0, 10.0, 20.0, 40.0)
REGIONS = ("everywhere", "within_10_m", "10_to_20_m", "beyond_20_m", "seams")
SEAM = 0.06  # of an image's width: nearer to its edge than this
STANDING = ("vehicle", "pedestrian")
MOST_HIDDEN = 0.4  # visible; BEVFormer counts recall below it (Li et al., ECCV 2022, table 6)
HALF = 0.5  # of a thing's cells must be held, for it to be found
NEAR_M = 25.0  # to the middle of a street that crosses

Maps = Mapping[str, NDArray[np.float32]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """n moments, v viewers, k classes, r regions, t things.

    car: (n,) uint32, whose moment; a car has streets of its own, so it is the route that figures vary over
    shared, either: (v, n, k, r) int32 cells that viewer and truth share, and that either of them has
    moments: slice to (n,) bool
    thing_car: (t,) uint32; thing_class: (t,) into STANDING; distance_m, visible: (t,) float32
    found: (v, t) bool, whether the viewer holds half of the thing's cells
    """

    car: NDArray[np.uint32]
    shared: NDArray[np.int32]
    either: NDArray[np.int32]
    moments: dict[str, Bools]
    thing_car: NDArray[np.uint32]
    thing_class: NDArray[np.intp]
    distance_m: NDArray[np.float32]
    visible: NDArray[np.float32]
    found: Bools


def contest(
    sampler: Sampler, network: Network, sight: Sight, moments: int, *, progress: Callable[[int], None],
    painted: World | None = None,
) -> Sheet:  # fmt: skip
    """Let every viewer of a sight look at so many moments; progress hears how many more are done.

    painted: the same world as other cameras see it than those of the rig that viewers were loaded for
    """
    parts: list[Sheet] = []
    for cars, ticks in _batches(sampler, moments):
        maps = maps_of(painted or sampler.world, network, sight, cars, ticks)
        parts.append(judged(sampler, sight, maps, cars, ticks))
        progress(len(cars))
    return _joined(parts)


def _batches(sampler: Sampler, moments: int) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
    for number in range(-(-moments // BATCH)):
        yield sampler.moments(number, BATCH)


def judged(sampler: Sampler, sight: Sight, maps: Maps, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> Sheet:
    """The sums of n moments. maps: viewer to (n, classes, rows, columns)."""
    truth, above = sampler.world.truth(cars, ticks), sampler.world.top_down(cars, ticks)
    held = np.stack([held_by(viewer, maps[viewer.name]) for viewer in sight.viewers])
    known = above.known[:, :, None, None]
    areas = regions(sampler.world.rig).reshape(len(REGIONS), -1).T.astype(np.float32)  # (g, r)
    shared = _counted(held & above.cells & known, areas)
    either = _counted((held | above.cells) & known, areas)
    rows, slots, kinds, found = _things(above.thing, held, truth)
    best = truth.pixels[rows, :, slots].argmax(axis=1)
    near = np.abs(above.junction_m) < NEAR_M
    moments = {"junction": near, **{name: of(truth) for name, of in _MOMENTS.items()}}
    return Sheet(
        car=cars, shared=shared, either=either, moments=moments, thing_car=cars[rows], thing_class=kinds,
        distance_m=truth.distance_m[rows, slots], visible=truth.visible[rows, best, slots], found=found,
    )  # fmt: skip


_MOMENTS: dict[str, Callable[[Truth], Bools]] = {
    "rain": lambda truth: truth.severities["rain"] > 0.3,
    "night": lambda truth: truth.severities["night"] > 0.5,
}


def regions(rig: Rig) -> Bools:
    """Which cells belong to each of REGIONS, (r, rows, columns)."""
    middles = GRID.middles().astype(np.float64)
    away = np.hypot(middles[..., 0], middles[..., 1])
    bands = [(away >= low) & (away < high) for low, high in pairwise(BANDS_M)]
    ground = np.concatenate([middles, np.zeros((*away.shape, 1))], axis=2)
    margin = np.full(away.shape, -1.0)
    for camera in rig.cameras:
        column, row, depth = np.moveaxis(camera.project(ground), -1, 0)
        inside = (depth > 0) & (row < camera.height)
        here = np.minimum(column, camera.width - column) / camera.width
        margin = np.maximum(margin, np.where(inside, here, -1.0))
    return np.stack([np.ones_like(away, np.bool_), *bands, (margin >= 0) & (margin < SEAM)])


def held_by(viewer: Viewer, maps: NDArray[np.float32]) -> Bools:
    """What a viewer holds to be where (n, classes, rows, columns), by the thresholds on its card."""
    least = np.array([viewer.card["thresholds"][name] for name in CLASSES], np.float32)
    return np.asarray(maps >= least[:, None, None])


def _counted(cells: Bools, areas: NDArray[np.float32]) -> NDArray[np.int32]:
    """Cells (v, n, k, rows, columns) in each region, (v, n, k, r)."""
    found: NDArray[np.int32] = np.rint(cells.reshape(*cells.shape[:3], -1).astype(np.float32) @ areas).astype(np.int32)
    return found


def _things(
    thing: NDArray[np.int16], held: Bools, truth: Truth
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Bools]:
    """Row, place in the truth and class, (t,) each, of everything that stands on the grid, and who found it (v, t)."""
    row, i, j = np.nonzero(thing >= 0)
    slot = thing[row, i, j].astype(np.intp)
    standing = (truth.kind == KINDS.index("pedestrian")).astype(np.intp)  # (n, K) into STANDING
    keys, number = np.unique(row * truth.kind.shape[1] + slot, return_inverse=True)
    cells = held[:, row, len(CLASSES) - len(STANDING) + standing[row, slot], i, j]  # (v, cells)
    sizes = np.bincount(number, minlength=len(keys))
    hits = np.stack([np.bincount(number, weights=each, minlength=len(keys)) for each in cells])
    rows, slots = np.divmod(keys, truth.kind.shape[1])
    return rows, slots, standing[rows, slots], hits >= HALF * sizes


def _joined(parts: Sequence[Sheet]) -> Sheet:
    """Sheets of the same viewers put together."""
    axes = {"shared": 1, "either": 1, "found": 1}
    whole: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts], axis=axes.get(each.name, 0))
        for each in fields(Sheet)
        if each.name != "moments"
    }
    slices = {name: np.concatenate([part.moments[name] for part in parts]) for name in parts[0].moments}
    return Sheet(moments=slices, **whole)
