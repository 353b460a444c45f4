"""How well labelled 3D boxes, projected by our cameras, cover the pixels they are labelled on; a table, and JSON.

    python benchmarks/camera_boxes.py FILE_OR_FOLDER [FILE_OR_FOLDER ...]

Real frames of nuScenes and KITTI as mmdetection3d keeps them (`*.pkl`; see `Labels` for how each writes a box): eight
corners go through the calibration as `read_calibration` mounts it, and the rectangle around what of them lies in the
image is held against the labelled one, intersection over union. KITTI's rectangles were drawn by hand on the pixels;
nuScenes' were made from its boxes by its own tools. Folders with a calibration of Argoverse 2 have no pictures: there,
every pixel's ray is projected back, and projections are held against the published formula, written down again here.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.feather
from numpy.typing import NDArray

from fleet.measured import Figure, told
from scenarios.cameras import Camera
from scenarios.recorded import read_calibration
from scenarios.recorded.calibrations import mounted, pinhole
from scenarios.recorded.pickles import numbers, read_plain_pickle

Floats = NDArray[np.float64]
CORNERS = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) / 2
EDGES = [(i, j) for i in range(8) for j in range(i) if np.abs(CORNERS[i] - CORNERS[j]).sum() == 1.0]
STEPS = np.linspace(0.0, 1.0, 129)[:, None]
NEAR_M = 0.1
AXLE_ABOVE_ROAD_M = 0.33
NUSCENES_PX = (900, 1600)


@dataclass(frozen=True)
class Labels:
    """What is labelled in one picture.

    nuScenes writes a box in the laser's frame: middle, length, width, height, turn about the laser's up. It was drawn
    upright on the map, so it is put upright there, by the pose of the ego; and a picture is taken up to 43 ms before
    the sweep, so its camera stands where it stood then (`lidar2cam`). KITTI writes it in the rectified camera frame:
    middle of the bottom, length, height, width, turn about down.

    corners: (n, 8, 3) in the car frame, m
    pixels: (n, 4) left, top, right, bottom, with the middle of the first pixel at 0.5
    """

    data: str
    camera: Camera
    corners: Floats
    pixels: Floats

    @property
    def overlaps(self) -> Floats:
        """Intersection over union of each box, (n,); 0 for one that is labelled and not in the image."""
        found = (rectangle(self.camera, each) for each in self.corners)
        return np.array(
            [0.0 if box is None else overlap(box, label) for box, label in zip(found, self.pixels, strict=True)]
        )


def rectangle(camera: Camera, corners: Floats) -> Floats | None:
    """Left, top, right, bottom of what an image shows of a box (8, 3) in the car frame; None where that is nothing."""
    edges = np.concatenate([corners[i] + (corners[j] - corners[i]) * STEPS for i, j in EDGES])
    column, row, depth = camera.project(edges).T
    seen = (depth > NEAR_M) & (column >= 0) & (row >= 0) & (column <= camera.width) & (row <= camera.height)
    if not seen.any():
        return None
    return np.array([column[seen].min(), row[seen].min(), column[seen].max(), row[seen].max()])


def overlap(a: Floats, b: Floats) -> float:
    """Intersection over union of two rectangles."""
    both = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both))


def labelled(file: Path) -> Iterator[Labels]:
    """Every labelled picture of a frame's pickle."""
    whole = read_plain_pickle(file)
    frame = whole["data_list"][0] if isinstance(whole, dict) else whole[0]
    if "cam_instances" in frame:
        yield from _nuscenes(frame)
    else:
        yield _kitti(file, frame)


def _nuscenes(frame: dict[str, Any]) -> Iterator[Labels]:
    ego_from_laser, map_from_ego = numbers(frame["lidar_points"]["lidar2ego"]), numbers(frame["ego2global"])
    boxes = np.array([numbers(each["bbox_3d"]) for each in frame["instances"]])
    corners = _upright(boxes, ego_from_laser, map_from_ego)
    for name, seen in frame["cam_instances"].items():
        said = frame["images"][name]
        camera_from_laser = numbers(said["lidar2cam"])
        pose = ego_from_laser @ np.linalg.inv(camera_from_laser)
        middles = boxes[:, :3] @ camera_from_laser[:3, :3].T + camera_from_laser[:3, 3]
        labels = np.array([numbers(each["bbox_3d"])[:3] for each in seen]).reshape(-1, 3)
        which = np.linalg.norm(middles - labels[:, None], axis=2).argmin(axis=1)
        pixels = np.array([each["bbox"] for each in seen]).reshape(-1, 4) + 0.5
        camera = mounted(name, pose, pinhole(numbers(said["cam2img"]), *NUSCENES_PX))
        yield Labels("nuscenes", camera, corners[which], pixels)


def _upright(boxes: Floats, ego_from_laser: Floats, map_from_ego: Floats) -> Floats:
    """Corners (n, 8, 3) in the ego frame of boxes (n, 7) in the laser's, upright on the map."""
    map_from_laser = map_from_ego @ ego_from_laser
    ahead = np.stack([np.cos(boxes[:, 6]), np.sin(boxes[:, 6])], axis=1) @ map_from_laser[:2, :2].T
    side = CORNERS * boxes[:, None, 3:6]  # (n, 8, 3)
    cos, sin = (part[:, None] for part in (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).T)
    turned = np.stack(
        [cos * side[..., 0] - sin * side[..., 1], sin * side[..., 0] + cos * side[..., 1], side[..., 2]], axis=2
    )
    on_map = turned + (boxes[:, :3] @ map_from_laser[:3, :3].T + map_from_laser[:3, 3])[:, None]
    return np.asarray((on_map - map_from_ego[:3, 3]) @ map_from_ego[:3, :3])


