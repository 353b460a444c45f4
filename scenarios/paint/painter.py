"""Paints scenes in chunks of one fixed size, compiled where that pays and a compiler exists."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenarios.cameras import Rig
from scenarios.conditions import CONDITIONS, Condition, View
from scenarios.paint import columns, shade
from scenarios.paint.scene import Scene
from scenarios.paint.sprites import atlas
from scenarios.paint.warp import warp_of

CHUNK = 16
"""Cars painted in one go: it fits the cache, and it is part of the outcome, so it is not tuned at run time."""

_SKY_FROM_M = 295.0
_FAR_M = 290.0  # ground beyond is as this
_CPU_OPTIONS: dict[str, str | int | bool | Callable[..., object]] = {
    "cpp.simdlen": 256,
    "assert_indirect_indexing": False,
}

Ground = Callable[[shade.Sheet, Tensor], shade.Surface]
"""A sheet and the depth (I, H, W) of the road plane to what lies there."""


class Painter:
    """From scenes to pixels.

    rig: the cameras; where they are not all level, level ones are painted for them, and looked up
    ground: what the road surface looks like; a drawn street, or a raster of a recorded one
    conditions: read once; their order is that of `Scene.weather`
    compiled: None = where a compiler exists
    chunk: cars in one go, the last ones padded
    """

    def __init__(
        self, rig: Rig, *, ground: Ground = shade.drawn_ground, conditions: Mapping[str, Condition] = CONDITIONS,
        device: str = "cpu", compiled: bool | None = None, chunk: int = CHUNK,
    ) -> None:  # fmt: skip
        self.rig, self.device, self.chunk = rig, device, chunk
        self._warp = warp_of(rig, device)
        self._level = rig = self._warp.views if self._warp else rig
        self.conditions = dict(conditions)
        self._effects = [condition.effect for condition in self.conditions.values()]
        self._rays = columns.rays_of(rig, device)
        self._ground = ground
        rows = torch.arange(rig.height, dtype=torch.float32, device=device) + 0.5
        self._rows = rows[:, None].contiguous()  # (H, 1)
        self._night = list(self.conditions).index("night")
        self._horizon = round(rig.cameras[0].cy)
        self._texels = torch.from_numpy(atlas()).to(device)
        self._column = torch.arange(rig.width, dtype=torch.int32, device=device)
        self._geometry, self._pixels = self._geometry_of, self._pixels_of
        self.compiled = can_compile(device) if compiled is None else compiled
        if self.compiled:
            options = _CPU_OPTIONS if device == "cpu" else {}
            self._geometry = torch.compile(self._geometry, dynamic=False, options=options)
            self._pixels = torch.compile(self._pixels, dynamic=False, options=options)

    def paint(self, scene: Scene) -> Tensor:
        """Pictures of every car of a scene: (n, cameras, 3, height, width) uint8, on the painter's device."""
        cars, rig = len(scene), self.rig
        shape = (len(rig.cameras), 3, rig.height, rig.width)
        out = torch.empty((cars, *shape), dtype=torch.uint8, device=self.device)
        for start in range(0, cars, self.chunk):
            stop = min(start + self.chunk, cars)
            planes = self._pixels(*self._prepared(scene, start, stop))
            if self._warp is None:
                self._laid(planes, out[start:stop])
            else:
                seen = self._warp(self._laid(planes, self._blank(stop - start)))
                out[start:stop] = seen.view(stop - start, *shape)
        return out

    def _laid(self, planes: tuple[Tensor, ...], out: Tensor) -> Tensor:
        """Three channels above the horizon and three below, put into pictures `out` (n, cameras, 3, h, w)."""
        for i, plane in enumerate(planes):
            rows = slice(0, self._horizon) if i < 3 else slice(self._horizon, None)
            whole = plane.view(self.chunk, out.shape[1], *plane.shape[1:])
            out[:, :, i % 3, rows] = whole[: len(out)]
        return out

    def _blank(self, cars: int) -> Tensor:
        level = self._level
        shape = (cars, len(level.cameras), 3, level.height, level.width)
        return torch.empty(shape, dtype=torch.uint8, device=self.device)

    def _prepared(self, scene: Scene, start: int, stop: int) -> tuple[Tensor, ...]:
        part = scene.part(start, stop, self.chunk)
        objects, lights, road, weather, noise, pose, covered = (
            torch.from_numpy(getattr(part, field.name)).to(self.device) for field in fields(part)
        )
        kept, _ = columns.nearest(objects, self._rays)
        sheet, down = self._geometry(kept, lights, road, pose, weather, covered)
        noise = noise.repeat_interleave(len(self._level.cameras))[:, None, None]
        return sheet, down, noise.expand(-1, -1, self._level.width).contiguous()

    def _geometry_of(
        self, kept: Tensor, lights: Tensor, road: Tensor, pose: Tensor, weather: Tensor, covered: Tensor
    ) -> tuple[Tensor, Tensor]:
        return columns.sheet_of(kept, lights, road, pose, weather, covered, self._rays, self._level.height)

    def _pixels_of(self, values: Tensor, down: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        """Two bands of rows: sky and houses above the horizon, the ground below; things stand in both."""
        above = shade.Sheet(values, self._rows[: self._horizon], self._night, self._level.layers)
        below = shade.Sheet(values, self._rows[self._horizon :], self._night, self._level.layers)
        high = self._band(above, down[:, :, : self._horizon], noise, shade.street(above), ground=False)
        floor = (below.of("z") * below.of("focal") / (below.rows - below.of("cy")).clamp(min=0.25)).clamp(max=_FAR_M)
        low = self._band(below, down[:, :, self._horizon :], noise, self._ground(below, floor), ground=True)
        return (*high, *low)

    def _band(
        self, sheet: shade.Sheet, down: Tensor, noise: Tensor, behind: shade.Surface, *, ground: bool
    ) -> tuple[Tensor, ...]:
        hit = shade.pick(sheet, self._texels)
        depth = torch.where(hit.there, hit.depth, behind.depth)
        far = depth / (depth + 60.0)
        lamps, roofed = shade.lit_by_lamps(sheet, depth, far)
        light = torch.where(hit.there, torch.maximum(lamps, hit.shine), torch.maximum(lamps, behind.shine))
        light = torch.where(depth > _SKY_FROM_M, 0.04, light)
        dim = 1.0 - 0.5 * roofed
        grain = shade.hashed((sheet.rows * self._level.width).int() + self._column + noise.int() * 69_069)
        open_ground = torch.where(hit.there, 0.0, 1.0 - roofed) if ground else torch.zeros_like(depth)
        view = View(
            torch.where(hit.there, hit.red, behind.red) * dim,
            torch.where(hit.there, hit.green, behind.green) * dim,
            torch.where(hit.there, hit.blue, behind.blue) * dim,
            depth,
            far,
            light,
            grain,
            torch.where(hit.there, 0.0, behind.wet),
            open_ground,
            shade.smears(sheet, self._level.height),
        )
        return shade.finish(view, shade.halos(sheet, down), self._effects, sheet)


def can_compile(device: str) -> bool:
    """Whether torch can compile for a device here: on a CPU that takes a C++ compiler."""
    return device != "cpu" or shutil.which("g++") is not None or shutil.which("clang++") is not None


def noise_of(ticks: NDArray[np.int64], cars: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The scene's noise seeds, (n,): whole numbers below 2^20 for ticks (n,) and cars (n,)."""
    when, who = ticks.astype(np.uint64), cars.astype(np.uint64)
    mixed = (when * np.uint64(0x9E3779B97F4A7C15)) ^ (who * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(mixed >> np.uint64(44), np.float32)
