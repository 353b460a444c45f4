"""A server that may open no more files: strangers have used them up, or its limit is low."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

from test_ledger import clip
from test_security import admitted, locked, until
from wire_samples import RUN, a_clip, a_server, assert_all_is_there_once, by_hand, some_fires

from telemetry import Gateway, status_of
from telemetry.errors import NoServer
from telemetry.ledger import Ledger


@contextlib.contextmanager
def files_left(count: int, pid: int = 0) -> Iterator[None]:
    """Let a process, or this one, open so many more files and no others; what it has open stays open."""
    listed = list(Path(f"/proc/{pid or 'self'}/fd").iterdir())
    used = {int(each.name) for each in listed if each.is_symlink()}  # no longer the one that the list was read by
    free = (number for number in range(len(used) + count + 1) if number not in used)
    limit = [next(free) for _ in range(count + 1)][-1]
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def nothing_left(store: Path, pid: int) -> Iterator[None]:
    """No descriptor more for a server, once it has the one with which it watches its only connection."""
    until(lambda: connected(store) == 1)
    with files_left(0, pid):
        yield


def connected(store: Path) -> int:
    with contextlib.suppress(NoServer):  # it has said nothing yet
        return status_of(store).connected
    return 0


def test_a_compactor_that_cannot_be_begun_is_begun_when_it_can(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        with nothing_left(tmp_path / "store", server.process.pid):
            gateway.send_rows("fires", "a", some_fires(0, 3))
            gateway.send_clip(a_clip("a"))
            gateway.drain()
            until(lambda: "compaction_waits" in server.log.read_text())
        gateway.flush()
        assert server.stop() == 0
    assert "Too many open files" in server.log.read_text()
    assert_all_is_there_once(tmp_path / "store", 1)


def test_a_server_that_is_stopped_meanwhile_brings_all_into_the_tables(tmp_path: Path) -> None:
    """Once it has hung up on everybody it has descriptors again."""
    with (
        a_server(tmp_path / "store") as server,
        Gateway(server.endpoint, run=RUN, sender="test") as gateway,
        nothing_left(tmp_path / "store", server.process.pid),
    ):
        gateway.send_rows("fires", "a", some_fires(0, 3))
        gateway.send_clip(a_clip("a"))
        gateway.drain()
        assert server.stop() == 0
    assert_all_is_there_once(tmp_path / "store", 1)


def test_a_log_that_cannot_be_pruned_now_is_pruned_later(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, segment_bytes=10_000)
    for name in ("a", "b", "c"):
        ledger.append([clip(name, bytes(20_000))])
    segments = sorted((tmp_path / "inbox/segments").iterdir())
    with files_left(0):
        ledger.prune(2)
    assert sorted((tmp_path / "inbox/segments").iterdir()) == segments
    ledger.prune(2)
    assert sorted((tmp_path / "inbox/segments").iterdir()) == segments[-1:]
    ledger.close()


def test_a_key_that_was_revoked_meanwhile_is_refused_as_soon_as_the_register_can_be_read(tmp_path: Path) -> None:
    with locked(tmp_path) as door, door.gateway(door.other) as inside:
        with nothing_left(door.store, door.server.process.pid):
            door.keys.revoke("mine")
            inside.send_rows("fires", "a", some_fires(10, 3))
            inside.drain()
            until(lambda: "compaction_waits" in door.server.log.read_text())  # so it has looked several times
        until(lambda: not admitted(door, door.mine))
        inside.flush()
        assert door.server.stop() == 0


def test_a_connection_that_cannot_be_watched_is_cut_off(tmp_path: Path) -> None:
    """It would be the one whose message without end fills the memory."""
    with a_server(tmp_path / "store") as server:
        with files_left(1, server.process.pid), by_hand(server.endpoint):
            until(lambda: "unwatched=True" in server.log.read_text())
        with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
            gateway.send_rows("fires", "a", some_fires(0, 3))
            gateway.flush()
        assert server.stop() == 0
