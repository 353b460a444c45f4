"""A clip's numbers as the messages that viewers such as Foxglove and Rerun understand; any numbers will do."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
from foxglove_schemas_protobuf.LocationFix_pb2 import LocationFix
from google.protobuf.message import Message

from telemetry.clip import Clip

_MAX_PIXELS = 2**31 - 1
_Turn = tuple[float, float, float, float]  # a quaternion: x, y, z, w


def image(frame_id: str, picture: bytes, now_ns: int, encoding: str = "jpeg") -> Message:
    """foxglove.CompressedImage of one JPEG or PNG."""
    return _stamp(CompressedImage(frame_id=frame_id, data=picture, format=encoding), now_ns)


def picture_of(raw: bytes) -> bytes:
    """The picture in a serialized foxglove.CompressedImage; raises DecodeError."""
    return bytes(CompressedImage.FromString(raw).data)


def location(pose: Mapping[str, Any], now_ns: int) -> Message:
    """foxglove.LocationFix of one pose."""
    fix = LocationFix(frame_id="car", latitude=_number(pose, "latitude"), longitude=_number(pose, "longitude"))
    return _stamp(fix, now_ns)


def calibration(camera: str, numbers: Mapping[str, Any], now_ns: int) -> Message:
    """foxglove.CameraCalibration of a camera; one without k1, k2, k3 has no distortion."""
    k1, k2, k3 = (_number(numbers, name) for name in ("k1", "k2", "k3"))
    fx, fy, cx, cy = (_number(numbers, name) for name in ("fx", "fy", "cx", "cy"))
    message = CameraCalibration(
        frame_id=frame_of(camera),
        width=_pixels(numbers, "width"),
        height=_pixels(numbers, "height"),
        distortion_model="plumb_bob" if k1 or k2 or k3 else "",
        D=[k1, k2, 0, 0, k3] if k1 or k2 or k3 else [],
        K=[fx, 0, cx, 0, fy, cy, 0, 0, 1],
        R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
        P=[fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0],
    )
    return _stamp(message, now_ns)


def transforms(clip: Clip, pose: Mapping[str, Any], now_ns: int) -> Message:
    """foxglove.FrameTransforms: where the car is on the map, and its cameras on it.

    A camera looks along z, with x to the right and y down.
    """
    tree = FrameTransforms()
    heading = math.radians(90.0 - _number(pose, "heading_deg"))
    place = (_number(pose, "x_m"), _number(pose, "y_m"), 0.0)
    ego = tree.transforms.add(parent_frame_id="map", child_frame_id="car")
    _place(_stamp(ego, now_ns), place, _turn(heading))
    for camera, numbers in zip(clip.cameras, clip.calibration, strict=True):
        place = (_number(numbers, "x_m"), _number(numbers, "y_m"), _number(numbers, "z_m"))
        yaw, pitch, roll = (math.radians(_number(numbers, f"{axis}_deg")) for axis in ("yaw", "pitch", "roll"))
        mount = tree.transforms.add(parent_frame_id="car", child_frame_id=frame_of(camera))
        _place(_stamp(mount, now_ns), place, _look(_turn(yaw), pitch, roll))
    return tree


def frame_of(camera: str) -> str:
    """The camera's frame of reference."""
    return f"camera/{camera}"


def _place(transform: Any, place: tuple[float, ...], turn: tuple[float, ...]) -> None:
    transform.translation.x, transform.translation.y, transform.translation.z = place
    transform.rotation.x, transform.rotation.y, transform.rotation.z, transform.rotation.w = turn


def _turn(yaw: float) -> _Turn:
    """The quaternion (x, y, z, w) of a turn about the vertical, counter-clockwise, radians."""
    return 0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)


def _look(turn: _Turn, pitch: float, roll: float) -> _Turn:
    """From axes x forward, z up, to those (z forward, y down) of a camera that looks up and leans right, radians."""
    up = 0.0, math.sin(-pitch / 2), 0.0, math.cos(pitch / 2)
    leaning = math.sin(roll / 2), 0.0, 0.0, math.cos(roll / 2)
    return _after(_after(_after(turn, up), leaning), (-0.5, 0.5, -0.5, 0.5))


def _after(first: _Turn, then: _Turn) -> _Turn:
    """The product of two quaternions: the second turn about the axes that the first one made."""
    x, y, z, w = first
    a, b, c, d = then
    return (
        w * a + x * d + y * c - z * b,
        w * b - x * c + y * d + z * a,
        w * c + x * b - y * a + z * d,
        w * d - x * a - y * b - z * c,
    )


def _stamp(message: Any, now_ns: int) -> Message:
    message.timestamp.seconds, message.timestamp.nanos = divmod(now_ns, 1_000_000_000)
    stamped: Message = message
    return stamped


def _number(numbers: Mapping[str, Any], name: str) -> float:
    """One of them, 0 where it is missing or no number: what came over the wire must not stop a server."""
    value = numbers.get(name)
    return float(value) if isinstance(value, Real) else 0.0


def _pixels(numbers: Mapping[str, Any], name: str) -> int:
    return int(min(max(_number(numbers, name), 0), _MAX_PIXELS))
