"""A drive's map as a grid of what the ground is, drawn once, for a painter to look up."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.drive import Drive, Floats, Line, RoadLine, RoadMap

OFF_ROAD, ASPHALT, LANE_LINE, CROSSWALK, SIDEWALK = range(5)
"""What a cell may be."""

CELL_M = 0.25
"""Side of a cell; doubled until a long drive fits."""

CORRIDOR_M = 80.0
"""How far the grid reaches beyond the ego's path."""

MOST_CELLS = 1 << 24
"""Of a grid."""

SIDEWALK_M = 2.0
"""Width of the band beside drivable ground."""

DRIVEN_M = 3.5
"""Width of road laid along the ego's path: a car that was driven had a road under it, mapped or not."""

DASH_M, GAP_M = 3.0, 6.0
"""A dashed line, from its start."""


@dataclass(frozen=True, slots=True, eq=False)
class GroundGrid:
    """Classes of ground over a drive's frame.

    cells: (rows, columns) uint8; row r, column c covers y from y0_m + r * cell_m, x from x0_m + c * cell_m
    x0_m, y0_m: south-west corner
    cell_m: side of a cell
    """

    cells: NDArray[np.uint8]
    x0_m: float
    y0_m: float
    cell_m: float

    def at(self, x_m: Floats, y_m: Floats) -> NDArray[np.uint8]:
        """Classes at places of any common shape; OFF_ROAD outside the grid."""
        column = np.floor((np.asarray(x_m) - self.x0_m) / self.cell_m).astype(np.int64)
        row = np.floor((np.asarray(y_m) - self.y0_m) / self.cell_m).astype(np.int64)
        rows, columns = self.cells.shape
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found = self.cells[np.where(inside, row, 0), np.where(inside, column, 0)]
        return np.where(inside, found, OFF_ROAD).astype(np.uint8)


def rasterise(drive: Drive) -> GroundGrid:
    """The ground around a drive's path: drivable areas, a pavement beside them, painted lines, crosswalks.

    Drawn from the map alone, so the same drive gives the same grid on any machine.
    """
    path = np.stack([drive.x_m, drive.y_m], axis=1)
    low, high = path.min(0) - CORRIDOR_M, path.max(0) + CORRIDOR_M
    cell = CELL_M
    while math.prod(np.ceil((high - low) / cell).astype(int).tolist()) > MOST_CELLS:
        cell *= 2
    columns, rows = np.ceil((high - low) / cell).astype(int).tolist()
    grid = GroundGrid(np.zeros((rows, columns), np.uint8), float(low[0]), float(low[1]), cell)
    _draw(grid, drive.roads, path)
    return grid


def _draw(grid: GroundGrid, roads: RoadMap, path: Line) -> None:
    road = np.zeros(grid.cells.shape, bool)
    for area in roads.drivable:
        fill(grid, area, road)
    stroke(grid, path, DRIVEN_M, road)
    lines = np.zeros_like(road)
    for line in roads.lines:
        for piece in dashes(line):
            stroke(grid, piece, grid.cell_m, lines)
    crossings = np.zeros_like(road)
    for ring in roads.crosswalks:
        fill(grid, (ring,), crossings)
    grid.cells[_beside(road, round(SIDEWALK_M / grid.cell_m))] = SIDEWALK
    grid.cells[road] = ASPHALT
    grid.cells[lines & road] = LANE_LINE
    grid.cells[crossings & road] = CROSSWALK


def fill(grid: GroundGrid, rings: tuple[Line, ...], mask: NDArray[np.bool_]) -> None:
    """Marks the cells whose middles lie inside an odd number of rings.

    Every edge turns the parity of a row from where it crosses the row's middle line on; a running sum does the rest.
    """
    points = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    rows, columns = mask.shape
    scale = np.array([grid.x0_m, grid.y0_m])
    low = np.clip(np.floor((points.min(0) - scale) / grid.cell_m).astype(int), 0, (columns, rows))
    high = np.clip(np.ceil((points.max(0) - scale) / grid.cell_m).astype(int) + 1, 0, (columns, rows))
    wide, tall = (high - low).tolist()
    if wide <= 0 or tall <= 0:
        return
    turns = np.zeros((tall, wide + 1), np.int32)
    for ring in rings:
        row, crossing = _crossings((ring - scale) / grid.cell_m - low, tall)
        column = np.clip(np.ceil(crossing - 0.5), 0, wide).astype(np.int64)
        np.add.at(turns, (row, column), 1)
    inside = (np.cumsum(turns[:, :wide], axis=1) & 1).astype(bool)
    mask[low[1] : high[1], low[0] : high[0]] |= inside


