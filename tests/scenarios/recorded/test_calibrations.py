"""Rigs out of calibrations: made ones in the formats of three data sets, and the real ones where they are."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pytest

from scenarios.cameras import Camera, Rig, load_rig, rig_yaml
from scenarios.errors import CorruptDrive, NoCalibration
from scenarios.paint.warp import warp_of
from scenarios.recorded import read_calibration

LEFT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""(3, 3): from a frame with x right, y down, z ahead into the car's, for a camera that looks to the left."""

LENS = {"fx_px": 500.0, "fy_px": 510.0, "cx_px": 319.5, "cy_px": 199.5, "k1": -0.2, "k2": 0.05, "k3": 0.01}
PIXELS = np.array([[LENS["fx_px"], 0, LENS["cx_px"]], [0, LENS["fy_px"], LENS["cy_px"]], [0, 0, 1.0]])
POSE = {"qw": np.sqrt(0.5), "qx": -np.sqrt(0.5), "qy": 0.0, "qz": 0.0, "tx_m": 1.0, "ty_m": 0.5, "tz_m": 1.2}


def posed(rotation: np.ndarray, place: tuple[float, ...]) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, place
    return pose


@pytest.fixture
def argoverse(tmp_path: Path) -> Path:
    lens = {"sensor_name": "side", **LENS, "height_px": 400, "width_px": 640}
    for name, rows in (("intrinsics", [lens]), ("egovehicle_SE3_sensor", [{"sensor_name": "up_lidar", **POSE}])):
        pa.feather.write_feather(pa.Table.from_pylist(rows), tmp_path / f"{name}.feather")
    poses = [{"sensor_name": name, **POSE} for name in ("up_lidar", "side")]
    pa.feather.write_feather(pa.Table.from_pylist(poses), tmp_path / "egovehicle_SE3_sensor.feather")
    return tmp_path


def saved(folder: Path, whole: Any) -> Path:
    file = folder / "infos.pkl"
    file.write_bytes(pickle.dumps(whole))
    return file


def test_a_camera_of_argoverse_is_mounted_as_its_quaternion_says_and_raised_by_the_axle(argoverse: Path) -> None:
    (camera,) = read_calibration(argoverse).cameras
    assert (camera.name, camera.height, camera.width) == ("side", 400, 640)
    assert camera.place == pytest.approx([1.0, 0.5, 1.53])
    assert (camera.yaw_deg, camera.pitch_deg, camera.roll_deg) == pytest.approx((90.0, 0.0, 0.0))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((500.0, 510.0, 320.0, 200.0))
    assert camera.distortion == pytest.approx((-0.2, 0.05, 0.01))


def test_a_log_is_asked_for_the_calibration_folder_inside_it(argoverse: Path) -> None:
    log = argoverse / "log"
    log.mkdir()
    (log / "calibration").mkdir()
    for file in argoverse.glob("*.feather"):
        file.rename(log / "calibration" / file.name)
    assert read_calibration(log).names == ("side",)


def test_a_camera_of_nuscenes_is_where_its_pose_in_the_ego_frame_says(tmp_path: Path) -> None:
    image = {"cam2ego": posed(LEFT, (1.0, 0.5, 1.2)).tolist(), "cam2img": PIXELS.tolist()}
    (camera,) = read_calibration(saved(tmp_path, {"data_list": [{"images": {"CAM_LEFT": image}}]})).cameras
    assert (camera.name, camera.height, camera.width) == ("CAM_LEFT", 900, 1600)
    assert camera.project(np.array([1.0, 5.5, 0.2])) == pytest.approx([320.0, 200.0 + 510.0 * 0.2, 5.0])


