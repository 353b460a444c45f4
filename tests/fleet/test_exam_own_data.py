"""A user's own labelled frames give the same figures, however often a frame is repeated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fleet.cli.main import build
from fleet.errors import BadScores
from fleet.exam.own_data import examine_scores
from scenarios import Draws
from triggers import estimate


def save(file: Path, repeat: int = 1, **changes: Any) -> Path:
    draws, n = Draws(2), np.arange(300)
    label = draws.uniform("label", n) < 0.5
    columns: dict[str, Any] = {
        "encounter": [f"drive-{i}" for i in n], "label": label,
        "score": draws.uniform("score", n) * 0.6 + 0.4 * label, "weight": np.where(label, 0.01, 0.05), "stratum": label,
    } | changes  # fmt: skip
    table = {name: np.repeat(np.asarray(values), repeat) for name, values in columns.items() if values is not None}
    pq.write_table(pa.table(table), file)
    return file


def test_frames_of_an_encounter_count_once(tmp_path: Path) -> None:
    once = examine_scores(save(tmp_path / "once.parquet"), threshold=0.5)
    often = examine_scores(save(tmp_path / "often.parquet", repeat=20), threshold=0.5)
    assert once.figures == often.figures
    assert often.frames == 20 * once.frames


def test_weights_bring_base_rates_in(tmp_path: Path) -> None:
    plain = examine_scores(save(tmp_path / "a.parquet", weight=None), threshold=0.5).figures
    weighted = examine_scores(save(tmp_path / "b.parquet"), threshold=0.5).figures
    assert weighted.precision.estimate < plain.precision.estimate
    assert weighted.recall.estimate == pytest.approx(plain.recall.estimate)


def test_the_command_judges_them(tmp_path: Path) -> None:
    file = save(tmp_path / "frames.parquet")
    arguments = ["trigger", "exam", "theirs", "--scores", str(file), "--require", "precision>=0.99", "--json"]
    done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"]) == (1, "fail")
    assert found["trigger"] == "theirs"
    assert found["encounters"] == 300


def test_what_a_clip_weighs_is_not_in_scores(tmp_path: Path) -> None:
    found = examine_scores(save(tmp_path / "f.parquet"), threshold=0.5, require="upload_mb_per_car_day<=4")
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"label": None}, "no column label; expected encounter, label"),
        ({"score": None}, "no column score"),
        ({"weight": np.zeros(300)}, "weight: expected numbers above 0"),
        ({"encounter": ["same"] * 300}, "frames of one encounter have more than one weight"),
    ],
)
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScores, match=says):
        examine_scores(save(tmp_path / "bad.parquet", **changes), threshold=0.5)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(BadScores, match="not a Parquet file"):
        examine_scores(tmp_path / "text.parquet", threshold=0.5)


def test_thin_data_is_inconclusive(tmp_path: Path) -> None:
    found = examine_scores(save(tmp_path / "few.parquet"), threshold=0.995, require="precision>=0.5")
    assert found.figures.thin
    assert isinstance(found.verdicts[0], estimate.Verdict)
    assert found.verdict == "inconclusive"
