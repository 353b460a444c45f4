"""Paints scenes in chunks of one fixed size, compiled where that pays and a compiler exists."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from scenarios.cameras import Rig
from scenarios.conditions import CONDITIONS, Effect, View
from scenarios.paint import columns, shade
from scenarios.paint.scene import Scene
from scenarios.paint.sprites import atlas

CHUNK = 16
_SKY_FROM_M = 295.0
_OPTIONS = {"cpp.simdlen": 256, "assert_indirect_indexing": False}
"""Cars painted in one go: it fits the cache, and it is part of the outcome, so it is not tuned at run time."""

Ground = Callable[[shade.Sheet, Tensor], shade.Surface]
"""A sheet and the depth (I, H, W) of the road plane to what lies there."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    objects: Tensor
    lights: Tensor
    road: Tensor
    weather: Tensor
    noise: Tensor
    pose: Tensor


class Painter:
    """From scenes to pixels.

    rig: the cameras
    ground: what the road surface looks like; a drawn street, or a raster of a recorded one
    conditions: names into `CONDITIONS`, read once, in the order of `Scene.weather`
    compiled: None = where a compiler exists
    """

    def __init__(
        self, rig: Rig, *, ground: Ground = shade.drawn_ground, device: str = "cpu", compiled: bool | None = None
    ) -> None:
        self.rig, self.device = rig, device
        self.conditions = tuple(CONDITIONS)
        self._effects: list[Effect] = [CONDITIONS[name].effect for name in self.conditions]
        self._rays = columns.rays_of(rig, device)
        self._ground = ground
        rows = torch.arange(rig.height, dtype=torch.float32, device=device) + 0.5
        self._rows = rows[:, None].contiguous()  # (H, 1)
        self._night = self.conditions.index("night")
        self._horizon = round(rig.cameras[0].cy)
        self._texels = torch.from_numpy(atlas()).to(device)
        self._column = torch.arange(rig.width, dtype=torch.int32, device=device)
        options = _OPTIONS if device == "cpu" else {}
        wanted = can_compile(device) if compiled is None else compiled
        self._geometry = (
            torch.compile(self._geometry_of, dynamic=False, options=options) if wanted else self._geometry_of
        )
        self._pixels = torch.compile(self._pixels_of, dynamic=False, options=options) if wanted else self._pixels_of

    def paint(self, scene: Scene) -> Tensor:
        """Pictures of every car of a scene: (n, cameras, 3, height, width) uint8, on the painter's device."""
        cars, rig = len(scene), self.rig
        shape = (len(rig.cameras), rig.height, rig.width)
        out = torch.empty((cars, shape[0], 3, *shape[1:]), dtype=torch.uint8, device=self.device)
        for start in range(0, cars, CHUNK):
            stop = min(start + CHUNK, cars)
            planes = self._pixels(*self._prepared(scene, start, stop))
            for channel in range(3):
                whole = torch.cat([planes[channel], planes[3 + channel]], dim=1)
                out[start:stop, :, channel] = whole.view(CHUNK, *shape)[: stop - start]
        return out

    def _prepared(self, scene: Scene, start: int, stop: int) -> tuple[Tensor, ...]:
        part = scene.part(start, stop, CHUNK)
        chunk = _Chunk(*(torch.from_numpy(getattr(part, field.name)).to(self.device) for field in fields(part)))
        kept, _ = columns.nearest(chunk.objects, self._rays)
        sheet, down = self._geometry(kept, chunk.lights, chunk.road, chunk.pose, chunk.weather)
        cameras = len(self.rig.cameras)
        noise = chunk.noise.repeat_interleave(cameras)[:, None, None]
        return sheet, down, noise.expand(-1, -1, self.rig.width).contiguous()

    def _geometry_of(
        self, kept: Tensor, lights: Tensor, road: Tensor, pose: Tensor, weather: Tensor
    ) -> tuple[Tensor, Tensor]:
        return columns.sheet_of(kept, lights, road, pose, weather, self._rays, self.rig.height)

    def _pixels_of(self, values: Tensor, down: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        """Two bands of rows: sky and houses above the horizon, the ground below; things stand in both."""
        above = shade.Sheet(values, self._rows[: self._horizon], self._night)
        below = shade.Sheet(values, self._rows[self._horizon :], self._night)
        high = self._band(above, down[:, :, : self._horizon], noise, shade.street(above))
        floor = (below.of("z") * below.of("focal") / (below.rows - below.of("cy")).clamp(min=0.25)).clamp(max=290.0)
        low = self._band(below, down[:, :, self._horizon :], noise, self._ground(below, floor))
        return (*high, *low)

    def _band(self, sheet: shade.Sheet, down: Tensor, noise: Tensor, behind: shade.Surface) -> tuple[Tensor, ...]:
        hit = shade.pick(sheet, self._texels)
        depth = torch.where(hit.there, hit.depth, behind.depth)
        lamps = shade.lit_by_lamps(sheet, depth)
        light = torch.where(hit.there, torch.maximum(lamps, hit.shine), torch.maximum(lamps, behind.shine))
        light = torch.where(depth > _SKY_FROM_M, 0.04, light)
        grain = shade.hashed((sheet.rows * self.rig.width).int() + self._column + noise.int() * 69_069)
        view = View(
            torch.where(hit.there, hit.red, behind.red),
            torch.where(hit.there, hit.green, behind.green),
            torch.where(hit.there, hit.blue, behind.blue),
            depth,
            light,
            grain,
            torch.where(hit.there, 0.0, behind.wet),
        )
        return shade.finish(view, shade.halos(sheet, down), self._effects, sheet)


def can_compile(device: str) -> bool:
    """Whether torch can compile for a device here: on a CPU that takes a C++ compiler."""
    return device != "cpu" or shutil.which("g++") is not None or shutil.which("clang++") is not None


def noise_of(ticks: np.ndarray, cars: np.ndarray) -> np.ndarray:
    """The scene's noise seeds: whole numbers below 2^20 for (car, tick)."""
    mixed = (ticks.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        cars.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    return ((mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(44)).astype(np.float32)
