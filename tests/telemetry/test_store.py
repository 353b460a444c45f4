import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from mortal import compactor_deaths
from wire_samples import RUN, a_clip, some_fires

from telemetry.clips import read_clip
from telemetry.delta import Appended
from telemetry.destination import Folder
from telemetry.errors import StorageFull
from telemetry.ledger import Ledger
from telemetry.loopback import Loopback
from telemetry.query import open_run
from telemetry.store import Compactor
from telemetry.tables import arrow_table

BATCHES, CLIPS = 36, 12


@pytest.fixture(name="store")
def a_store_with_a_full_inbox(tmp_path: Path) -> Path:
    with Loopback(tmp_path / "store", run=RUN) as gateway:
        for batch in range(BATCHES):
            gateway.send_rows("fires", f"b{batch}", some_fires(10 * batch, 10))
            if batch % 3 == 0:
                gateway.send_clip(a_clip(f"clip-{batch}"))
    return tmp_path / "store"


@contextmanager
def compacting(store: Path) -> Iterator[Compactor]:
    ledger = Ledger(store)
    try:
        yield Compactor(ledger, Folder(store))
    finally:
        ledger.close()


def assert_everything_is_there_once(store: Path) -> None:
    run = open_run(store)
    assert run.sql("SELECT car FROM fires ORDER BY car").fetchall() == [(car,) for car in range(10 * BATCHES)]
    clips = run.sql("SELECT clip, file, bytes FROM clips").fetchall()
    assert sorted(clip for clip, _, _ in clips) == sorted(f"clip-{batch}" for batch in range(0, BATCHES, 3))
    assert {read_clip(store / file).id for _, file, _ in clips} == {clip for clip, _, _ in clips}


def test_all_that_came_in_is_in_the_tables_and_no_longer_in_the_inbox(store: Path) -> None:
    with compacting(store) as compactor:
        assert compactor.drain() == BATCHES + CLIPS
        assert compactor.drain() == 0
        assert list(compactor._ledger.entries(0, 10)) == []
    assert_everything_is_there_once(store)


def test_a_step_moves_as_much_as_it_was_told(store: Path) -> None:
    with compacting(store) as compactor:
        assert [compactor.step(20) for _ in range(4)] == [20, 20, 8, 0]
    assert_everything_is_there_once(store)


def test_a_compactor_killed_again_and_again_loses_and_doubles_nothing(store: Path) -> None:
    assert compactor_deaths(store, str(store), {}, entries=2, calls=230, moment_s=0.025) > 5
    assert_everything_is_there_once(store)


def test_a_replayed_inbox_changes_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        with compacting(store) as compactor:
            monkeypatch.setattr(compactor._ledger, "prune", lambda _: None)  # as if killed just before
            assert compactor.drain() == BATCHES + CLIPS
    assert_everything_is_there_once(store)


