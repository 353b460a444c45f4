import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from suite_parts import TINY, copied, grow_slice, grown_suite, write_suite
from synthetic_run import FIRES, clip_id, write_run

from fleet.engine.suites import growing
from fleet.engine.suites.cases import Case, read_cases
from fleet.engine.suites.drafting import draft
from fleet.engine.suites.finding import quest, said_by_labeller
from fleet.engine.suites.growing import ClipOrder, grow_by_clip, opened
from fleet.engine.suites.showing import look
from fleet.engine.suites.spec import load_suite
from fleet.errors import BadSuite, CaseRefused, SuiteExists, TooRare, UnknownInSuite
from scenarios import Draws

NOTHING = """\
task: stop_sign
slices:
  - {name: something, must: recall >= 0.5, cases: 9}
  - {name: nothing, must: false_alarms <= 0.5, cases: 9}
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grown_suite(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "evening")


def from_clip(suite: Path, run: Path, fire: int, *, slice_: str | None = None, error_rate: float = 0.0) -> Case:
    order = ClipOrder(run, clip_id(*FIRES[fire]), slice_, error_rate, "2026-01-01T00:00:00Z")
    return grow_by_clip(load_suite(str(suite)), order)


def test_each_case_is_another_car_and_shows_what_was_asked_for(suite: Path) -> None:
    loaded = load_suite(str(suite))
    cases = read_cases(loaded.cases_file)
    assert len({case.recipe.car for case in cases if case.slice == "near"}) == 6
    for case in cases:
        world = opened(case.recipe)
        wanted = quest(loaded, case.slice, [camera.name for camera in world.rig.cameras])
        yes, no = said_by_labeller(wanted, world.truth([case.recipe.car], [case.recipe.tick]))
        assert (yes if case.expected else no)[0, 0]
        assert case.facts["pixels"] >= 20


def test_conditions_hold_in_every_case(suite: Path) -> None:
    cases = [case for case in read_cases(load_suite(str(suite)).cases_file) if case.slice == "near"]
    assert {case.facts["kind"] for case in cases} == {"stop_sign"}
    assert max(case.facts["distance_m"] for case in cases) < 30


def test_growing_again_adds_others(suite: Path, tmp_path: Path) -> None:
    again = copied(suite, tmp_path)
    before = [case for case in read_cases(load_suite(str(again)).cases_file) if case.slice == "near"]
    added = grow_slice(again, "near", n=2)
    assert {case.recipe.seed for case in added}.isdisjoint({case.recipe.seed for case in before})
    same = grow_slice(again, "near", n=2, seed=before[0].recipe.seed)
    assert {case.recipe.car for case in same}.isdisjoint({case.recipe.car for case in before})


def test_growing_repeats_from_its_seed(suite: Path, tmp_path: Path) -> None:
    grow_slice(write_suite(tmp_path), "near", n=3)
    first = load_suite(str(tmp_path / "tiny.yaml")).cases_file.read_text().splitlines()
    assert first == load_suite(str(suite)).cases_file.read_text().splitlines()[:3]


def test_a_stored_frame_comes_out_bit_by_bit_in_another_process(suite: Path) -> None:
    code = (
        "import sys; from fleet.engine.suites.showing import look; from fleet.engine.suites.spec import load_suite; "
        "print([look(load_suite(sys.argv[1]), number, None)[1] for number in (3, 8)])"
    )
    done = subprocess.run([sys.executable, "-c", code, suite], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True, True]"


def test_a_case_can_be_looked_at(suite: Path, tmp_path: Path) -> None:
    case, same = look(load_suite(str(suite)), 1, tmp_path / "case.png")
    assert (case.slice, same) == ("near", True)
    assert (tmp_path / "case.png").read_bytes().startswith(b"\x89PNG")


def test_a_case_that_is_not_there_is_refused(suite: Path) -> None:
    with pytest.raises(UnknownInSuite, match="has no case '99'; known: 1 to 12"):
        look(load_suite(str(suite)), 99, None)


def test_what_is_too_rare_is_said_to_be_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "PATIENCE", 2000)
    file = write_suite(tmp_path, TINY.replace("min_pixels: 20", "min_pixels: 900", 1))
    with pytest.raises(TooRare, match="of 500 cases") as error:
        grow_slice(file, "near", n=500)
    assert len(read_cases(load_suite(str(file)).cases_file)) == error.value.found < 500


def test_a_clip_becomes_a_case_with_its_origin(run: Path, tmp_path: Path) -> None:
    case = from_clip(write_suite(tmp_path, NOTHING), run, 0)
    assert (case.slice, case.expected, case.recipe.seed) == ("nothing", False, 7)
    assert case.source == {
        "kind": "clip", "clip": clip_id(*FIRES[0]), "trigger": FIRES[0][2], "run": "evening", "error_rate": 0.0
    }  # fmt: skip


def test_a_clip_that_shows_something_else_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(CaseRefused, match="slice 'something' does not ask for what the labeller sees"):
        from_clip(write_suite(tmp_path, NOTHING), run, 0, slice_="something")


def test_a_clip_is_taken_once(run: Path, tmp_path: Path) -> None:
    file = write_suite(tmp_path, NOTHING)
    from_clip(file, run, 0)
    with pytest.raises(CaseRefused, match="slice 'nothing' has one of this encounter"):
        from_clip(file, run, 0)


def test_a_labeller_who_errs_is_believed(run: Path, tmp_path: Path) -> None:
    cars, ticks = (np.array([fire[i] for fire in FIRES]) for i in (0, 1))
    errs = Draws(7).uniform("labeller errs", cars.astype(np.uint32), ticks // 100_000) < 0.5
    fire = int(np.flatnonzero(errs)[0])
    case = from_clip(write_suite(tmp_path, NOTHING), run, fire, error_rate=0.5)
    assert (case.slice, case.expected, case.source["error_rate"]) == ("something", True, 0.5)


def test_a_suite_follows_from_a_task(tmp_path: Path) -> None:
    suite = load_suite(str(draft("stop_sign", tmp_path / "mine.yaml")))
    assert {"dry day", "night", "heavy rain", "fog", "no entry"} <= set(suite.slices)
    assert suite.slice("no entry").must.startswith("false_alarms")
    assert suite.slice("dry day").options["encounters_per_km"]["stop_sign"] > 0


def test_a_suite_follows_from_a_task_that_only_a_file_describes(tmp_path: Path) -> None:
    file = tmp_path / "tasks" / "hydrant.yaml"
    file.parent.mkdir()
    file.write_text("{name: hydrant, family: landmark, says: Is there a hydrant?, classes: [hydrant], min_pixels: 9}")
    suite = draft(str(file), tmp_path / "suites" / "mine.yaml")
    assert {case.expected for case in grow_slice(suite, "nothing there", n=2)} == {False}


def test_a_draft_replaces_nothing(tmp_path: Path) -> None:
    draft("stop_sign", tmp_path / "mine.yaml")
    with pytest.raises(SuiteExists):
        draft("stop_sign", tmp_path / "mine.yaml")


def test_no_suite_follows_from_what_is_no_question_of_yes_or_no(tmp_path: Path) -> None:
    with pytest.raises(BadSuite, match="quantities"):
        draft("lane", tmp_path / "mine.yaml")
    with pytest.raises(UnknownInSuite, match="did you mean 'stop_sign'"):
        draft("stop_sgn", tmp_path / "mine.yaml")
