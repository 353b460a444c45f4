from pathlib import Path

import numpy as np
import pytest
from little_drives import write_argoverse, write_commonroad, write_motion, write_scenario

from scenarios.errors import CorruptDrive, NoDrives
from scenarios.recorded import FORMATS, open_drives


def _one_of_each(folder: Path) -> Path:
    write_argoverse(folder / "a" / "deep" / "log")
    write_motion(folder / "b")
    write_scenario(folder / "c" / "drive.pkl")
    write_commonroad(folder / "d.xml")
    return folder


def test_a_folder_gives_the_drives_of_every_format_in_it(tmp_path: Path) -> None:
    drives = open_drives(_one_of_each(tmp_path))
    assert sorted(drive.source for drive in drives) == sorted(FORMATS)


def test_the_order_does_not_depend_on_when_files_were_made(tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        write_commonroad(tmp_path / f"{name}.xml").write_text(
            (tmp_path / f"{name}.xml").read_text().replace("LITTLE-1", name)
        )
    assert [drive.name for drive in open_drives(tmp_path)] == ["a", "b", "c"]


def test_a_file_of_a_log_stands_for_its_log(tmp_path: Path) -> None:
    folder = write_argoverse(tmp_path / "log")
    for name in ("annotations.feather", "city_SE3_egovehicle.feather"):
        assert open_drives(folder / name)[0].name == "log"
    assert open_drives(str(folder))[0].name == "log"


def test_nothing_found_names_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    for place in (tmp_path, tmp_path / "notes.txt", tmp_path / "nowhere"):
        with pytest.raises(NoDrives) as caught:
            open_drives(place)
        assert all(line in str(caught.value) for line in FORMATS.values())
        assert str(place) in str(caught.value)


def test_one_bad_file_among_good_ones_is_not_passed_over(tmp_path: Path) -> None:
    folder = _one_of_each(tmp_path)
    (folder / "c" / "zzz.pkl").write_bytes(b"\x80\x04garbage")
    with pytest.raises(CorruptDrive, match=r"zzz\.pkl"):
        open_drives(folder)


def test_a_scenarionet_table_of_contents_is_no_drive(tmp_path: Path) -> None:
    write_scenario(tmp_path / "drive.pkl")
    (tmp_path / "dataset_summary.pkl").write_bytes(b"not looked at")
    assert len(open_drives(tmp_path)) == 1


def test_a_drive_is_read_the_same_twice(tmp_path: Path) -> None:
    first, second = open_drives(_one_of_each(tmp_path)), open_drives(tmp_path)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.agents.x_m, other.agents.x_m)
        assert np.array_equal(one.acceleration_mps2, other.acceleration_mps2)


def test_every_real_log_opens_into_arrays_of_one_shape(
    argoverse_logs: Path, nuscenes_logs: Path, commonroad_logs: Path
) -> None:
    for place in (argoverse_logs, nuscenes_logs, commonroad_logs):
        for drive in open_drives(place):
            moments, agents = len(drive.timestamps_us), len(drive.agents)
            assert drive.agents.x_m.shape == drive.agents.valid.shape == drive.agents.yaw_rad.shape == (moments, agents)
            assert drive.up.shape == (moments, 3)
            assert np.all(np.diff(drive.timestamps_us) > 0)
            assert drive.roads.drivable
            assert len(set(drive.agents.ids)) == agents
