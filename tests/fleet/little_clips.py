"""Clips of a few grey pictures, of which a trigger may read the speed."""

from typing import Any

import numpy as np
import simplejpeg

from scenarios import Camera, cameras
from telemetry import Clip

RIG = cameras.EIGHT_CAMERAS
RULE = """\
name: quick
kind: expression
params: {fire_when: "Vehicle.Speed > 50 km/h"}
when: "Vehicle.IsMoving"
fire: {cooldown_s: 60}
"""


def clip_of(name: str, speeds: list[float | None], names: tuple[str, ...] = RIG.names) -> Clip:
    """Grey pictures at one a second; what a trigger may read of it is the speed."""
    grey = simplejpeg.encode_jpeg(np.full((RIG.height, RIG.width, 3), 90, np.uint8), 90, "RGB", "420")
    lenses = [numbers_of(camera) for camera in RIG.cameras if camera.name in names]
    ticks = tuple(range(7000, 7000 + 10 * len(speeds), 10))
    signals: dict[str, Any] = {"Vehicle.Speed": speeds, "Vehicle.IsMoving": [each and True for each in speeds]}
    return Clip(
        id=name, run="r", car=1, tick=7000, t_us=700_000_000, trigger="other", version=1, score=0.0, priority=1,
        ticks=ticks, cameras=names, frames=[[grey] * len(names) for _ in ticks], calibration=lenses,
        poses=[dict.fromkeys(("x_m", "y_m", "heading_deg", "latitude", "longitude"), 0.0) for _ in ticks],
        signals=signals, percepts={}, shadows={}, complete=True,
    )  # fmt: skip


def numbers_of(camera: Camera) -> dict[str, Any]:
    names = ("name", "x_m", "y_m", "z_m", "yaw_deg", "fov_deg", "height", "width", "fx", "fy", "cx", "cy")
    return {name: getattr(camera, name) for name in names}