AHEAD = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""(3, 3): from the laser's frame, x ahead, into a camera's that looks ahead."""

LASER = posed(AHEAD, (0.0, -0.1, -0.3))  # the camera is 0.3 m ahead of the laser and 0.1 m below it


@pytest.mark.parametrize("old", [True, False])
def test_a_camera_of_kitti_stands_aside_by_its_projections_last_column(tmp_path: Path, *, old: bool) -> None:
    projection = np.vstack([np.column_stack([PIXELS, PIXELS @ [-0.54, 0.0, 0.0]]), [0, 0, 0, 1]])
    calib = {"P2": projection.tolist(), "P3": projection.tolist(), "R0_rect": np.eye(4).tolist()}
    frame: dict[str, Any] = {
        "calib": calib | {"Tr_velo_to_cam": LASER.tolist()},
        "image": {"image_shape": [400, 640]},
    }
    said = {"cam2img": projection.tolist(), "lidar2cam": LASER.tolist(), "height": 400, "width": 640}
    if not old:
        frame = {"images": {"CAM2": said, "R0_rect": np.eye(4).tolist()}}
    camera = read_calibration(saved(tmp_path, [frame] if old else {"data_list": [frame]})).cameras[0]
    assert camera.name == "CAM2"
    assert camera.place == pytest.approx([0.3, -0.54, 1.73 - 0.1])
    ahead = camera.project(camera.place + np.array([10.0, -2.0, 1.0]))
    assert ahead == pytest.approx([320.0 + 500.0 * 0.2, 200.0 - 510.0 * 0.1, 10.0])


def test_a_place_without_a_calibration_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoCalibration, match=r"(?s)no calibration of cameras in .*intrinsics\.feather.*KITTI"):
        read_calibration(tmp_path)
    with pytest.raises(NoCalibration, match="there is no file or folder"):
        read_calibration(tmp_path / "nowhere")


def test_a_broken_calibration_names_its_file(argoverse: Path) -> None:
    poses = argoverse / "egovehicle_SE3_sensor.feather"
    pa.feather.write_feather(pa.Table.from_pylist([{"sensor_name": "up_lidar", **POSE}]), poses)
    with pytest.raises(CorruptDrive, match=r"egovehicle_SE3_sensor\.feather: missing 'side'"):
        read_calibration(argoverse)
    with pytest.raises(CorruptDrive, match=r"infos\.pkl: missing 'images'"):
        read_calibration(saved(argoverse, {"data_list": [{}]}))


@pytest.mark.parametrize(
    ("place", "cameras", "size"),
    [
        ("logs_argoverse2_ncsa/calibration_test_log", 9, (2048, 2048)),
        ("camera_boxes_ncsa/nuscenes_scene-0061_frame0", 6, (900, 1600)),
        ("camera_boxes_ncsa/kitti_000007", 2, (375, 1242)),
    ],
)
def test_real_rigs_are_read_written_and_painted(
    camera_boxes: Path, tmp_path: Path, place: str, cameras: int, size: tuple[int, int]
) -> None:
    rig = read_calibration(camera_boxes.parent / place)
    assert (len(rig.cameras), (rig.height, rig.width)) == (cameras, size)
    assert all(1.3 < camera.z_m < 1.8 and abs(camera.pitch_deg) < 5 for camera in rig.cameras)
    file = tmp_path / "rig.yaml"
    file.write_text(rig_yaml(rig, ""))
    again = load_rig(file)
    for camera, read in zip(rig.cameras, again.cameras, strict=True):
        assert _everywhere(read, camera) == pytest.approx(_everywhere(camera, camera), abs=1e-6)
    small = warp_of(rig.resized(0.05), "cpu")
    assert small is not None
    assert small.inside.any(dim=1).all()


def test_the_lenses_of_argoverse_bend_as_its_formula_says(camera_boxes: Path) -> None:
    folder = camera_boxes.parent / "logs_argoverse2_ncsa" / "calibration_test_log"
    rig = read_calibration(folder)
    lenses = pa.feather.read_table(folder / "intrinsics.feather").to_pylist()
    assert len(lenses) == 9
    for camera, lens in zip(rig.cameras, lenses, strict=True):
        x, y = np.meshgrid(np.linspace(-0.6, 0.6, 25), np.linspace(-0.6, 0.6, 25))
        axes = camera.rotation
        points = camera.place + 20.0 * (axes[:, 0] - x[..., None] * axes[:, 1] - y[..., None] * axes[:, 2])
        r2 = x * x + y * y
        bend = 1.0 + lens["k1"] * r2 + lens["k2"] * r2**2 + lens["k3"] * r2**3
        written = np.stack([lens["fx_px"] * x * bend + lens["cx_px"], lens["fy_px"] * y * bend + lens["cy_px"]], -1)
        assert camera.project(points)[..., :2] == pytest.approx(written + 0.5, abs=1e-6)
        assert camera.project(camera.place + camera.rays(camera.grid()[::50, ::50]))[..., :2] == pytest.approx(
            camera.grid()[::50, ::50], abs=1e-6
        )


def _everywhere(camera: Camera, shape: Camera) -> np.ndarray:
    rays = Rig((shape,)).cameras[0].rays(shape.grid()[::90, ::90])
    return camera.project(camera.place + rays)
