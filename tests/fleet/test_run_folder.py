import json
from pathlib import Path

import pytest

from fleet.errors import CannotWrite, FolderInUse, FolderNotEmpty, ForeignCheckpoint, NotARun, NothingToResume
from fleet.plan import RunPlan
from fleet.simulation.run_folder import RunFolder, interrupted, next_free, write_whole

PLAN = RunPlan(name="city", world="rainy_city")


def test_a_new_run_is_visibly_incomplete(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", PLAN, {"run": "run"})
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["complete"] is False
    assert manifest["digest"] is None


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderNotEmpty, match="--resume"):
        RunFolder.create(tmp_path, PLAN, {})


def test_a_file_in_the_way_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(CannotWrite, match="run"):
        RunFolder.create(tmp_path / "run", PLAN, {})


def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    with pytest.raises(CannotWrite, match="what was done until now is kept"):
        write_whole(Path("/proc/nothing/here"), b"x")


def test_the_log_gives_back_what_was_appended(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", PLAN, {})
    folder.append_log({"barrier_us": 1})
    folder.append_log({"barrier_us": 2})
    assert folder.log() == [{"barrier_us": 1}, {"barrier_us": 2}]


def test_a_line_that_a_crash_cut_short_is_dropped(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", PLAN, {})
    folder.append_log({"barrier_us": 1})
    with (folder.path / "log.jsonl").open("a") as log:
        log.write('{"barrier_us": 2, "deliv')
    assert folder.log() == [{"barrier_us": 1}]
    folder.append_log({"barrier_us": 2})
    assert [entry["barrier_us"] for entry in folder.log()] == [1, 2]


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", PLAN, {})
    with folder.held(), pytest.raises(FolderInUse, match="another process"), RunFolder(folder.path).held():
        pass
    with folder.held():
        pass


def test_a_folder_without_a_manifest_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match=r"manifest\.json"):
        _ = RunFolder(tmp_path).manifest


def test_run_folders_are_numbered(tmp_path: Path) -> None:
    assert next_free(tmp_path, PLAN).name == "city-7-1"
    (tmp_path / "city-7-1").mkdir()
    assert next_free(tmp_path, PLAN).name == "city-7-2"


def test_the_newest_interrupted_run_is_found(tmp_path: Path) -> None:
    done = RunFolder.create(tmp_path / "city-7-1", PLAN, {})
    RunFolder.create(tmp_path / "city-7-2", PLAN, {})
    assert interrupted(tmp_path, PLAN).name == "city-7-2"
    done.finish({**done.manifest, "complete": True})
    RunFolder(tmp_path / "city-7-2").finish({"complete": True})
    with pytest.raises(NothingToResume, match="city"):
        interrupted(tmp_path, PLAN)


def test_resuming_with_another_plan_names_the_field(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", PLAN, {})
    with pytest.raises(ForeignCheckpoint, match="cars = 100, not 5"):
        folder.refuse_other_plan(PLAN.model_copy(update={"cars": 5}))
