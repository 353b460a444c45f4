"""Recorded clips and what was said of them give the same exam as a world: the trigger runs over them as in a car."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from little_clips import RIG, RULE, clip_of
from typer.testing import CliRunner

from fleet.cli.main import build
from fleet.errors import BadScores
from fleet.exam.own_clips import ClipOrder, examine_clips, read_labels
from telemetry import Loopback


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips that become quick, that always were, that stay slow, and one without signals."""
    root = tmp_path_factory.mktemp("clips")
    (root / "rule.yaml").write_text(RULE)
    speeds: dict[str, list[float | None]] = {"quicker": [40, 45, 60], "slow": [20, 30, 40], "quick": [70, 70, 70]}
    for name, each in {**speeds, "blind": [None, None, None]}.items():
        clip_of(name, each).write(root / f"{name}.mcap")
    (root / "said.csv").write_text("clip,label,drive\nquicker,yes,a\nslow,no,a\nquick,yes,b\nblind,yes,b\n")
    return root


def order(root: Path, **changes: Any) -> ClipOrder:
    return replace(ClipOrder(str(root / "rule.yaml"), root, root / "said.csv"), **changes)


def test_a_trigger_fires_at_recorded_clips_as_it_would_have_in_the_car(folder: Path) -> None:
    found = examine_clips(order(folder))
    fired = dict(zip(found.own.names.tolist(), found.own.sample.right.tolist(), strict=True))
    assert fired == {"quicker": True, "quick": True, "slow": False, "blind": False}
    assert found.figures.recall.estimate == pytest.approx(2 / 3)
    assert found.own.sample.wrong.sum() == 0


def test_where_no_signals_were_recorded_it_says_so(folder: Path) -> None:
    (remark,) = examine_clips(order(folder)).remarks
    assert "1 of 4 clips" in remark
    assert "/telemetry" in remark


def test_the_page_shows_clips_and_the_exit_code_is_the_verdicts(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "exam.html"
    arguments = [
        "trigger", "exam", str(folder / "rule.yaml"), "--clips", str(folder), "--labels", str(folder / "said.csv"),
        "--slice-by", "drive", "--require", "recall<=0.01", "--json", "--out", str(page),
    ]  # fmt: skip
    done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"]) == (3, "inconclusive")
    assert found["clusters"] == 2
    text = page.read_text()
    assert text.count("data:image/jpeg") >= 4
    assert "http" not in text


def test_labels_of_a_run_are_those_of_most_who_said_something(tmp_path: Path) -> None:
    wire = Loopback(tmp_path, run="r", sender="test")
    said = [("a", "yes", 1.0), ("a", "no", 0.4), ("b", "no", 1.0)]
    columns = {"clip": [each[0] for each in said], "label": [each[1] for each in said]}
    wire.send_rows("labels", "only", {
        "run": ["r"] * 3, "car": np.zeros(3, np.uint32), "t_us": np.zeros(3, np.int64), **columns,
        "task": ["t"] * 3, "labeller": ["x", "y", "x"], "confidence": [each[2] for each in said],
    })  # fmt: skip
    wire.drain()
    wire.flush()
    wire.close()
    assert read_labels(tmp_path).equals(pa.table({"clip": ["a", "b"], "label": [True, False]}))


def test_clips_that_cannot_be_used_are_refused(folder: Path, tmp_path: Path) -> None:
    clip_of("half", [1.0], RIG.names[:3]).write(tmp_path / "half.mcap")
    (tmp_path / "said.csv").write_text("clip,label\nhalf,yes\n")
    half = order(folder, folder=tmp_path, labels=tmp_path / "said.csv")
    for changed, says in (
        (half, "only main, narrow, wide"),
        (order(folder, folder=tmp_path), "4 clips are not below"),
        (order(folder, folder=tmp_path / "nowhere"), "no such folder"),
        (order(folder, labels=tmp_path / "nowhere.csv"), "no such file"),
    ):
        with pytest.raises(BadScores, match=says):
            examine_clips(changed)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--clips", "a"], "--labels"),
        (["--labels", "a"], "--clips"),
        (["--clips", "a", "--labels", "b", "--scores", "c"], "not both"),
        (["--slice-by", "road"], "a world has its own"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: list[str], says: str) -> None:
    done = CliRunner().invoke(build(), ["trigger", "exam", "some", *given])
    assert done.exit_code == 2
    assert says in done.output
