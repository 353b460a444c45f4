"""What is promised: cars look, fire and upload, a server keeps, and how the work is cut up changes nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures import plain_painting, small_plan

from fleet.report import write_report
from fleet.simulation.run import Summary, replay, start
from telemetry import open_run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def _plain_painting() -> Iterator[None]:
    with plain_painting():
        yield


@pytest.fixture(scope="module")
def story(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """Fourteen cars, eight seconds of a rainy evening, one trigger, one server."""
    return start(small_plan(small), tmp_path_factory.mktemp("story") / "run")


def answers(run: str | Path, query: str) -> list[tuple[object, ...]]:
    with open_run(run) as db:
        return db.sql(query).fetchall()


def test_cars_on_the_road_look_and_every_verdict_has_a_reason(story: Summary) -> None:
    assert answers(story.run, "SELECT sum(count) FROM reasons") == [(story.car_ticks,)]
    assert answers(story.run, "SELECT sum(count) FROM reasons WHERE reason = 'FIRED'") == [(story.fires,)]


def test_every_clip_began_with_a_fire_and_took_its_time(story: Summary) -> None:
    told = answers(
        story.run,
        "SELECT count(*) FROM clips c JOIN fires f ON f.clip = c.clip AND f.car = c.car AND f.t_us = c.t_us"
        " JOIN uploads u ON u.clip = c.clip AND u.status = 'delivered' AND u.bytes = c.bytes"
        " AND u.finished_us > u.started_us AND u.started_us >= u.t_us AND u.t_us >= f.t_us",
    )
    assert told == [(story.clips_kept,)]
    assert story.clips_kept > 5


def test_every_clip_lies_in_its_file(story: Summary) -> None:
    files = [Path(story.run) / str(file) for (file,) in answers(story.run, "SELECT file FROM clips")]
    assert all(file.stat().st_size > 1000 for file in files)


def test_a_shadow_is_compared_and_never_drives(story: Summary) -> None:
    (candidates,) = answers(story.run, "SELECT count(DISTINCT candidate), sum(ticks) > 0 FROM shadow")
    assert candidates == (1, True)


def test_the_truth_is_told_to_the_examiner_alone(story: Summary) -> None:
    kinds = {kind for (kind,) in answers(story.run, "SELECT DISTINCT kind FROM truth")}
    assert "conditions" in kinds
    columns = {name for name, *_ in answers(story.run, "DESCRIBE signals")}
    assert columns.isdisjoint({"kind", "encounter", "rain", "fog", "night"})


def test_a_report_is_written(story: Summary) -> None:
    assert "<html" in write_report(Path(story.run)).read_text()[:200]


def test_the_outcome_does_not_depend_on_how_the_work_is_cut_up(story: Summary, small: Path, tmp_path: Path) -> None:
    other = start(small_plan(small, "cohort_cars=5", "shards=2"), tmp_path / "run")
    assert (other.digest, other.fires, other.car_ticks) == (story.digest, story.fires, story.car_ticks)


def test_the_outcome_is_repeated_without_a_server(story: Summary) -> None:
    assert replay(Path(story.run)).digest == story.digest


def test_the_first_example_runs() -> None:
    example = ROOT / "examples" / "hello_fleet.py"
    said = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "100 cars" in said.stdout
