"""The rig: where the cameras sit, what they see, and the frames they give."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Camera:
    """A rectified pinhole camera, level with the road: no pitch, no roll, the principal point shifted instead.

    Car frame: x forward, y left, z up, in metres; the origin is on the road under the car's centre.

    name: as in topics and triggers
    x_m, y_m, z_m: place in the car frame
    yaw_deg: direction of view, counter-clockwise from straight ahead
    fov_deg: horizontal field of view
    height, width: pixels
    horizon: row of the horizon as a share of the height, from the top
    """

    name: str
    x_m: float
    y_m: float
    z_m: float
    yaw_deg: float
    fov_deg: float
    height: int = 64
    width: int = 96
    horizon: float = 0.45

    @property
    def focal(self) -> float:
        """Focal length, pixels; the same along rows and columns."""
        return self.width / 2 / math.tan(math.radians(self.fov_deg) / 2)

    @property
    def cx(self) -> float:
        """Column of the principal point, pixels."""
        return self.width / 2

    @property
    def cy(self) -> float:
        """Row of the principal point, which is the horizon, pixels."""
        return self.height * self.horizon

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 3) in the car frame, m: (..., 3) column, row in pixels and depth along the view axis, m.

        Pixel (0, 0) covers [0, 1) x [0, 1). Points behind the camera come out with a depth of zero or less.
        """
        yaw = math.radians(self.yaw_deg)
        offset = np.asarray(points, np.float64) - (self.x_m, self.y_m, self.z_m)
        depth = offset[..., 0] * math.cos(yaw) + offset[..., 1] * math.sin(yaw)
        left = -offset[..., 0] * math.sin(yaw) + offset[..., 1] * math.cos(yaw)
        safe = np.where(depth > 1e-6, depth, 1e-6)
        column = self.cx - self.focal * left / safe
        row = self.cy - self.focal * offset[..., 2] / safe
        return np.stack([column, row, depth], axis=-1)


@dataclass(frozen=True, slots=True)
class Rig:
    """The cameras of a car, all of one size.

    cameras: in the order of every array that has a camera axis
    """

    cameras: tuple[Camera, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(camera.name for camera in self.cameras)

    @property
    def height(self) -> int:
        """Rows of every image."""
        return self.cameras[0].height

    @property
    def width(self) -> int:
        """Columns of every image."""
        return self.cameras[0].width

    def resized(self, scale: int) -> "Rig":
        """The same rig with every image `scale` times as high and as wide."""
        return Rig(
            tuple(
                Camera(
                    camera.name,
                    camera.x_m,
                    camera.y_m,
                    camera.z_m,
                    camera.yaw_deg,
                    camera.fov_deg,
                    camera.height * scale,
                    camera.width * scale,
                    camera.horizon,
                )
                for camera in self.cameras
            )
        )


EIGHT_CAMERAS = Rig(
    (
        Camera("main", 1.6, 0.05, 1.45, 0.0, 52.0),
        Camera("narrow", 1.6, 0.0, 1.45, 0.0, 28.0),
        Camera("wide", 1.6, -0.05, 1.45, 0.0, 118.0),
        Camera("left_pillar", 0.6, 0.75, 1.3, 60.0, 88.0),
        Camera("right_pillar", 0.6, -0.75, 1.3, -60.0, 88.0),
        Camera("left_repeater", 1.3, 0.95, 0.95, 145.0, 80.0),
        Camera("right_repeater", 1.3, -0.95, 0.95, -145.0, 80.0),
        Camera("rear", -2.2, 0.0, 1.0, 180.0, 110.0),
    )
)
"""Three ahead (main, narrow, wide), two pillars ahead to the sides, two repeaters back along the sides, one behind."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrames:
    """What the cameras of n cars saw.

    cars: (n,) uint32
    ticks: (n,) int64
    pixels: (n, cameras, 3, height, width) uint8, RGB
    radar_m: (n,) float32, what a radar beside them heard: the nearest echo ahead, infinity for none; None: no radar
    """

    cars: NDArray[np.uint32]
    ticks: NDArray[np.int64]
    pixels: torch.Tensor
    radar_m: NDArray[np.float32] | None = None
