"""A user's own labelled frames give the same figures, however often a frame is repeated."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fleet.cli.main import build
from fleet.errors import BadScores
from fleet.exam.own_exam import ScoreOrder, examine_scores
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
    once = examine_scores(ScoreOrder(save(tmp_path / "once.parquet"), threshold=0.5))
    often = examine_scores(ScoreOrder(save(tmp_path / "often.parquet", repeat=20), threshold=0.5))
    assert once.figures == often.figures
    assert often.own.frames == 20 * once.own.frames


def test_weights_bring_base_rates_in(tmp_path: Path) -> None:
    plain = examine_scores(ScoreOrder(save(tmp_path / "a.parquet", weight=None), threshold=0.5)).figures
    weighted = examine_scores(ScoreOrder(save(tmp_path / "b.parquet"), threshold=0.5)).figures
    assert weighted.precision.estimate < plain.precision.estimate
    assert weighted.recall.estimate == pytest.approx(plain.recall.estimate)


def test_the_command_judges_them(tmp_path: Path) -> None:
    file = save(tmp_path / "frames.parquet")
    arguments = [
        "trigger",
        "exam",
        "theirs",
        "--scores",
        str(file),
        "--require",
        "precision>=0.99",
        "--json",
        "--out",
        str(tmp_path / "p.html"),
    ]
    done = CliRunner().invoke(build(), arguments)
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"]) == (1, "fail")
    assert found["trigger"] == "theirs"
    assert found["encounters"] == 300


def test_what_a_clip_weighs_is_not_in_scores(tmp_path: Path) -> None:
    found = examine_scores(ScoreOrder(save(tmp_path / "f.parquet"), threshold=0.5, require="upload_mb_per_car_day<=4"))
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"label": None}, r"no column label \(expected encounter, label"),
        ({"score": None}, "no column score"),
        ({"weight": np.zeros(300)}, "weight: expected numbers above 0"),
        ({"encounter": ["same"] * 300}, "frames of one encounter have more than one weight"),
    ],
)
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScores, match=says):
        examine_scores(ScoreOrder(save(tmp_path / "bad.parquet", **changes), threshold=0.5))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(BadScores, match="not a Parquet file"):
        examine_scores(ScoreOrder(tmp_path / "text.parquet", threshold=0.5))


def test_thin_data_is_inconclusive(tmp_path: Path) -> None:
    found = examine_scores(ScoreOrder(save(tmp_path / "few.parquet"), threshold=0.995, require="precision>=0.5"))
    assert found.figures.thin
    assert isinstance(found.verdicts[0], estimate.Verdict)
    assert found.verdict == "inconclusive"


def test_slices_are_made_by_any_column_and_can_be_required(tmp_path: Path) -> None:
    n = np.arange(300)
    file = save(tmp_path / "f.parquet", road=np.where(n % 3 == 0, "motorway", "urban"), speed=n * 0.5, wet=n % 2 == 0)
    found = examine_scores(
        ScoreOrder(
            file,
            threshold=0.5,
            slice_by=("road", "speed", "wet"),
            require="recall[road=urban]>=0.5, recall[wet]>=0.999",
        )
    )
    names = {each.name for each in found.slices}
    assert {"road=motorway", "road=urban", "wet"} < names
    assert sum(name.startswith("speed=") for name in names) == 4
    assert [each.outcome for each in found.verdicts] == ["pass", "fail"]
    with pytest.raises(BadScores, match="no column 'raod' to slice by; did you mean 'road'"):
        examine_scores(ScoreOrder(file, threshold=0.5, slice_by=("raod",)))


def test_csv_says_the_same_as_parquet(tmp_path: Path) -> None:
    parquet = save(tmp_path / "f.parquet", encounter=np.arange(300))
    pyarrow.csv.write_csv(pq.read_table(parquet), tmp_path / "f.csv")
    found = [examine_scores(ScoreOrder(file, threshold=0.5)).figures for file in (parquet, tmp_path / "f.csv")]
    assert found[0] == found[1]


def test_megabytes_are_fires_times_what_a_clip_weighs(tmp_path: Path) -> None:
    file = save(tmp_path / "f.parquet", mb=np.full(300, 0.5))
    found = examine_scores(ScoreOrder(file, threshold=0.5, require="upload_mb_per_car_day<=1000"))
    assert found.mb_per_car_day == found.figures.fires.times(0.5)
    assert found.verdict == "pass"
    bare = examine_scores(
        ScoreOrder(save(tmp_path / "g.parquet", weight=None), threshold=0.5, require="fires_per_car_day<=1000")
    )
    assert "column weight" in bare.verdicts[0].why


def test_what_a_clip_weighs_is_counted_as_often_as_it_is_met(tmp_path: Path) -> None:
    """Light clips of what is common and heavy ones of what is rare, of which there are twenty frames each."""
    label = np.arange(300) < 100
    heavy = {"label": label, "weight": np.where(label, 0.01, 0.05), "mb": np.where(label, 3.0, 0.3), "stratum": None}
    file = save(tmp_path / "f.parquet", score=np.ones(300), **heavy)
    table = pq.read_table(file)
    often = pa.array(np.repeat(np.arange(300), np.where(label, 20, 1)))
    for each in (table, table.take(often)):
        pq.write_table(each, file)
        found = examine_scores(ScoreOrder(file)).mb_per_car_day
        assert found is not None
        assert found.estimate == pytest.approx(100 * 0.01 * 3.0 + 200 * 0.05 * 0.3)


def test_encounters_of_one_drive_are_not_taken_for_independent(tmp_path: Path) -> None:
    """Whether an encounter is caught hangs on the drive alone, so thirty drives say as much as thirty encounters."""
    drive = np.arange(300) // 10
    label = np.ones(300, np.bool_)
    score = Draws(3).uniform("drive", drive)
    files = [
        save(tmp_path / f"{name}.parquet", label=label, score=score, weight=None, stratum=None, drive=held)
        for name, held in (("plain", None), ("drives", drive))
    ]
    plain, drives = (examine_scores(ScoreOrder(file, threshold=0.5)).figures.recall for file in files)
    assert drives.estimate == plain.estimate
    assert drives.half_width == pytest.approx(estimate.wilson(30 * plain.estimate, 30).half_width, rel=0.15)
    assert drives.half_width > 2.5 * plain.half_width


def test_few_drives_say_little_of_others(tmp_path: Path) -> None:
    found = examine_scores(
        ScoreOrder(save(tmp_path / "f.parquet", car=np.arange(300) % 4), threshold=0.5, require="recall>=0.01")
    )
    assert found.verdict == "inconclusive"
    assert "fewer than ten drives" in found.verdicts[0].why


def test_the_page_has_verdict_evidence_and_method_in_this_order(tmp_path: Path) -> None:
    file, page = save(tmp_path / "f.parquet", road=["a", "b"] * 150), tmp_path / "p.html"
    arguments = ["trigger", "exam", "theirs", "--scores", str(file), "--slice-by", "road", "--out", str(page)]
    assert CliRunner().invoke(build(), arguments).exit_code == 0
    text = page.read_text()
    places = [text.index(each) for each in ("The figures can be believed", 'id="slices"', 'id="scores"', 'id="method"')]
    assert places == sorted(places)
    assert "road=a" in text
