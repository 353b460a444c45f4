import json
from pathlib import Path
from typing import Any

import pytest
import typer
from synthetic_run import FIRES, clip_id, write_run
from typer.testing import CliRunner, Result

from fleet.cli import look
from fleet.errors import FleetError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "evening")


def outrider(*words: object) -> Result:
    app = typer.Typer(rich_markup_mode="rich")
    look.register(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: object) -> dict[str, Any]:
    """The one JSON object on standard output."""
    done = outrider(*words, "--json")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def complaint(*words: object) -> str:
    done = outrider(*words)
    assert isinstance(done.exception, FleetError)
    return str(done.exception)


@pytest.mark.parametrize("command", look.EXAMPLES)
def test_every_command_helps_with_examples(command: str) -> None:
    done = outrider(command, "--help")
    assert done.exit_code == 0
    assert "Examples" in done.stdout
    assert f"outrider {command} runs/" in done.stdout


def test_report_writes_a_page_and_says_where(folder: Path) -> None:
    found = answer("report", folder)
    assert Path(found["report"]).stat().st_size == found["bytes"]


def test_tables_tells_columns_and_counts(folder: Path) -> None:
    tables = answer("tables", folder)["tables"]
    assert tables["fires"]["rows"] == len(FIRES)
    assert {"name": "car", "type": "int64", "unit": "", "says": "The car, counted from 0."} in tables["fires"][
        "columns"
    ]
    assert "One row per verdict" in outrider("tables", folder).stdout
    assert "t_us" in outrider("tables", folder, "fires").stdout


def test_sql_answers_in_rows(folder: Path) -> None:
    query = "SELECT trigger, count(*) AS fires FROM fires GROUP BY 1 ORDER BY 1"
    found = answer("sql", folder, query)
    assert (found["columns"], found["rows"]) == (
        ["trigger", "fires"],
        [["caution_light", 20], ["stop_sign_unsure", 10]],
    )
    assert "caution_light" in outrider("sql", folder, query).stdout


def test_sql_puts_everything_into_json(folder: Path) -> None:
    query = "SELECT 'nan'::DOUBLE, 1.5::DECIMAL(3, 1), DATE '2026-01-02', [1, NULL], {'a': 1}, 'x'::BLOB"
    assert answer("sql", folder, query)["rows"] == [[None, 1.5, "2026-01-02", [1, None], {"a": 1}, "78"]]


def test_sql_says_when_there_is_more(folder: Path) -> None:
    assert answer("sql", folder, "FROM reasons", "--limit", 3)["more"]
    assert not answer("sql", folder, "FROM fires", "--limit", 0)["more"]
    assert "there are more than 3 rows" in outrider("sql", folder, "FROM reasons", "--limit", 3).stdout


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("FROM fire", "unknown table 'fire'; did you mean 'fires'?"),
        ("SELECT trigge FROM fires", "unknown column 'trigge'; did you mean 'trigger'?"),
        ('SELECT "Vehicle.Sped" FROM signals', "unknown column 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?"),
        ("SELEC 1", "the query was refused: Parser Error"),
    ],
)
def test_a_wrong_query_is_answered_on_one_screen(folder: Path, query: str, said: str) -> None:
    found = complaint("sql", folder, query)
    assert found.startswith(said)
    assert len(found.splitlines()) <= 12


def test_clips_lists_the_best_first(folder: Path) -> None:
    clips = answer("clips", folder)["clips"]
    assert len(clips) == len(FIRES)
    assert [clip["score"] for clip in clips] == sorted((clip["score"] for clip in clips), reverse=True)


def test_clips_can_be_narrowed_by_trigger_and_slice(folder: Path) -> None:
    found = answer("clips", folder, "--trigger", "caution_light", "--slice", "heavy rain", "--limit", 2)
    assert {clip["trigger"] for clip in found["clips"]} == {"caution_light"}
    assert all("heavy rain" in clip["slices"] for clip in found["clips"])
    assert found["more"]
    assert clip_id(*FIRES[0]) in outrider("clips", folder).stdout


def test_unknown_names_come_with_the_nearest(folder: Path) -> None:
    assert "did you mean 'caution_light'?" in complaint("clips", folder, "--trigger", "caution_lihgt")
    assert "did you mean 'dry night'?" in complaint("clips", folder, "--slice", "dry nigth")
    assert "did you mean 'shadow'?" in complaint("tables", folder, "shadows")
    assert f"did you mean '{clip_id(*FIRES[0])}'?" in complaint("clip", folder, clip_id(*FIRES[0]) + "s")


def test_clip_writes_its_pictures(folder: Path, tmp_path: Path) -> None:
    name, image = clip_id(*FIRES[0]), tmp_path / "new" / "clip.png"
    found = answer("clip", folder, name[:9], "--png", image)
    assert (found["clip"], found["png"]) == (name, str(image))
    assert image.read_bytes().startswith(b"\x89PNG")
    assert "18 pictures" in outrider("clip", folder, name).stdout


def test_shadow_compares_by_task_and_slice(folder: Path) -> None:
    rows = {(row["task"], row["slice"]): row for row in answer("shadow", folder)["shadow"]}
    assert rows["lane", "dry night"]["mean"] > rows["lane", "everywhere"]["mean"] > rows["lane", "dry day"]["mean"]
    assert "hydranet-v2-cand" in outrider("shadow", folder).stdout


def test_shadow_of_a_run_without_candidates_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "young", rows=False)
    assert answer("shadow", folder)["shadow"] == []
    assert "no candidate rode along" in outrider("shadow", folder).stdout


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    assert "is not a run folder" in complaint("tables", tmp_path / "nowhere")
