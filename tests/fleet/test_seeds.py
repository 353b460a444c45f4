"""What a probe learns from: labels that people wrote, layers by name, and the chart of what came out."""

from pathlib import Path

import pytest

from fleet.engine.curves import Line, Point, chart
from fleet.engine.seeds import read_labels
from fleet.engine.trigger_training import columns_of
from fleet.errors import BadLabels, UnknownLayer
from scenarios import open_world
from vehicle import load_network


def test_labels_are_read_in_any_plain_spelling(tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_text("clip,label\na,yes\nb,0\nc,True\n")
    assert read_labels(file) == {"a": True, "b": False, "c": True}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("clip,label\na,maybe\n", "line 2"), ("clip,said\na,yes\n", "line 2"), ("clip,label\n", "no clip")],
)
def test_labels_that_say_nothing_are_refused_with_their_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "said.csv"
    file.write_text(text)
    with pytest.raises(BadLabels, match=problem):
        read_labels(file)


def test_a_layer_is_the_whole_trunk_or_one_cameras_part_of_it() -> None:
    network, rig = load_network("hydranet-v1"), open_world("sunny_city", seed=1, cars=1).rig
    assert columns_of("trunk", rig, network) is None
    assert columns_of("trunk.narrow", rig, network) == range(128, 256)
    with pytest.raises(UnknownLayer, match=r"no layer 'trunk.man'; did you mean 'trunk.main'"):
        columns_of("trunk.man", rig, network)


def test_a_chart_has_every_mark_its_interval_and_its_name() -> None:
    lines = (
        Line("recall", (Point(10, 0.2, 0.1, 0.4), Point(100, 0.8, 0.7, 0.9))),
        Line("precision", (Point(10, 0.5),)),
    )
    text = chart(lines, across="encounters", up="share", doubling=True)
    assert text.count("<circle") == 3
    assert text.count("<line") == 2
    assert ">recall<" in text
    assert text.startswith("<svg")
