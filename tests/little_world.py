"""A world of coloured boxes: small enough to paint in a millisecond, real enough to learn from."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from scenarios import KINDS, CameraFrames, Draws, Truth
from scenarios.cameras import EIGHT_CAMERAS
from scenarios.motion import Motion

BOXES = {"vehicle": (40, 60, 220), "pedestrian": (230, 40, 40), "stop_sign": (220, 220, 40)}
MINUTE = 600  # ticks


class LittleWorld:
    """Each car drives east from the second minute of the day on; each shows a box of one kind in one camera, or none.

    Before that it is parked, in front of its home.
    """

    name, rig, fingerprint = "little", EIGHT_CAMERAS, "little-1"

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._draws = Draws(seed)

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        cars, ticks = _pairs(cars, ticks)
        n, box = len(cars), self._box(cars, ticks)
        grain = self._draws.integers(
            "grain", np.arange(96)[None], (cars.astype(np.int64) * 997 + ticks)[:, None], high=20
        )
        pixels = np.broadcast_to((90 + grain).astype(np.uint8).reshape(n, 1, 1, 1, 96), (n, 8, 3, 64, 96)).copy()
        for i in range(n):
            kind, camera, x, y, size = (int(values[i]) for values in box)
            if kind:
                colour = np.array(list(BOXES.values())[kind - 1], np.uint8)[:, None, None]
                pixels[i, camera, :, y : y + size, x : x + size] = colour
        dark = self.severities(cars, ticks)["night"] > 0.5
        pixels[dark] //= 3
        return CameraFrames(cars, ticks, torch.from_numpy(pixels))

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        cars, ticks = _pairs(cars, ticks)
        driven_s = np.maximum(ticks - MINUTE, 0) / 10
        zero, driving = np.zeros(len(cars)), ticks >= MINUTE
        speed = np.where(driving, 10.0, 0.0)
        return Motion(
            x_m=cars * 1000.0 + driven_s * 10,
            y_m=zero,
            latitude=zero + 48,
            longitude=zero + 11,
            heading_deg=zero + 90,
            speed_mps=speed,
            acceleration_mps2=zero,
            lateral_mps2=zero,
            vertical_mps2=zero,
            yaw_rate_dps=zero,
            pitch_rate_dps=zero,
            odometer_m=driven_s * 10,
            driving=driving,
            engaged=driving & (self._draws.uniform("engaged", cars, ticks // MINUTE) < 0.5),
        )

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> NDArray[np.float64]:
        then, now = self.motion(cars, from_ticks), self.motion(cars, to_ticks)
        zero = np.zeros(len(then.x_m))
        return np.stack([then.x_m - now.x_m, zero, zero], axis=1)

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        cars, ticks = _pairs(cars, ticks)
        night = self._draws.uniform("night", cars, ticks // MINUTE) < 0.3
        zero = np.zeros(len(cars), np.float32)
        return {"rain": zero, "fog": zero, "night": night.astype(np.float32)}

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        severities = self.severities(cars, ticks)
        n = len(severities["night"])
        return {**severities, "road": np.full(n, "urban"), "tunnel": np.zeros(n, np.float32)}

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        cars, ticks = _pairs(cars, ticks)
        n = len(cars)
        kind, camera, x, y, size = self._box(cars, ticks)
        rows = np.arange(n)
        pixels, visible = np.zeros((n, 8, 1), np.float32), np.zeros((n, 8, 1), np.float32)
        pixels[rows, camera, 0] = np.where(kind > 0, size * size, 0)
        visible[rows, camera, 0] = kind > 0
        box = np.zeros((n, 8, 1, 4), np.float32)
        box[rows, camera, 0] = np.stack([x, y, x + size, y + size], 1)
        codes = np.array([KINDS.index(kind) for kind in BOXES])
        zero = np.zeros(n, np.float32)
        return Truth(
            cars=cars,
            ticks=ticks,
            kind=np.where(kind > 0, codes[kind - 1], 0).astype(np.uint8)[:, None],
            valid=(kind > 0)[:, None],
            encounter=np.where(kind > 0, 1 + ticks // MINUTE, 0)[:, None],
            distance_m=np.full((n, 1), 20.0, np.float32),
            x_m=np.full((n, 1), 20.0, np.float32),
            y_m=np.zeros((n, 1), np.float32),
            state=np.zeros((n, 1), np.float32),
            traits=np.zeros((n, 1), np.int64),
            tilt_deg=np.zeros((n, 1), np.float32),
            pixels=pixels,
            visible=visible,
            box=box,
            lane_offset_m=zero,
            heading_error_rad=zero,
            curvature_1pm=zero,
            crosswalk_m=zero + np.inf,
            lanes=zero + 1,
            speed_mps=zero + 10,
            road=np.ones(n, np.uint8),
            tunnel=zero,
            covered=np.zeros((n, 8), np.float32),
            severities=self.severities(cars, ticks),
        )

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        cars, ticks = _pairs(cars, ticks)
        return np.where(ticks < MINUTE, 2, 1).astype(np.uint8)

    def _box(self, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """kind (0 is none), camera, left, top and size, (n,) each; another one each second."""
        second = ticks // 10
        draw = {name: self._draws.uniform(name, cars, second) for name in ("kind", "camera", "x", "y", "size")}
        kind = (draw["kind"] * 2 * len(BOXES)).astype(np.int64)
        size = (6 + draw["size"] * 10).astype(np.int64)
        place = [(draw[name] * room).astype(np.int64) for name, room in (("x", 80), ("y", 48))]
        return np.where(kind > len(BOXES), 0, kind), (draw["camera"] * 8).astype(np.int64), *place, size


def _pairs(cars: ArrayLike, ticks: ArrayLike) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    some = np.asarray(cars, np.uint32)
    return some, np.broadcast_to(np.asarray(ticks, np.int64), some.shape).copy()