def _crossings(ring: Line, tall: int) -> tuple[NDArray[np.int64], Floats]:
    """Rows (M,) whose middle line an edge of a closed ring crosses, and where (M,), all in cells."""
    start, end = ring, np.roll(ring, -1, axis=0)
    bottom, top = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(bottom - 0.5), 0, tall).astype(np.int64)
    last = np.clip(np.ceil(top - 0.5), 0, tall).astype(np.int64)  # exclusive, so a corner counts once
    count = last - first
    edge = np.repeat(np.arange(len(ring)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    rise = end[edge, 1] - start[edge, 1]
    share = (row + 0.5 - start[edge, 1]) / rise
    return row, start[edge, 0] + share * (end[edge, 0] - start[edge, 0])


def stroke(grid: GroundGrid, line: Line, width_m: float, mask: NDArray[np.bool_]) -> None:
    """Marks the cells under a line of some width, by places at most half a cell apart."""
    line = _within(grid, np.asarray(line, np.float64), mask.shape)
    if len(line) < 2:
        return
    steps = np.diff(line, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    count = np.maximum(np.ceil(length / (grid.cell_m / 2)), 1).astype(np.int64)
    piece = np.repeat(np.arange(len(steps)), count)
    share = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)) / count[piece]
    places = line[piece] + steps[piece] * share[:, None]
    aside = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.maximum(length, 1e-9)[:, None]
    half = max(width_m - grid.cell_m, 0.0) / 2
    for shift in np.linspace(-half, half, 2 * math.ceil(half / (grid.cell_m / 2)) + 1):
        _mark(grid, places + aside[piece] * shift, mask)
    _mark(grid, line[-1:], mask)


def _within(grid: GroundGrid, line: Line, shape: tuple[int, ...]) -> Line:
    """The part of a line from its first to its last point near the grid."""
    corner = np.array([grid.x0_m, grid.y0_m])
    size = np.array([shape[1], shape[0]]) * grid.cell_m
    low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
    near = np.flatnonzero(((high > corner) & (low < corner + size)).all(axis=1))
    return line[near[0] : near[-1] + 2] if len(near) else line[:0]


def _mark(grid: GroundGrid, places: Line, mask: NDArray[np.bool_]) -> None:
    cells = np.floor((places - (grid.x0_m, grid.y0_m)) / grid.cell_m).astype(np.int64)
    inside = (cells >= 0).all(axis=1) & (cells < mask.shape[::-1]).all(axis=1)
    mask[cells[inside, 1], cells[inside, 0]] = True


def dashes(line: RoadLine) -> list[Line]:
    """The painted pieces of a line: itself, or its dashes from the start on."""
    steps = np.diff(line.points, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    if line.style == "solid":
        return [line.points]
    pieces = []
    for start in np.arange(0.0, along[-1], DASH_M + GAP_M).tolist():
        end = min(start + DASH_M, along[-1])
        at = np.concatenate([[start], along[(along > start) & (along < end)], [end]])
        pieces.append(np.stack([np.interp(at, along, line.points[:, axis]) for axis in (0, 1)], axis=1))
    return pieces


def _beside(road: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Cells outside the road and at most `reach` cells from it."""
    rim = road & ~_shrunk(road)
    row, column = np.nonzero(rim)
    near = np.zeros_like(road)
    for up in range(-reach, reach + 1):
        side = math.isqrt(reach * reach - up * up)
        for right in range(-side, side + 1):
            r, c = row + up, column + right
            inside = (r >= 0) & (r < road.shape[0]) & (c >= 0) & (c < road.shape[1])
            near[r[inside], c[inside]] = True
    return near & ~road


def _shrunk(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return inner
