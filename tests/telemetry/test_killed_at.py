"""A server, or its compactor, that dies by SIGKILL at each step from receiving a message to having it in the tables."""

import contextlib
import signal
from pathlib import Path

import pytest
from wire_samples import RUN, SERVER, Server, a_clip, a_server, assert_all_is_there_once, some_fires

from telemetry import Gateway
from telemetry.errors import WaitTimeout

STEPS = {
    "received": "telemetry.intake.Intake.check",
    "about to write": "telemetry.segments.Segments.append",
    "written, not synced": "telemetry.segments.Segments.sync",
    "synced, not counted": "telemetry.segments.Segments.keep",
    "counted, not acknowledged": "telemetry.ledger.Ledger._note",
    "acknowledging": "telemetry.collector.Collector._send",
    "entering": "telemetry.index.Index.enter",
    "segments about to go": "telemetry.segments.Segments.remove_before",
    "in the tables, inbox not pruned": "telemetry.ledger.Ledger.prune",
}
STEPS_OF_COMPACTOR = {
    "reading": "telemetry.entries.Reader._entry",
    "clip written, row not": "telemetry.store.Compactor._commit",
    "row committed, folder not synced": "telemetry.delta.Appended.sync",
    "in the tables, server not told": "telemetry.compacting._Inbox.prune",
}
DIES = """
import importlib, os, pathlib, signal, sys
def mortal(place, after, once=None):
    at, _, name = place.rpartition(".")
    module, _, owner = at.rpartition(".")
    thing = getattr(importlib.import_module(module), owner)
    whole, calls = getattr(thing, name), [0]
    def counted(*args, **named):
        calls[0] += 1
        if calls[0] > after and not (once and os.path.exists(once)):
            if once:
                pathlib.Path(once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args, **named)
    setattr(thing, name, counted)
"""
FEW = """
import functools, importlib
serving = importlib.import_module("telemetry.serve")
serving.Ledger = functools.partial(serving.Ledger, segment_bytes=20_000, enter_messages=4)
"""
MESSAGES = 12


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_dies_here_loses_and_doubles_nothing(step: str, after: int, tmp_path: Path) -> None:
    store = tmp_path / "store"
    dying = Server(store, program=f"{DIES}{FEW}mortal({STEPS[step]!r}, {after}){SERVER}")
    with Gateway(dying.endpoint, run=RUN, sender="test") as gateway:
        for i in range(MESSAGES):
            gateway.send_rows("fires", f"b{i}", some_fires(3 * i))
            gateway.send_clip(a_clip(f"c{i}", picture=bytes([i]) * 5_000))
            limit_s = 0.1
            while dying.process.poll() is None:
                limit_s *= 2  # however slow it is, it gets through or dies
                with contextlib.suppress(WaitTimeout):
                    gateway.flush(limit_s)
                    break
        assert dying.process.returncode == -signal.SIGKILL
        dying.kill()
        with a_server(store, dying.endpoint) as server:
            gateway.flush()
            assert len(gateway.take_acknowledged()) == 2 * MESSAGES
            assert server.stop() == 0
    assert_all_is_there_once(store, MESSAGES)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("step", STEPS_OF_COMPACTOR)
def test_a_compactor_that_dies_here_is_begun_again_and_loses_and_doubles_nothing(
    step: str, after: int, tmp_path: Path
) -> None:
    store, died = tmp_path / "store", tmp_path / "died"
    dies = f"{DIES}mortal({STEPS_OF_COMPACTOR[step]!r}, {after}, {str(died)!r})\n"
    program = f"import telemetry.compaction as c\nc.PROGRAM = {dies!r} + c.PROGRAM\n{FEW}{SERVER}"
    server = Server(store, program=program)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        for i in range(MESSAGES):
            gateway.send_rows("fires", f"b{i}", some_fires(3 * i))
            gateway.send_clip(a_clip(f"c{i}", picture=bytes([i]) * 5_000))
            if i == MESSAGES // 2:
                gateway.flush()
        gateway.flush()
    assert died.exists()
    assert server.stop() == 0
    assert "compactor_died" in server.log.read_text()
    assert_all_is_there_once(store, MESSAGES)
