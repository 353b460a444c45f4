"""A camera: where it sits, which way it looks, and what its lens makes of it."""

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from scenarios.cameras.lens import Terms, bent, straightened

Floats = NDArray[np.float64]

_NEAREST_M = 1e-6


@dataclass(frozen=True, slots=True, repr=False)
class Camera:
    """A pinhole camera on a car, mounted any way, with a radially distorting lens where it has one.

    Car frame: x forward, y left, z up, in metres; the origin is on the road under the car's reference point.

    name: as in topics and triggers
    x_m, y_m, z_m: place in the car frame
    yaw_deg: direction of view, counter-clockwise from straight ahead
    fov_deg: horizontal angle that the image's width would span around the axis of an undistorted lens
    height, width: pixels
    horizon: row of the principal point as a share of the height, from the top; for a level camera that is the horizon
    pitch_deg: how far it looks up
    roll_deg: how far it leans to the right, clockwise as seen from behind it
    middle: column of the principal point as a share of the width
    stretch: focal length along rows over that along columns
    distortion: k1, k2, k3 of the lens
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
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    middle: float = 0.5
    stretch: float = 1.0
    distortion: Terms = (0.0, 0.0, 0.0)

    def __repr__(self) -> str:
        """Leaves out what a level pinhole camera does not need: this text goes into the fingerprints of worlds."""
        said = [each for each in fields(self) if each.name not in _SPECIAL or getattr(self, each.name) != each.default]
        return f"Camera({', '.join(f'{each.name}={getattr(self, each.name)!r}' for each in said)})"

    @property
    def focal(self) -> float:
        """Focal length along rows, pixels."""
        return self.width / 2 / math.tan(math.radians(self.fov_deg) / 2)

    @property
    def fx(self) -> float:
        """Focal length along rows, pixels."""
        return self.focal

    @property
    def fy(self) -> float:
        """Focal length along columns, pixels."""
        return self.focal / self.stretch

    @property
    def cx(self) -> float:
        """Column of the principal point, pixels."""
        return self.width * self.middle

    @property
    def cy(self) -> float:
        """Row of the principal point, pixels."""
        return self.height * self.horizon

    @property
    def is_level(self) -> bool:
        """Whether image columns are upright planes, and the picture is that of a symmetric pinhole."""
        return all(getattr(self, each.name) == each.default for each in fields(self) if each.name in _SPECIAL)

    @property
    def place(self) -> Floats:
        """(3,) where it sits in the car frame, m."""
        return np.array([self.x_m, self.y_m, self.z_m])

    @property
    def rotation(self) -> Floats:
        """(3, 3) whose columns are the camera's own axes in the car frame: ahead along the view, left, up."""
        return _rotation(*(math.radians(angle) for angle in (self.yaw_deg, self.pitch_deg, self.roll_deg)))

    def project(self, points: NDArray[np.float64]) -> Floats:
        """Points (..., 3) in the car frame, m: (..., 3) column, row in pixels and depth along the view axis, m.

        Pixel (0, 0) covers [0, 1) x [0, 1). Points behind the camera come out far outside the image, with a depth of
        zero or less.
        """
        own = (np.asarray(points, np.float64) - self.place) @ self.rotation
        depth = own[..., 0]
        across, down = (-own[..., axis] / np.maximum(depth, _NEAREST_M) for axis in (1, 2))
        if any(self.distortion):
            radius = np.maximum(np.hypot(across, down), 1e-12)
            grown = bent(radius, self.distortion) / radius
            across, down = across * grown, down * grown
        return np.stack([self.cx + self.fx * across, self.cy + self.fy * down, depth], axis=-1)

    def rays(self, pixels: NDArray[np.float64]) -> Floats:
        """Columns and rows (..., 2) in pixels: (..., 3) directions in the car frame, one metre deep along the axis."""
        places = np.asarray(pixels, np.float64)
        across, down = (places[..., 0] - self.cx) / self.fx, (places[..., 1] - self.cy) / self.fy
        if any(self.distortion):
            radius = np.maximum(np.hypot(across, down), 1e-12)
            shrunk = straightened(radius, self.distortion) / radius
            across, down = across * shrunk, down * shrunk
        return np.asarray(np.stack([np.ones_like(across), -across, -down], axis=-1) @ self.rotation.T)

    def grid(self) -> Floats:
        """(height, width, 2) columns and rows of the middles of all pixels."""
        columns, rows = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        return np.stack([columns, rows], axis=-1)

    def resized(self, scale: float) -> "Camera":
        """The same camera with an image `scale` times as high and as wide, to whole pixels."""
        height, width = round(self.height * scale), round(self.width * scale)
        focal = self.focal * scale
        grown = scale == int(scale)  # every share stays what it is
        return replace(
            self,
            height=height,
            width=width,
            fov_deg=self.fov_deg if grown else fov_deg(focal, width),
            horizon=self.horizon if grown else self.cy * scale / height,
            middle=self.middle if grown else self.cx * scale / width,
        )

    def turned(self, rotation: Floats) -> "Camera":
        """The same camera in the same place, its axes turned to `rotation` (3, 3), as `Camera.rotation` has them."""
        yaw, pitch, roll = angles_deg(rotation)
        return replace(self, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)


_SPECIAL = {"pitch_deg", "roll_deg", "middle", "stretch", "distortion"}


def fov_deg(focal: float, width: int) -> float:
    """The angle that so many pixels span around the axis of a pinhole camera with this focal length, pixels."""
    return math.degrees(2.0 * math.atan(width / 2 / focal))


def angles_deg(rotation: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a rotation (3, 3) as `Camera.rotation` has it."""
    ahead = rotation[:, 0]
    yaw = math.atan2(ahead[1], ahead[0])
    pitch = math.atan2(ahead[2], math.hypot(ahead[0], ahead[1]))
    left = _rotation(yaw, pitch, 0.0).T @ rotation[:, 1]
    return math.degrees(yaw), math.degrees(pitch), math.degrees(math.atan2(left[2], left[1]))


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Turned by yaw about up, then by pitch about its own left, then by roll about its own ahead; radians."""
    cy, sy, cp, sp, cr, sr = (part(angle) for angle in (yaw, pitch, roll) for part in (math.cos, math.sin))
    return np.array([
        [cy * cp, -sy * cr - cy * sp * sr, sy * sr - cy * sp * cr],
        [sy * cp, cy * cr - sy * sp * sr, -cy * sr - sy * sp * cr],
        [sp, cp * sr, cp * cr],
    ])  # fmt: skip