def test_everything_is_synced_before_the_inbox_forgets_it(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = set(), os.fsync

    def recorded(fd: int) -> None:
        synced.add(Path(f"/proc/self/fd/{fd}").readlink())
        sync(fd)

    with compacting(store) as compactor:
        monkeypatch.setattr(os, "fsync", recorded)
        monkeypatch.setattr(compactor._ledger, "prune", lambda _: synced.add(store))
        compactor.step()
    kept = [path for folder in ("tables", "clips") for path in (store / folder, *(store / folder).rglob("*"))]
    drafts = {path.with_name(f".{path.name}.draft") for path in kept if path.suffix == ".mcap"}
    assert {path for path in kept if path.suffix != ".mcap"} | drafts <= synced


def test_a_file_that_somebody_else_trimmed_meanwhile_needs_no_sync(store: Path) -> None:
    """Listed, and gone when it is looked at: as a name that leads nowhere."""
    with compacting(store) as compactor:
        compactor.step(6)
        (store / "clips/gone.mcap").symlink_to("nowhere")
        (store / "tables/fires/gone.parquet").symlink_to("nowhere")
        compactor.drain()
    for gone in ("clips/gone.mcap", "tables/fires/gone.parquet"):
        (store / gone).unlink()
    assert_everything_is_there_once(store)


def test_a_table_of_many_files_is_rewritten_as_few(store: Path) -> None:
    with compacting(store) as compactor:
        while compactor.step(2):
            pass
        before = len(DeltaTable(store / "tables" / "fires").file_uris())
        compactor.drain()
    assert (before, len(DeltaTable(store / "tables" / "fires").file_uris())) == (24, 1)
    assert_everything_is_there_once(store)


def test_a_reader_that_was_there_before_a_table_was_rewritten_reads_on(store: Path) -> None:
    with compacting(store) as compactor:
        while compactor.step(2):
            pass
        before = open_run(store)
        compactor.drain()
    assert before.sql("SELECT count(*) FROM fires").fetchall() == [(10 * BATCHES,)]


def test_two_runs_may_have_clips_of_one_name(tmp_path: Path) -> None:
    for run in ("one", "two", "one"):
        with Loopback(tmp_path, run=run) as gateway:
            gateway.send_clip(a_clip("a", run=run))
            gateway.flush()
    found = open_run(tmp_path).sql("SELECT run, file FROM clips ORDER BY run").fetchall()
    assert [read_clip(tmp_path / file).run for _, file in found] == ["one", "two"]
    assert found[0][1] == "clips/a.mcap"


@pytest.mark.parametrize("name", ["../../escape", "/etc/passwd", ".hidden", "a/b", "a b", "ü" * 100, "x" * 200])
def test_a_clip_stays_in_its_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    with Loopback(tmp_path, run=RUN) as gateway:
        gateway.send_clip(a_clip(name, priority=2**63 - 1, ticks=(-1, 2**63 - 1)))
        gateway.flush()
    ((clip, file),) = open_run(tmp_path).sql("SELECT clip, file FROM clips").fetchall()
    assert (clip, (tmp_path / file).parent) == (name, tmp_path / "clips")
    assert read_clip(tmp_path / file).id == name


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """A disk that is full for larger files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_waited_out(tmp_path: Path) -> None:
    with Loopback(tmp_path, run=RUN) as gateway:
        gateway.send_clip(a_clip(picture=bytes(300_000)))
        with no_file_above(200_000), pytest.raises(StorageFull, match=os.strerror(errno.EFBIG)):
            gateway.flush()
        gateway.flush()
        assert open_run(tmp_path).sql("SELECT count(*) FROM clips").fetchall() == [(1,)]


def test_a_full_disk_leaves_a_table_as_it_was(tmp_path: Path) -> None:
    rows = arrow_table("fires", {"run": [RUN] * 50_000, **some_fires(0, 50_000)})
    fires = Appended(Folder(tmp_path), "fires", writer="inbox")
    with no_file_above(100_000), pytest.raises(StorageFull):
        fires.append(rows, 1)
    assert (fires.upto, fires.append(rows, 1), fires.append(rows, 1), fires.upto) == (-1, True, False, 1)
    assert DeltaTable(tmp_path / "tables" / "fires").count() == 50_000


def test_a_table_of_an_older_version_goes_on_with_the_new_columns(tmp_path: Path) -> None:
    rows = arrow_table("fires", {"run": [RUN] * 3, **some_fires(0, 3)})
    write_deltalake(tmp_path / "tables" / "fires", rows.drop_columns("clip"))
    Appended(Folder(tmp_path), "fires", writer="inbox").append(rows, 1)
    found = open_run(tmp_path).sql("SELECT count(*), count(clip), count(received) FROM fires").fetchall()
    assert found == [(6, 3, 3)]


def test_the_number_of_the_last_commit_outlives_checkpoints_and_rewriting(tmp_path: Path) -> None:
    row = arrow_table("fires", {"run": [RUN], **some_fires(0, 1)})
    fires = Appended(Folder(tmp_path), "fires", writer="inbox")
    for number in range(120):
        fires.append(row, number)
    fires.tidy()
    again = Appended(Folder(tmp_path), "fires", writer="inbox")
    assert (again.upto, again.append(row, 119)) == (119, False)
    assert open_run(tmp_path).sql("SELECT count(*) FROM fires").fetchall() == [(120,)]
