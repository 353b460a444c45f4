"""Where a rig's images show the cells of the ground: inverse perspective mapping, worked out once for a rig.

Everything follows from `Camera.project`, so any camera will do that sees the road come nearer down its columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import GRID, Camera, Rig

ANSWERS = ("drivable", "lane_line", "crosswalk", "vehicle", "pedestrian", "hidden")
"""What the head says of pixels: what the ground is that they show; whether a vehicle's or a pedestrian's foot line runs
through them; whether a thing hides the ground."""

ROWS, COLUMNS, FEATURE = 4, 2, 4
"""Answers a feature, of its 4 x 4 pixels: every row, for a row can be metres of road, and every other column."""

ASKED = 1  # cameras a cell, those that see it sharpest; a second and third one make nothing better
_NEAREST_M = 0.3  # from a camera, along the ground
_FLAT = 0.05  # least way along the view for a metre of depth

Floats = NDArray[np.float32]
Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Places between two rows of a flat table: (m, g) each.

    first, second: intp, rows of the table; share: float32, how much the second counts
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: Floats

    def read(self, table: Floats) -> Floats:
        """Table (rows, k): what it says there, (m, g, k)."""
        share = self.share[..., None]
        return table.take(self.first, axis=0) * (1 - share) + table.take(self.second, axis=0) * share


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """Where the cells are to be seen; m cameras a cell, c cameras of r x w answers.

    seen: (m, g) bool, whether there is such a camera
    middle: in a table (c * r * w, .) of answers, where a cell's middle shows
    beyond, before: in a table (c * (r + 1) * w, .) of edges between rows, for a vehicle and for a pedestrian: a thing
        covers the cell if its foot line runs between these rows
    """

    seen: NDArray[np.bool_]
    middle: Between
    beyond: tuple[Between, Between]
    before: tuple[Between, Between]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far things reach back from their foot line, m.

    length_m, width_m: a vehicle, along the car's heading and across it
    girth_m: a pedestrian, whichever way
    margin_m: how far before its foot line a vehicle, and a pedestrian, touches a cell by its middle
    """

    length_m: float
    width_m: float
    girth_m: float
    margin_m: tuple[float, float]


def first_row(rig: Rig) -> int:
    """The first row of features that shows any of the ground; even, as coarse features are half as many."""
    return min(_horizon(camera) for camera in rig.cameras) // (2 * FEATURE) * 2


def _horizon(camera: Camera) -> int:
    """The first row of pixels that looks down somewhere."""
    down = (camera.rays(camera.grid())[..., 2] < 0).any(axis=1)
    return int(down.argmax()) if down.any() else camera.height


def sights_of(rig: Rig, reach: Reach) -> Sights:
    """Where each cell of the ground shows in the images of a rig."""
    each = [_sight(camera, first_row(rig) * ROWS, reach) for camera in rig.cameras]
    sharpness = np.array([sight[0] for sight in each])  # (c, g)
    chosen = np.argsort(-sharpness, axis=0, kind="stable")[:ASKED]  # (m, g)
    _, column, middle, beyond_v, beyond_p, before_v, before_p = (
        np.take_along_axis(np.array(values), chosen, axis=0) for values in zip(*each, strict=True)
    )
    rows, columns = rig.height - first_row(rig) * ROWS, rig.width // COLUMNS

    def between(row: Places, last: int) -> Between:
        first = np.clip(np.floor(row), 0, last - 1).astype(np.intp)
        place = (chosen * (last + 1) + first) * columns + column.astype(np.intp)
        return Between(place, place + columns, np.clip(row - first, 0, 1).astype(np.float32))

    return Sights(
        np.take_along_axis(sharpness, chosen, axis=0) > 0,
        between(middle - 0.5, rows - 1),
        (between(beyond_v, rows), between(beyond_p, rows)),
        (between(before_v, rows), between(before_p, rows)),
    )


def _sight(camera: Camera, first: int, reach: Reach) -> tuple[Places, ...]:
    """For each cell: how many rows a metre of it takes (0 where the camera does not see it), column, and rows."""
    cells = GRID.middles().reshape(-1, 2).astype(np.float64)
    column, row, depth = _shown(camera, cells)
    away = cells - (camera.x_m, camera.y_m)
    distance = np.maximum(np.hypot(*away.T), 1e-6)
    heading = away / distance[:, None]
    along, across = np.maximum(np.abs(heading), 1e-3).T
    back = np.minimum(reach.length_m / along, reach.width_m / across)

    def row_at(further_m: Places | float) -> Places:
        """The row, from the first one on, of what is so much further off in the same direction."""
        there = np.maximum(distance + further_m, _NEAREST_M)[:, None] * heading + (camera.x_m, camera.y_m)
        _, row, depth = _shown(camera, there)
        return np.where(depth > 0, np.clip(row, 0, camera.height), camera.height) - first

    inside = (depth > _NEAREST_M) & (column >= 0) & (column < camera.width) & (row > first) & (row < camera.height)
    sharpness = np.where(inside, row_at(-0.5) - row_at(0.5) + 1e-6 * camera.focal, 0.0)
    answered = np.clip(column / COLUMNS, 0, camera.width // COLUMNS - 1)
    beyond = [row_at(margin) for margin in reach.margin_m]
    return sharpness, answered, row - first, *beyond, row_at(-back), row_at(-reach.girth_m)


def _shown(camera: Camera, ground: Places) -> tuple[Places, Places, Places]:
    """Places on the ground (g, 2): column, row, pixels, and depth, m."""
    shown = camera.project(np.concatenate([ground, np.zeros((len(ground), 1))], axis=1))
    return shown[:, 0], shown[:, 1], shown[:, 2]


def rays_of(rig: Rig) -> Floats:
    """Where each feature looks, (c, 3, h, w): nearness of the ground, leftness, and how large things appear."""
    first = first_row(rig)
    row = (np.arange(first, rig.height // FEATURE) + 0.5) * FEATURE
    column = (np.arange(rig.width // FEATURE) + 0.5) * FEATURE
    pixels = np.stack(np.broadcast_arrays(column[None, :], row[:, None]), axis=2)
    return np.stack([_rays(camera, pixels) for camera in rig.cameras]).astype(np.float32)


def _rays(camera: Camera, pixels: Places) -> Places:
    away = camera.rays(pixels)  # (h, w, 3)
    yaw = np.radians(camera.yaw_deg)
    ahead = np.maximum(away[..., 0] * np.cos(yaw) + away[..., 1] * np.sin(yaw), _FLAT)
    aside = away[..., 1] * np.cos(yaw) - away[..., 0] * np.sin(yaw)
    nearness = 10.0 * np.maximum(-away[..., 2], 0.0) / (camera.z_m * ahead)
    return np.stack(np.broadcast_arrays(nearness, aside / ahead, np.log(camera.focal / 60.0)))
