import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pytest
from little_drives import write_argoverse, write_motion

from scenarios.errors import CorruptDrive
from scenarios.recorded import open_drives, scene_at
from scenarios.recorded.argoverse2 import read_motion_scenario, read_sensor_log

FOCAL, COLUMN, ROW = 98.4, 48.0, 28.8
"""A camera of 64 x 96 pixels, 52 degrees wide, its horizon at 45 % of the height."""
MOUNT = (1.6, 0.05, 1.45)
MAP = "map/log_map_archive_little____PIT_city_1.json"


def _pinhole(points: np.ndarray) -> np.ndarray:
    """Pixels of points (P, 3) in a frame with x ahead, y left, z up on the road, seen from MOUNT straight ahead."""
    ahead, left, up = (points - MOUNT).T
    return np.stack([COLUMN - FOCAL * left / ahead, ROW - FOCAL * up / ahead], axis=1)


def _corners(middle: tuple[float, float, float], yaw: float, size: tuple[float, float, float]) -> np.ndarray:
    """The eight corners of a box of length, width, height."""
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) * np.array(size) / 2
    along = signs[:, 0] * math.cos(yaw) - signs[:, 1] * math.sin(yaw)
    aside = signs[:, 0] * math.sin(yaw) + signs[:, 1] * math.cos(yaw)
    return np.stack([along, aside, signs[:, 2]], axis=1) + middle


def test_boxes_stand_in_the_city_where_the_ego_saw_them(tmp_path: Path) -> None:
    drive = read_sensor_log(write_argoverse(tmp_path / "log"))
    assert (drive.name, drive.source, drive.agents.ids) == ("log", "argoverse2-sensor", ("parked",))
    assert np.ptp(drive.agents.x_m) < 1e-6
    assert np.ptp(drive.agents.y_m) < 1e-6
    assert drive.agents.x_m[0, 0] == pytest.approx(4.0)  # right of a car that drives north
    assert drive.agents.yaw_rad[:, 0] == pytest.approx(math.pi / 2)
    assert drive.y_m[-1] == pytest.approx(20.0, abs=0.01)
    assert drive.speed_mps == pytest.approx(10.0, abs=0.01)


def test_on_a_slope_boxes_stand_on_the_plane_that_the_ego_stands_on(tmp_path: Path) -> None:
    drive = read_sensor_log(write_argoverse(tmp_path / "log"))
    assert drive.agents.z_bottom_m[0, 0] == pytest.approx(30 * 0.05, abs=0.05)
    around = scene_at(drive, np.arange(0, 2_000_000, 250_000))
    assert around.z0_m[:, 0] == pytest.approx(0.42 - 0.75 + 0.33, abs=0.01)


def test_marks_of_a_lane_are_painted_and_the_city_gives_the_place(tmp_path: Path) -> None:
    drive = read_sensor_log(write_argoverse(tmp_path / "log"))
    assert [(line.style, line.colour) for line in drive.roads.lines] == [("dashed", "yellow")]
    assert drive.roads.lanes[0][:, 0] == pytest.approx(0.0)
    assert drive.latitude == pytest.approx(40.4435, abs=0.01)


def test_a_log_without_a_map_still_opens(tmp_path: Path) -> None:
    folder = write_argoverse(tmp_path / "log")
    (folder / MAP).unlink()
    drive = read_sensor_log(folder)
    assert drive.roads.drivable == ()
    assert not drive.georeferenced


@pytest.mark.parametrize("name", ["city_SE3_egovehicle.feather", "annotations.feather", MAP])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_argoverse(tmp_path / "log")
    whole = (folder / name).read_bytes()
    for share in (0, 0.3, 0.9):
        (folder / name).write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CorruptDrive) as caught:
            read_sensor_log(folder)
        assert caught.value.file == folder / name


def test_a_flipped_byte_among_the_boxes_is_refused_or_harmless(tmp_path: Path) -> None:
    folder = write_argoverse(tmp_path / "log")
    file = folder / "annotations.feather"
    good, refused = file.read_bytes(), 0
    for place in range(8, len(good), 101):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            read_sensor_log(folder)
        except CorruptDrive:
            refused += 1
    assert refused > 0


