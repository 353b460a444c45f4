"""Rigs out of the calibrations that come with recordings.

A calibration belongs to the data it came with and to that data's licence: none ships, this reads the user's own.
Everywhere pixel 0 of a calibration has its middle at 0, ours at 0.5.

Argoverse 2: the ego frame has its origin on the rear axle, so cameras are raised by the axle's height. nuScenes: on the
road under that axle. KITTI: cameras are given against the laser, which is 1.73 m above the road (Geiger et al., "Vision
meets robotics: the KITTI dataset", IJRR 32, 2013, figure 3); the car's reference point is put on the road beneath it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.feather
from numpy.typing import NDArray

from scenarios.cameras import Camera, Rig
from scenarios.cameras.camera import angles_deg, fov_deg
from scenarios.errors import NoCalibration
from scenarios.recorded.argoverse2 import AXLE_HEIGHT_M, rotations
from scenarios.recorded.pickles import numbers, read_plain_pickle
from scenarios.recorded.recording import reading

Floats = NDArray[np.float64]

CALIBRATIONS = {
    "argoverse2": "Argoverse 2: a folder with intrinsics.feather and egovehicle_SE3_sensor.feather, or with a"
    " calibration/ that has them",
    "nuscenes": "nuScenes, as mmdetection3d keeps it: *.pkl with cam2img and cam2ego of each image",
    "kitti": "KITTI, as mmdetection3d keeps it: *.pkl with P2 and P3, R0_rect and Tr_velo_to_cam",
}
"""What is looked for."""

NUSCENES_PX = (900, 1600)
LASER_HEIGHT_M = 1.73

THINGS, LAYERS = 64, 4
"""What such a rig shows of the crowds that real streets have."""

_LENS = ("fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "k3", "height_px", "width_px")
_PLACE = ("tx_m", "ty_m", "tz_m")
_FORWARD = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""(3, 3): columns are ahead, left and up in a frame with x right, y down and z ahead, as calibrations have cameras."""


@dataclass(frozen=True, slots=True)
class Lens:
    """The inside of a camera as calibrations write it, pixels, with the middle of the first pixel at 0."""

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int
    distortion: tuple[float, float, float] = (0.0, 0.0, 0.0)


def mounted(name: str, car_from_camera: Floats, lens: Lens) -> Camera:
    """A camera from the pose (4, 4) of its frame (x right, y down, z ahead) in the car frame, and its lens."""
    yaw, pitch, roll = angles_deg(car_from_camera[:3, :3] @ _FORWARD)
    x, y, z = car_from_camera[:3, 3].tolist()
    return Camera(
        name, x, y, z, yaw, fov_deg(lens.fx, lens.width), lens.height, lens.width, (lens.cy + 0.5) / lens.height,
        pitch, roll, (lens.cx + 0.5) / lens.width, lens.fx / lens.fy, lens.distortion,
    )  # fmt: skip


def read_calibration(place: Path) -> Rig:
    """The rig of a recording: a folder or a file of CALIBRATIONS. Raises NoCalibration, CorruptDrive."""
    for folder in (place, place / "calibration"):
        if (folder / "intrinsics.feather").is_file():
            return _argoverse(folder)
    files = [place] if place.is_file() else sorted(place.glob("*.pkl"))
    for file in files:
        if file.suffix == ".pkl":
            return _mmdetection(file)
    raise NoCalibration(place, tuple(CALIBRATIONS.values()))


def _rig(cameras: list[Camera]) -> Rig:
    if not cameras:
        raise ValueError("no cameras")
    return Rig(tuple(cameras), THINGS, LAYERS)


def _argoverse(folder: Path) -> Rig:
    inside, outside = folder / "intrinsics.feather", folder / "egovehicle_SE3_sensor.feather"
    with reading(inside, f"an Arrow feather file with columns sensor_name, {', '.join(_LENS)}"):
        lenses = pyarrow.feather.read_table(inside, ["sensor_name", *_LENS]).to_pylist()
    with reading(outside, f"an Arrow feather file with a pose of each of the {len(lenses)} cameras"):
        columns = ["sensor_name", "qw", "qx", "qy", "qz", *_PLACE]
        poses = {row["sensor_name"]: row for row in pyarrow.feather.read_table(outside, columns).to_pylist()}
        return _rig([_argoverse_camera(lens, poses[lens["sensor_name"]]) for lens in lenses])


def _argoverse_camera(lens: Mapping[str, Any], pose: Mapping[str, Any]) -> Camera:
    four = {part: np.array([pose[part]]) for part in ("qw", "qx", "qy", "qz")}
    car_from_camera = np.eye(4)
    car_from_camera[:3, :3] = rotations(four)[0]
    car_from_camera[:3, 3] = [pose[axis] for axis in _PLACE]
    car_from_camera[2, 3] += AXLE_HEIGHT_M
    fx, fy, cx, cy, k1, k2, k3 = (float(lens[name]) for name in _LENS[:7])
    size = int(lens["height_px"]), int(lens["width_px"])
    return mounted(lens["sensor_name"], car_from_camera, Lens(fx, fy, cx, cy, *size, (k1, k2, k3)))


def _mmdetection(file: Path) -> Rig:
    with reading(file, CALIBRATIONS["nuscenes"] + ", or " + CALIBRATIONS["kitti"]):
        whole = read_plain_pickle(file)
        frame = whole["data_list"][0] if isinstance(whole, dict) else whole[0]
        if "calib" in frame:
            return _kitti_of_old(frame)
        images = {name: said for name, said in frame["images"].items() if isinstance(said, dict) and "cam2img" in said}
        if any("cam2ego" in said for said in images.values()):
            return _rig([_nuscenes_camera(name, said) for name, said in images.items()])
        return _rig([_kitti_camera(name, said) for name, said in images.items() if "lidar2cam" in said])


def _nuscenes_camera(name: str, said: Mapping[str, Any]) -> Camera:
    return mounted(name, numbers(said["cam2ego"]), pinhole(numbers(said["cam2img"]), *NUSCENES_PX))


def _kitti_camera(name: str, said: Mapping[str, Any]) -> Camera:
    size = int(said["height"]), int(said["width"])
    return _kitti(name, numbers(said["cam2img"]), numbers(said["lidar2cam"]), *size)


def _kitti_of_old(frame: Mapping[str, Any]) -> Rig:
    calib = frame["calib"]
    camera_from_laser = numbers(calib["R0_rect"]) @ numbers(calib["Tr_velo_to_cam"])
    height, width = numbers(frame["image"]["image_shape"]).astype(int).tolist()
    return _rig([_kitti(f"CAM{i}", numbers(calib[f"P{i}"]), camera_from_laser, height, width) for i in (2, 3)])


def _kitti(name: str, projection: Floats, camera_from_laser: Floats, height: int, width: int) -> Camera:
    """From a projection (3 or 4, 4) out of the rectified frame, in which a camera stands aside of the origin."""
    aside = np.eye(4)
    aside[:3, 3] = -np.linalg.solve(projection[:3, :3], projection[:3, 3])
    car_from_camera = np.linalg.inv(camera_from_laser) @ aside
    car_from_camera[2, 3] += LASER_HEIGHT_M
    return mounted(name, car_from_camera, pinhole(projection, height, width))


def pinhole(matrix: Floats, height: int, width: int) -> Lens:
    """The lens of a rectified image, from its matrix (3, 3) or more."""
    fx, fy, cx, cy = (float(matrix[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return Lens(fx, fy, cx, cy, height, width)
