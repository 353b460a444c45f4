import multiprocessing
import os
import signal
from pathlib import Path
from shutil import copytree

import pytest
from fixtures import Interrupts, rows_of, small_plan

from fleet.errors import ForeignCheckpoint, NothingToResume, RunDiverged, ShardDied
from fleet.simulation import run as runs
from fleet.simulation.crew import Progress
from fleet.simulation.run_folder import RunFolder
from fleet.simulation.server import EmbeddedServer
from telemetry import Gateway, open_run

TABLES = ("fires", "clips", "uploads", "reasons", "signals", "vehicles", "shadow", "truth")


@pytest.fixture(scope="module")
def first(small: Path, tmp_path_factory: pytest.TempPathFactory) -> runs.Summary:
    """The run that all others are compared with: one cohort, one shard."""
    return runs.start(small_plan(small), tmp_path_factory.mktemp("first") / "run")


def test_something_happens(first: runs.Summary) -> None:
    found = rows_of(Path(first.run), TABLES)
    assert first.fires > first.clips_kept > 5
    assert all(found.values())


@pytest.mark.parametrize("cohort_cars", [4, 2], ids=["4 cohorts", "7 cohorts"])
def test_the_digest_does_not_depend_on_cohorts(
    first: runs.Summary, small: Path, tmp_path: Path, cohort_cars: int
) -> None:
    again = runs.start(small_plan(small, f"cohort_cars={cohort_cars}"), tmp_path / "run")
    assert again.digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_the_digest_does_not_depend_on_shards(first: runs.Summary, small: Path, tmp_path: Path) -> None:
    again = runs.start(small_plan(small, "shards=2"), tmp_path / "run")
    assert again.digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_another_seed_gives_another_digest(first: runs.Summary, small: Path, tmp_path: Path) -> None:
    assert runs.start(small_plan(small, "seed=8"), tmp_path / "run").digest != first.digest


def test_a_run_is_replayed_to_the_same_digest(first: runs.Summary) -> None:
    assert runs.replay(Path(first.run)).digest == first.digest


def test_a_replay_that_differs_names_the_first_barrier(first: runs.Summary, tmp_path: Path) -> None:
    folder = copytree(Path(first.run), tmp_path / "run")
    log = (folder / "log.jsonl").read_text().replace('"fires": ', '"fires": 1')
    (folder / "log.jsonl").write_text(log)
    with pytest.raises(RunDiverged, match="18:30:02: fires was 1"):
        runs.replay(folder)


