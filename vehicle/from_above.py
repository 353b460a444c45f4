"""From maps to signals: how far the way ahead is free, what stands nearest, and how much two viewers differ.

Distances are from the car's body; where nothing is in the way they are REACH_M, as far as every map shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import CLASSES, GRID
from vehicle.lookback import Maps
from vehicle.top_down import Sight, Viewer

TOP_DOWN = "top_down"
FREE, NEAREST = f"{TOP_DOWN}.free_space_m", f"{TOP_DOWN}.nearest_obstacle_m"
NOSE_M, SIDE_M = 2.4, 1.0  # from the car's centre to its bumpers and its doors
HALF_LANE_M = 1.5  # of what must be free ahead
LENIENT_CELLS, SMALL_CELLS = 2, 16  # 1 m beside is still the same place; 4 m^2 more or less are not much

Column = NDArray[np.float32]
Held = NDArray[np.bool_]

_X_M, _Y_M = GRID.middles()[..., 0], GRID.middles()[..., 1]  # (rows, columns)
_AWAY_M = np.hypot(np.maximum(np.abs(_X_M) - NOSE_M, 0), np.maximum(np.abs(_Y_M) - SIDE_M, 0)).astype(np.float32)
_LANE = np.abs(_Y_M[0]) < HALF_LANE_M  # columns
_AHEAD_M = (_X_M[:, 0] - NOSE_M).astype(np.float32)  # rows
REACH_M = float(_AHEAD_M.max())


@dataclass(frozen=True, slots=True, eq=False)
class Above:
    """What n cars know from above.

    columns: name to (n,) float32
    compared: viewer that only watches to {"top_down": (n,) float32}, how much it differs, 0 to 1
    """

    columns: dict[str, Column]
    compared: dict[str, dict[str, Column]]


def from_above(sight: Sight, cars: int, maps: Iterable[Maps]) -> Above:
    """The signals in the maps of n cars: none where the car has no viewer."""
    columns = {name: np.empty(cars, np.float32) for name in (FREE, NEAREST) if sight.viewers}
    compared = {viewer.name: {TOP_DOWN: np.empty(cars, np.float32)} for viewer in sight.viewers[1:]}
    for chunk in maps:
        driven, *others = (held(viewer, chunk.by_viewer[viewer.name]) for viewer in sight.viewers)
        columns[FREE][chunk.rows], columns[NEAREST][chunk.rows] = free_space_m(driven), nearest_obstacle_m(driven)
        for viewer, other in zip(sight.viewers[1:], others, strict=True):
            compared[viewer.name][TOP_DOWN][chunk.rows] = difference(driven, other)
    return Above(columns, compared)


def column_types_above(sight: Sight) -> dict[str, type]:
    """The columns that cars with these viewers have."""
    if not sight.viewers:
        return {}
    watching = [f"{TOP_DOWN}.disagreement{of}" for each in sight.viewers[1:] for of in ("", f".{each.name}")]
    return dict.fromkeys([FREE, NEAREST, *watching], float)


def column_units_above(sight: Sight) -> dict[str, str]:
    """The units of those that have one."""
    return dict.fromkeys((FREE, NEAREST) if sight.viewers else (), "m")


def held(viewer: Viewer, maps: NDArray[np.float32]) -> Held:
    """What a viewer holds to be there: (n, classes, rows, columns) bool, by the thresholds on its card."""
    at = np.array([viewer.card["thresholds"][name] for name in CLASSES], np.float32)
    sure: Held = maps >= at[:, None, None]
    return sure


def free_space_m(seen: Held) -> Column:
    """How far a lane's width straight ahead can be driven on and is empty, from the bumper; (n,) m."""
    empty = ~_occupied(seen)[:, :, _LANE].any(axis=2)
    road = seen[:, CLASSES.index("drivable")][:, :, _LANE].mean(axis=2) > 0.5
    ends = np.where((empty & road) | (_AHEAD_M < 0), REACH_M, np.maximum(_AHEAD_M, 0))  # (n, rows)
    free: Column = ends.min(axis=1).astype(np.float32)
    return free


def nearest_obstacle_m(seen: Held) -> Column:
    """How far from the car's body the nearest vehicle or pedestrian is, whichever way; (n,) m."""
    away = np.where(_occupied(seen) & (_AWAY_M > 0), _AWAY_M, REACH_M)
    nearest: Column = np.minimum(away, np.float32(REACH_M)).min(axis=(1, 2))
    return nearest


def difference(one: Held, other: Held) -> Column:
    """The share of what either holds to be occupied that the other sees nothing near; (n,), 0 to 1."""
    a, b = _occupied(one), _occupied(other)
    alone = (a & ~_widened(b)) | (b & ~_widened(a))
    found: Column = alone.sum(axis=(1, 2)) / np.float32(SMALL_CELLS + (a | b).sum(axis=(1, 2)))
    return found.astype(np.float32)


def _occupied(seen: Held) -> Held:
    either: Held = seen[:, CLASSES.index("vehicle")] | seen[:, CLASSES.index("pedestrian")]
    return either


def _widened(cells: Held) -> Held:
    """The cells and all that are within LENIENT_CELLS of them, (n, rows, columns)."""
    reach, rows, columns = 2 * LENIENT_CELLS + 1, *cells.shape[1:]
    wide = np.pad(cells, ((0, 0), (LENIENT_CELLS, LENIENT_CELLS), (LENIENT_CELLS, LENIENT_CELLS)))
    along = np.logical_or.reduce([wide[:, shift : shift + rows] for shift in range(reach)])
    return np.asarray(np.logical_or.reduce([along[:, :, shift : shift + columns] for shift in range(reach)]))