def _kitti(file: Path, frame: dict[str, Any]) -> Labels:
    camera = next(each for each in read_calibration(file).cameras if each.name == "CAM2")
    if "annos" in frame:
        said = {name: numbers(frame["annos"][name]) for name in ("location", "dimensions", "rotation_y", "bbox")}
        boxes, pixels = np.column_stack([said["location"], said["dimensions"], said["rotation_y"]]), said["bbox"]
    else:
        boxes, pixels = (np.array([numbers(each[name]) for each in frame["instances"]]) for name in ("bbox_3d", "bbox"))
    meant = boxes[:, 3] > 0  # "DontCare" has no size
    boxes, pixels = boxes[meant], pixels[meant]
    side = (CORNERS - (0.0, 0.5, 0.0)) * boxes[:, None, 3:6]  # x right, y down, z ahead: the bottom is y = 0
    cos, sin = np.cos(boxes[:, 6, None]), np.sin(boxes[:, 6, None])
    turned = np.stack(
        [cos * side[..., 0] + sin * side[..., 2], side[..., 1], cos * side[..., 2] - sin * side[..., 0]], axis=2
    )
    rectified = turned + boxes[:, None, :3]  # from the frame of camera 0, of which this one stands aside
    calib = numbers(frame["calib"]["P2"] if "calib" in frame else frame["images"]["CAM2"]["cam2img"])
    own = rectified + np.linalg.solve(calib[:3, :3], calib[:3, 3])
    right, down, ahead = (own[..., [axis]] for axis in range(3))
    axes = camera.rotation
    return Labels(
        "kitti", camera, camera.place + ahead * axes[:, 0] - right * axes[:, 1] - down * axes[:, 2], pixels + 0.5
    )


def formula_error_px(folder: Path) -> dict[str, tuple[float, float]]:
    """Of each Argoverse 2 camera: by how much rays miss their pixel, and projections the formula, pixels at most.

    The formula: into the camera's frame by its quaternion, divide by depth, x (1 + k1 r^2 + k2 r^4 + k3 r^6), times
    the focal length, plus the principal point.
    """
    names = ("intrinsics", "egovehicle_SE3_sensor")
    lenses, poses = (pyarrow.feather.read_table(folder / f"{name}.feather").to_pylist() for name in names)
    pose_of = {pose["sensor_name"]: pose for pose in poses}
    found = {}
    for camera, lens in zip(read_calibration(folder).cameras, lenses, strict=True):
        pixels = camera.grid()[::16, ::16]
        points = camera.place + 25.0 * camera.rays(pixels)
        back = camera.project(points)[..., :2]
        written = _by_the_formula(points - (0.0, 0.0, AXLE_ABOVE_ROAD_M), lens, pose_of[camera.name])
        found[camera.name] = float(np.abs(back - pixels).max()), float(np.abs(written + 0.5 - back).max())
    return found


def _by_the_formula(points: Floats, lens: dict[str, float], pose: dict[str, float]) -> Floats:
    w, u = pose["qw"], -np.array([pose["qx"], pose["qy"], pose["qz"]])  # turned the other way round
    offset = points - (pose["tx_m"], pose["ty_m"], pose["tz_m"])
    own = offset + 2.0 * np.cross(u, np.cross(u, offset) + w * offset)
    x, y = own[..., 0] / own[..., 2], own[..., 1] / own[..., 2]
    r2 = x * x + y * y
    bend = 1.0 + lens["k1"] * r2 + lens["k2"] * r2**2 + lens["k3"] * r2**3
    return np.stack([lens["fx_px"] * x * bend + lens["cx_px"], lens["fy_px"] * y * bend + lens["cy_px"]], axis=-1)


def main() -> None:
    """Measure what is named, or what OUTRIDER_DATA has."""
    data = os.environ.get("OUTRIDER_DATA")
    named = [Path(name) for name in sys.argv[1:]]
    places = named or [Path(data, name) for name in ("camera_boxes_ncsa", "logs_argoverse2_ncsa") if data]
    figures = []
    print(f"{'data':<12} {'camera':<20} {'boxes':>6} {'median IoU':>11} {'least':>7} {'over 0.9':>9}")
    for file in sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.pkl"))):
        for labels in labelled(file):
            found = labels.overlaps
            median, least = float(np.median(found)), float(found.min())
            name, over = f"{labels.data:<12} {labels.camera.name:<20}", (found > 0.9).mean()
            print(f"{name} {len(found):>6} {median:>11.3f} {least:>7.3f} {over:>9.0%}")
            low, high = np.quantile(found, (0.25, 0.75)).tolist()
            figure = f"{labels.data}.{labels.camera.name}"
            figures.append(Figure(figure, median, 0.90, "labelled pixels", len(found), low, high))
    for lens in sorted(lens for place in places for lens in place.rglob("intrinsics.feather")):
        for name, (back, formula) in formula_error_px(lens.parent).items():
            print(f"{'argoverse2':<12} {name:<20} rays miss by {back:.1e} px, the formula differs by {formula:.1e} px")
    print(json.dumps(told("camera_boxes", figures)))


if __name__ == "__main__":
    main()
