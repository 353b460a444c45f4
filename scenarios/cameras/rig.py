"""The rig: all cameras of a car, and the frames they give."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from scenarios.cameras.camera import Camera, Floats
from scenarios.draws import Draws


@dataclass(frozen=True, slots=True, repr=False)
class Rig:
    """The cameras of a car.

    Where their images differ in size, arrays are as large as the largest; a smaller one lies in the upper left corner
    and the rest is black.

    cameras: in the order of every array that has a camera axis
    things: the nearest ones that a camera shows, at most
    layers: the nearest ones that an image column shows, at most; networks are made for one number of both
    """

    cameras: tuple[Camera, ...]
    things: int = 16
    layers: int = 2

    def __repr__(self) -> str:
        """Leaves out what is as usual: this text goes into the fingerprints of worlds."""
        more = [each for each in fields(self)[1:] if getattr(self, each.name) != each.default]
        return f"Rig(cameras={self.cameras!r}{''.join(f', {e.name}={getattr(self, e.name)!r}' for e in more)})"

    @property
    def names(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(camera.name for camera in self.cameras)

    @property
    def height(self) -> int:
        """Rows of every image."""
        return max(camera.height for camera in self.cameras)

    @property
    def width(self) -> int:
        """Columns of every image."""
        return max(camera.width for camera in self.cameras)

    @property
    def is_level(self) -> bool:
        """Whether all are level, of one size and have their horizon in one row: what the painter paints directly."""
        sizes = {(camera.height, camera.width, camera.horizon) for camera in self.cameras}
        return len(sizes) == 1 and all(camera.is_level for camera in self.cameras)

    def resized(self, scale: float) -> "Rig":
        """The same rig with every image `scale` times as high and as wide."""
        return replace(self, cameras=tuple(camera.resized(scale) for camera in self.cameras))

    def miscalibrated(self, degrees: float, seed: int) -> "Rig":
        """The rig as it really is where each camera is turned by so many degrees from what its calibration says.

        The axis it is turned about, yaw, pitch and roll alike, is drawn for each camera of the rig; one drawing holds
        for all cars of a world, another seed gives another. Open a world with this rig and load what looks at its
        pictures for the nominal one.
        """
        which = np.arange(len(self.cameras))
        height, around, _, _ = Draws(seed).four("calibration error", which)
        flat = np.sqrt(1.0 - (2.0 * height - 1.0) ** 2)
        axes = np.stack([flat * np.cos(2 * np.pi * around), flat * np.sin(2 * np.pi * around), 2.0 * height - 1.0], 1)
        if degrees == 0.0:
            return self
        turns = [_about(axis, np.radians(degrees)) for axis in axes]
        wrong = [camera.turned(turn @ camera.rotation) for camera, turn in zip(self.cameras, turns, strict=True)]
        return replace(self, cameras=tuple(wrong))


def _about(axis: Floats, angle: float) -> Floats:
    """Rodrigues' formula: the rotation (3, 3) by an angle, radians, about a unit axis (3,)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross))


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrames:
    """What the cameras of n cars saw.

    cars: (n,) uint32
    ticks: (n,) int64
    pixels: (n, cameras, 3, height, width) uint8, RGB
    radar_m: (n,) float32, what a radar beside them heard: the nearest echo ahead, infinity for none; None: no radar
    radar_aside_m: (n,) float32, how far left of the car's own axis that echo is; means nothing where there is none
    """

    cars: NDArray[np.uint32]
    ticks: NDArray[np.int64]
    pixels: torch.Tensor
    radar_m: NDArray[np.float32] | None = None
    radar_aside_m: NDArray[np.float32] | None = None