def test_boxes_without_poses_at_their_time_are_refused(tmp_path: Path) -> None:
    folder = write_argoverse(tmp_path / "log")
    table = pa.feather.read_table(folder / "annotations.feather")
    later = pa.array(table["timestamp_ns"].to_numpy() + 3_600_000_000_000)
    pa.feather.write_feather(table.set_column(0, "timestamp_ns", later), str(folder / "annotations.feather"))
    with pytest.raises(CorruptDrive, match="without ego poses"):
        read_sensor_log(folder)


def test_a_log_without_annotations_says_what_it_lacks(tmp_path: Path) -> None:
    folder = write_argoverse(tmp_path / "log")
    (folder / "annotations.feather").unlink()
    with pytest.raises(
        CorruptDrive, match=r"annotations\.feather.*expected an Arrow feather file with columns timestamp_ns"
    ):
        read_sensor_log(folder)


def test_a_motion_scenario_is_driven_by_the_recording_car(tmp_path: Path) -> None:
    drive = read_motion_scenario(write_motion(tmp_path))
    assert drive.agents.kind_names == ("pedestrian",)
    assert drive.speed_mps == pytest.approx(10.0)
    assert drive.latitude == pytest.approx(30.2746, abs=1e-3)


def test_standing_cars_of_real_logs_stay_put_while_the_ego_moves(argoverse_logs: Path) -> None:
    for drive in open_drives(argoverse_logs):
        if drive.source != "argoverse2-sensor":
            continue
        agents = drive.agents
        parked = (agents.kind == 0) & (agents.speed_mps.max(0) < 0.5) & (agents.valid.sum(0) > 100)
        assert parked.sum() > 10
        assert np.hypot(np.ptp(drive.x_m), np.ptp(drive.y_m)) > 10
        seen = agents.valid[:, parked]
        for places in (agents.x_m[:, parked], agents.y_m[:, parked]):
            spread = np.nanstd(np.where(seen, places, np.nan), axis=0)
            assert np.median(spread) < 0.15
            assert spread.max() < 0.5


def test_real_logs_have_no_box_of_their_own_and_no_false_brakes(argoverse_logs: Path) -> None:
    for drive in open_drives(argoverse_logs):
        assert np.abs(drive.acceleration_mps2).max() < 6
        if drive.source == "argoverse2-sensor":
            near = scene_at(drive, drive.timestamps_us)
            assert np.hypot(near.x_m, near.y_m)[near.valid].min() > 1.0


def test_real_boxes_are_projected_as_the_raw_file_has_them(argoverse_logs: Path) -> None:
    """Straight from the feather, with this test's own camera: the ego frame's origin is 0.33 m above the road."""
    compared = 0
    for folder in sorted(path.parent for path in argoverse_logs.glob("*/city_SE3_egovehicle.feather")):
        drive = read_sensor_log(folder)
        rows = pa.feather.read_table(next(folder.glob("annotations*.feather"))).to_pandas()
        stamps = np.sort(rows["timestamp_ns"].unique())
        for moment in (0, 40, 150):
            near = scene_at(drive, drive.timestamps_us[[moment]])
            found = {drive.agents.ids[agent]: slot for slot, agent in enumerate(near.agent[0]) if agent >= 0}
            for row in rows[rows["timestamp_ns"] == stamps[moment]].itertuples():
                if row.track_uuid not in found or row.tx_m < 8:
                    continue
                yaw = 2 * math.atan2(row.qz, row.qw)
                size = (row.length_m, row.width_m, row.height_m)
                raw = _corners((row.tx_m, row.ty_m, row.tz_m + 0.33), yaw, size)
                slot = found[row.track_uuid]
                x, y, z0, z1 = (getattr(near, name)[0, slot] for name in ("x_m", "y_m", "z0_m", "z1_m"))
                ours = _corners((x, y, (z0 + z1) / 2), near.yaw_rad[0, slot], size)
                assert np.abs(_pinhole(raw) - _pinhole(ours)).max() < 1.0
                compared += 1
    assert compared > 100