@pytest.fixture(scope="module")
def stopped(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted after its second barrier."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(KeyboardInterrupt):
        runs.start(small_plan(small), folder, runs.Setting(watch=Interrupts(40)))
    return folder


@pytest.mark.parametrize("car_ticks", [10, 20], ids=["before a barrier", "after one"])
def test_an_interrupted_run_goes_on_to_the_same_digest(
    first: runs.Summary, small: Path, tmp_path: Path, car_ticks: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        runs.start(small_plan(small), tmp_path / "run", runs.Setting(watch=Interrupts(car_ticks)))
    assert RunFolder(tmp_path / "run").manifest["complete"] is False
    again = runs.resume(tmp_path / "run")
    assert (again.digest, again.car_ticks, again.fires) == (first.digest, first.car_ticks, first.fires)
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)


def test_a_run_that_was_copied_goes_on_elsewhere(first: runs.Summary, stopped: Path, tmp_path: Path) -> None:
    assert runs.resume(copytree(stopped, tmp_path / "run")).digest == first.digest


def test_a_complete_run_cannot_be_resumed(first: runs.Summary) -> None:
    with pytest.raises(NothingToResume, match="complete"):
        runs.resume(Path(first.run))


def test_a_missing_checkpoint_is_an_error_that_names_it(stopped: Path, tmp_path: Path) -> None:
    folder = copytree(stopped, tmp_path / "run")
    for checkpoint in (folder / "checkpoints").iterdir():
        checkpoint.unlink()
    with pytest.raises(ForeignCheckpoint, match="it is missing"):
        runs.resume(folder)


def test_a_checkpoint_of_another_plan_is_refused(stopped: Path, tmp_path: Path) -> None:
    folder = copytree(stopped, tmp_path / "run")
    plan = folder / "plan.yaml"
    plan.write_text(plan.read_text().replace("outbox_mb: 64", "outbox_mb: 65"))
    with pytest.raises(ForeignCheckpoint, match="another plan or another build"):
        runs.resume(folder)


def test_a_run_of_another_build_is_refused(stopped: Path, tmp_path: Path) -> None:
    folder = copytree(stopped, tmp_path / "run")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"numpy": "', '"numpy": "0.'))
    with pytest.raises(ForeignCheckpoint, match=r"versions was .*numpy"):
        runs.resume(folder)


class Kills:
    """SIGKILL for a server at each tick, as soon as it has come back from the last one."""

    def __init__(self, server: EmbeddedServer, times: int) -> None:
        self.server, self.left = server, times

    def __call__(self, progress: Progress) -> None:
        if self.left and not progress.waiting:
            at, key = self.server.endpoint, self.server.key
            Gateway(at, run="other", sender="test", connect_timeout_s=240, key=key).close()
            os.kill(self.server.pid, signal.SIGKILL)
            self.left -= 1


@pytest.mark.slow
def test_a_server_killed_ten_times_loses_and_doubles_nothing(small: Path, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "store") as server:
        kills, plan = Kills(server, 10), small_plan(small, "perceive_every_s=1", "duration=10s")
        summary = runs.start(plan, tmp_path / "run", runs.Setting(server=server.endpoint, key=server.key, watch=kills))
    assert kills.left == 0
    with open_run(tmp_path / "store") as db:
        kept = [clip for (clip,) in db.sql("SELECT clip FROM clips").fetchall()]
        sent = [clip for (clip,) in db.sql("SELECT clip FROM uploads WHERE status = 'delivered'").fetchall()]
    assert len(kept) == len(set(kept)) == summary.clips_kept > 0
    assert sorted(kept) == sorted(sent)
    assert summary.digest == runs.replay(tmp_path / "run").digest


def test_a_fleet_wide_quota_goes_to_those_who_fired_first(first: runs.Summary, small: Path, tmp_path: Path) -> None:
    spec = (small / "often.yaml").read_text() + "limits: {fleet_total: 5}\n"
    (tmp_path / "few.yaml").write_text(spec)
    plan = small_plan(small, f"loadout.triggers=[{tmp_path}/few.yaml]", "cohort_cars=9")
    runs.start(plan, tmp_path / "run")
    with open_run(first.run) as before, open_run(tmp_path / "run") as now:
        fired = [clip for (clip,) in before.sql("SELECT clip FROM fires ORDER BY tick, car LIMIT 5").fetchall()]
        kept = [clip for (clip,) in now.sql("SELECT clip FROM clips").fetchall()]
        ((stopped,),) = now.sql("SELECT sum(count) FROM reasons WHERE reason = 'FLEET_QUOTA'").fetchall()
    assert sorted(kept) == sorted(fired)
    assert stopped > 0


class ShardKill:
    """SIGKILL for the second shard, once the first barrier is behind it."""

    def __call__(self, progress: Progress) -> None:
        if progress.car_ticks > 10:
            for child in multiprocessing.active_children():
                if child.name == "outrider shard 1":
                    child.kill()


@pytest.mark.slow
def test_a_shard_that_dies_is_an_error_and_the_run_goes_on_to_the_same_digest(
    first: runs.Summary, small: Path, tmp_path: Path
) -> None:
    with pytest.raises(ShardDied, match="shard 1 died: killed by signal 9"):
        runs.start(small_plan(small, "shards=2"), tmp_path / "run", runs.Setting(watch=ShardKill()))
    assert runs.resume(tmp_path / "run").digest == first.digest
