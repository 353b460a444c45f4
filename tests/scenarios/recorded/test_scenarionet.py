import pickle
from pathlib import Path

import numpy as np
import pytest
from little_drives import plain_scenario, write_scenario

from scenarios.errors import CorruptDrive
from scenarios.recorded import open_drives
from scenarios.recorded.pickles import numbers, read_plain_pickle
from scenarios.recorded.scenarionet import read_scenario


def test_boxes_are_centred_and_the_ego_is_none_of_them(tmp_path: Path) -> None:
    drive = read_scenario(write_scenario(tmp_path / "a.pkl"))
    assert drive.agents.ids == ("lorry", "walker")
    assert drive.agents.kind_names == ("truck", "pedestrian")
    assert drive.agents.x_m[0, 0] == 40
    assert drive.agents.z_bottom_m[0, 0] == pytest.approx(0.1)
    assert drive.agents.length_m.tolist() == [7.0, 0.6]
    assert drive.agents.valid[:, 1].sum() == 11


def test_night_and_weather_come_from_the_description_or_stay_unknown(tmp_path: Path) -> None:
    dark = read_scenario(write_scenario(tmp_path / "a.pkl", description="Night, after rain, many peds"))
    silent = read_scenario(write_scenario(tmp_path / "b.pkl"))
    assert (dark.is_night, dark.weather) == (True, "Night, after rain, many peds")
    assert (silent.is_night, silent.weather) == (None, None)


def test_a_lane_known_by_its_middle_gets_a_surface(tmp_path: Path) -> None:
    drive = read_scenario(write_scenario(tmp_path / "a.pkl"))
    ring = drive.roads.drivable[0][0]
    assert np.ptp(ring[:, 1]) == pytest.approx(3.6)
    assert (drive.roads.lines[0].style, drive.roads.lines[0].colour) == ("dashed", "yellow")


def _without(*path: str) -> dict:
    scenario = plain_scenario()
    inner = scenario
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return scenario


@pytest.mark.parametrize(
    "scenario",
    [
        {"no": "scenario"},
        [1, 2],
        _without("metadata", "sdc_id"),
        _without("tracks", "ego"),
        _without("tracks", "lorry", "state", "heading"),
        plain_scenario() | {"tracks": {"ego": {"type": "VEHICLE", "state": {"valid": "yes"}}}},
        plain_scenario() | {"map_features": {"x": {"type": "LANE_X", "polyline": [(0, np.nan), (1, 2)]}}},
        plain_scenario() | {"map_features": {"x": {"type": "LANE_X", "polyline": [(0, 0), (1e8, 2)]}}},
    ],
)
def test_a_pickle_of_something_else_is_refused_by_name(tmp_path: Path, scenario: object) -> None:
    file = tmp_path / "other.pkl"
    file.write_bytes(pickle.dumps(scenario))
    with pytest.raises(CorruptDrive, match=r"other\.pkl: .+; expected a ScenarioNet scenario"):
        read_scenario(file)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    scenario = plain_scenario()
    scenario["tracks"]["lorry"]["state"]["position"][3, 0] = np.nan
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(scenario))
    with pytest.raises(CorruptDrive, match="not finite"):
        read_scenario(tmp_path / "a.pkl")


def test_real_scenes_have_no_hard_brake_and_stay_on_the_road(nuscenes_logs: Path) -> None:
    from scenarios.recorded import rasterise

    drives = open_drives(nuscenes_logs)
    assert len(drives) >= 4
    for drive in drives:
        assert np.abs(drive.acceleration_mps2).max() < 6
        assert np.abs(drive.agents.acceleration_mps2).max() < 6
        assert (drive.speed_mps.min() > -1) & (drive.speed_mps.max() < 25)
        assert drive.georeferenced
        assert np.isin(rasterise(drive).at(drive.x_m, drive.y_m), (1, 2, 3)).all()


def test_boxes_agree_with_the_ones_that_were_labelled_in_the_laser_frame(
    nuscenes_logs: Path, camera_boxes: Path
) -> None:
    drive = next(drive for drive in open_drives(nuscenes_logs) if drive.name == "scene-0061")
    raw = read_plain_pickle(nuscenes_logs / "sd_nuscenes_v1.0-mini_scene-0061.pkl")
    start = numbers(raw["tracks"]["ego"]["state"]["position"])[0]
    frame = read_plain_pickle(next(camera_boxes.glob("nuscenes_scene-0061_frame0/*.pkl")))["data_list"][0]
    to_map = numbers(frame["ego2global"]) @ numbers(frame["lidar_points"]["lidar2ego"])
    labelled = np.array([numbers(box["bbox_3d"]) for box in frame["instances"]])
    places = labelled[:, :3] @ to_map[:3, :3].T + to_map[:3, 3]
    agents, now = drive.agents, drive.agents.valid[0]
    middle = np.stack([agents.x_m[0], agents.y_m[0], agents.z_bottom_m[0] + agents.height_m / 2], axis=1)[now] + start
    nearest = np.linalg.norm(places[:, None] - middle, axis=2)
    match = nearest.argmin(1)
    close = nearest.min(1) < 0.3
    assert close.mean() > 0.9
    sizes = np.stack([agents.length_m, agents.width_m, agents.height_m], axis=1)[now][match]
    assert np.abs(sizes - labelled[:, 3:6])[close].max() < 0.05
    ahead = np.stack([np.cos(labelled[:, 6]), np.sin(labelled[:, 6])], axis=1) @ to_map[:2, :2].T
    turn = np.arctan2(ahead[:, 1], ahead[:, 0]) - agents.yaw_rad[0][now][match]
    assert np.abs(np.arctan2(np.sin(turn), np.cos(turn)))[close].max() < 0.1
