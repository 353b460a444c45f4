"""Pictures of cameras that are tilted or whose lenses distort, out of the level ones that are painted.

An image column of a level camera is an upright plane, and painting rests on that. So a tilted camera gets a level one
in its place that looks the same way over the ground, sees a little more and sees it finer. Every pixel of the real one
takes what the level one shows where it looks: paint is asked for at points, here as there, so nothing is blurred.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenarios.cameras import Camera, Rig
from scenarios.cameras.camera import fov_deg
from scenarios.errors import TiltedCamera

FINER = 2.0
"""Pixels of the level view a pixel of the camera: what is shown is a quarter of a pixel off at most."""

MOST_DEG = 75.0


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Where C cameras' pictures, H rows and W columns, are looked up in level views, h rows and w columns.

    views: the level cameras, whose pictures are painted
    pixel: (C, H * W) int64, into a view's flat picture
    inside: (C, H * W) bool, false where a smaller image has no pixels
    """

    views: Rig
    pixel: Tensor
    inside: Tensor

    def __call__(self, painted: Tensor) -> Tensor:
        """The views' pictures (n, C, ..., h, w) as the cameras', (n, C, ..., H * W); 0 outside an image."""
        more = (1,) * (painted.dim() - 4)
        shape = (*painted.shape[:-2], self.pixel.shape[1])
        pixel, inside = (each.view(1, len(each), *more, -1) for each in (self.pixel, self.inside))
        return torch.gather(painted.flatten(-2), -1, pixel.expand(shape)) * inside

    def at(self, values: Tensor) -> Tensor:
        """What stands in a view's columns (n, C, w) at each pixel's, (n, C, H * W)."""
        column = self.pixel % self.views.width
        return torch.gather(values, 2, column.expand(len(values), -1, -1))

    def between(self, top: Tensor, bottom: Tensor) -> Tensor:
        """Which pixels lie between two rows of their view's columns (n, C, w), (n, C, H * W) bool."""
        row = self.pixel // self.views.width + 0.5
        return (self.at(top) <= row) & (row <= self.at(bottom)) & self.inside


@lru_cache(maxsize=8)
def warp_of(rig: Rig, device: str) -> Warp | None:
    """How to paint a rig; None where the painter can do so directly. Raises TiltedCamera."""
    if rig.is_level:
        return None
    slopes = [_slopes(camera) for camera in rig.cameras]
    views = _views(rig, slopes)
    pixel = np.zeros((len(rig.cameras), rig.height, rig.width), np.int64)
    inside = np.zeros(pixel.shape, np.bool_)
    for i, (view, (across, down)) in enumerate(zip(views.cameras, slopes, strict=True)):
        here = (i, slice(across.shape[0]), slice(across.shape[1]))
        column, row = (np.floor(c + view.focal * s).astype(np.int64) for c, s in ((view.cx, across), (view.cy, down)))
        pixel[here], inside[here] = row * view.width + column, True
    return Warp(views, *(torch.from_numpy(each.reshape(len(each), -1)).to(device) for each in (pixel, inside)))


def _slopes(camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far right and down of the level line along its yaw each pixel of a camera looks, m a metre, (h, w) each."""
    yaw = math.radians(camera.yaw_deg)
    x, y, z = np.moveaxis(camera.rays(camera.grid()), -1, 0)
    ahead, left = x * math.cos(yaw) + y * math.sin(yaw), y * math.cos(yaw) - x * math.sin(yaw)
    most = math.tan(math.radians(MOST_DEG)) * ahead
    if (np.maximum(np.abs(left), np.abs(z)) >= most).any():
        raise TiltedCamera(camera.name, MOST_DEG)
    return -left / ahead, -z / ahead


def _views(rig: Rig, slopes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Rig:
    """Level cameras that see all of it: of one size and with the horizon between the same two rows."""
    focal = [FINER * max(camera.fx, camera.fy) for camera in rig.cameras]
    sizes = list(zip(focal, slopes, strict=True))
    half = max(math.ceil(f * np.abs(across).max()) for f, (across, _) in sizes) + 1
    above = max(math.ceil(-f * down.min()) for f, (_, down) in sizes) + 1
    below = max(math.ceil(f * down.max()) for f, (_, down) in sizes) + 1
    height, width = max(above, 1) + max(below, 1), 2 * half
    level = Camera("", 0.0, 0.0, 0.0, 0.0, 90.0, height=height, width=width, horizon=max(above, 1) / height)
    named = ("name", "x_m", "y_m", "z_m", "yaw_deg")
    return replace(
        rig,
        cameras=tuple(
            replace(level, fov_deg=fov_deg(f, width), **{name: getattr(camera, name) for name in named})
            for camera, f in zip(rig.cameras, focal, strict=True)
        ),
    )
