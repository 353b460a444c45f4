from pathlib import Path

import numpy as np
import pytest
from little_drives import write_commonroad

from scenarios.errors import CorruptDrive
from scenarios.recorded import open_drives
from scenarios.recorded.commonroad import read_scenario

BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><commonRoad>&b;</commonRoad>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/hostname"><commonRoad/>'


@pytest.mark.parametrize("version", ["2018b", "2020a"])
def test_the_car_that_is_there_longest_becomes_the_ego(tmp_path: Path, version: str) -> None:
    drive = read_scenario(write_commonroad(tmp_path / "a.xml", version=version))
    assert drive.agents.ids == ("7", "9")
    assert len(drive.x_m) == 23
    assert drive.speed_mps == pytest.approx(5.0)
    assert drive.agents.x_m[0, 0] == pytest.approx(0.0)
    assert drive.agents.y_m[0].tolist() == pytest.approx([4.0, -4.0])
    assert drive.agents.valid.sum(0).tolist() == [8, 23]  # the fixed one stands there always


def test_lines_are_as_marked_or_as_neighbours_suggest(tmp_path: Path) -> None:
    marked = read_scenario(write_commonroad(tmp_path / "a.xml"))
    unmarked = read_scenario(write_commonroad(tmp_path / "b.xml", version="2018b"))
    assert [line.style for line in marked.roads.lines] == ["dashed", "dashed"]
    assert [line.style for line in unmarked.roads.lines] == ["solid", "solid"]


def test_a_place_is_told_or_a_stated_default(tmp_path: Path) -> None:
    told = read_scenario(write_commonroad(tmp_path / "a.xml"))
    untold = read_scenario(write_commonroad(tmp_path / "b.xml", version="2018b"))
    assert (told.georeferenced, round(told.latitude, 3)) == (True, 34.1)
    assert (untold.georeferenced, untold.latitude) == (False, 48.1372)


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<commonRoad>", "", "<road/>", "<commonRoad/>", "plain text"])
def test_hostile_broken_and_foreign_xml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.xml"
    file.write_text(text)
    with pytest.raises(CorruptDrive, match=r"odd\.xml: .+; expected a CommonRoad scenario"):
        read_scenario(file)


def test_no_truncation_gets_past_the_reader(tmp_path: Path) -> None:
    good = write_commonroad(tmp_path / "good.xml").read_bytes()
    file = tmp_path / "bad.xml"
    for length in range(0, len(good) - 1, 301):
        file.write_bytes(good[:length])
        with pytest.raises(CorruptDrive):
            read_scenario(file)


def test_a_state_with_rubbish_is_refused(tmp_path: Path) -> None:
    file = write_commonroad(tmp_path / "a.xml")
    file.write_text(file.read_text().replace("<x>4.5</x>", "<x>nan</x>"))
    with pytest.raises(CorruptDrive, match="not finite"):
        read_scenario(file)


def test_real_traffic_drives_on_the_road(commonroad_logs: Path) -> None:
    from scenarios.recorded import rasterise

    drives = open_drives(commonroad_logs)
    assert {drive.source for drive in drives} == {"commonroad"}
    for drive in drives:
        ground, agents = rasterise(drive), drive.agents
        classes = ground.at(agents.x_m, agents.y_m)[agents.valid]
        assert np.isin(classes, (1, 2, 3)).mean() > 0.95
        assert np.abs(drive.acceleration_mps2).max() < 6
