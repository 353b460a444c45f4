"""What a labeller says of each camera's pixels, for the occupancy tracker's head to learn."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from scenarios import GRID, KINDS, Camera, Rig, World

FEET = (("vehicle", "truck", "school_bus"), ("pedestrian",))
"""Kinds whose foot line is sought, as the truth's classes `vehicle` and `pedestrian` have them."""
_GROUND = 3  # of the truth's classes
_SKY = 1e-4  # steepness below which a ray never comes down
_OUTLINE = ("kind", "top", "bottom", "foot", "shown")


def pixel_labels(world: World, cars: ArrayLike, ticks: ArrayLike, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Labels (n * c, r, w, 6) of what each answer shows, float32, and where that can be said, bool.

    shape: r and w; answers are for the lowest r rows of pixels, and each is some columns wide, so that a foot line in
    one of two columns is half a yes. Ground that is hidden or off the grid is not labelled.
    """
    feet, hidden = _things(world, cars, ticks, shape)
    row, column, inside = _cells(world.rig, shape)
    truth = world.top_down(cars, ticks)
    ground = torch.from_numpy(truth.cells[:, :_GROUND, row, column]).movedim(1, -1)  # (n, c, r, w, 3)
    known = torch.from_numpy(truth.known[:, None, None, None, :_GROUND])
    sayable = known & (torch.from_numpy(inside) & (hidden == 0))[..., None]
    labels = torch.cat([ground.float(), feet, hidden[..., None]], dim=-1)
    everywhere = torch.ones_like(labels[..., _GROUND:], dtype=torch.bool)
    return labels.flatten(0, 1), torch.cat([sayable, everywhere], dim=-1).flatten(0, 1)


def _things(world: World, cars: ArrayLike, ticks: ArrayLike, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Foot lines (n, c, r, w, 2) and what hides the ground (n, c, r, w), as shares of an answer's columns."""
    found, rig = world.outlines(cars, ticks), world.rig
    row = torch.arange(rig.height - shape[0], rig.height)[:, None]
    size = (*found.kind.shape[:2], shape[0], rig.width)
    feet = torch.zeros(len(FEET), *size, dtype=torch.bool)
    hidden = torch.zeros(size, dtype=torch.bool)
    for layer in range(found.kind.shape[2]):
        kind, top, bottom, foot, shown = (getattr(found, name)[:, :, layer, None] for name in _OUTLINE)
        hidden |= (kind > 0) & (top < row + 0.5) & (bottom >= row + 0.5)
        stands = (shown >= 0.5) & (foot.floor().clamp(max=rig.height - 1) == row)  # below the image counts as its edge
        for number, kinds in enumerate(FEET):
            numbers = torch.tensor([KINDS.index(each) for each in kinds], dtype=torch.uint8)
            feet[number] |= stands & torch.isin(kind, numbers)
    every = torch.cat([feet, hidden[None]])
    shares = every.view(*every.shape[:-1], shape[1], -1).float().mean(-1)
    return shares[: len(FEET)].movedim(0, -1), shares[len(FEET)]


def _cells(rig: Rig, shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Row and column of the cell that each answer looks at, (c, r, w), and whether it is on the grid."""
    across = rig.width / shape[1]
    row = np.arange(rig.height - shape[0], rig.height) + 0.5
    column = (np.arange(shape[1]) + 0.5) * across
    pixels = np.stack(np.broadcast_arrays(column[None, :], row[:, None]), axis=2)
    ground = np.stack([_ground(camera, pixels) for camera in rig.cameras])  # (c, r, w, 2)
    cell = np.floor((np.array([GRID.ahead_m, GRID.left_m]) - ground) / GRID.cell_m)
    inside = np.asarray(((cell >= 0) & (cell < (GRID.rows, GRID.columns))).all(axis=-1))
    cell = np.where(inside[..., None], cell, 0).astype(np.intp)
    return cell[..., 0], cell[..., 1], inside


def _ground(camera: Camera, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the road lies in pixels (r, w, 2): ahead and left of the car, (r, w, 2) m; far off above the horizon."""
    rays = camera.rays(pixels)
    return camera.place[:2] + rays[..., :2] * (camera.z_m / np.maximum(-rays[..., 2:], _SKY))
