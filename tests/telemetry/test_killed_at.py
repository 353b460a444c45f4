"""A server that dies by SIGKILL at each step between receiving a message and having it in the tables."""

import contextlib
import signal
from pathlib import Path

import pytest
from wire_samples import RUN, SERVER, Server, a_clip, a_server, some_fires

from telemetry import Gateway, open_run
from telemetry.errors import WaitTimeout

STEPS = {
    "received": "telemetry.intake.Intake.check",
    "about to write": "telemetry.segments.Segments.append",
    "written, not synced": "telemetry.segments.Segments.sync",
    "synced, not entered": "telemetry.ledger.Ledger._enter",
    "entered, not acknowledged": "telemetry.segments.Segments.keep",
    "acknowledging": "telemetry.collector.Collector._send",
    "clip written, row not": "telemetry.store.Compactor._commit",
    "row committed, folder not synced": "telemetry.delta.Appended.sync",
    "in the tables, inbox not pruned": "telemetry.ledger.Ledger.prune",
}
DIES = """
import importlib, os, signal, sys
place, _, name = {place!r}.rpartition(".")
module, _, owner = place.rpartition(".")
thing = getattr(importlib.import_module(module), owner)
whole, calls = getattr(thing, name), [0]
def counted(*args, **named):
    calls[0] += 1
    if calls[0] > {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **named)
setattr(thing, name, counted)
"""
MESSAGES = 12


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_dies_here_loses_and_doubles_nothing(step: str, after: int, tmp_path: Path) -> None:
    store = tmp_path / "store"
    dying = Server(store, program=DIES.format(place=STEPS[step], after=after) + SERVER)
    with Gateway(dying.endpoint, run=RUN, sender="test") as gateway:
        for i in range(MESSAGES):
            gateway.send_rows("fires", f"b{i}", some_fires(3 * i))
            gateway.send_clip(a_clip(f"c{i}", picture=bytes([i]) * 5_000))
            while dying.process.poll() is None:
                with contextlib.suppress(WaitTimeout):
                    gateway.flush(0.2)
                    break
        assert dying.process.returncode == -signal.SIGKILL
        dying.kill()
        with a_server(store, dying.endpoint) as server:
            gateway.flush(60)
            assert len(gateway.take_acknowledged()) == 2 * MESSAGES
            assert server.stop() == 0
    run = open_run(store)
    assert run.sql("SELECT count(*), count(DISTINCT car) FROM fires").fetchall() == [(3 * MESSAGES, 3 * MESSAGES)]
    assert run.sql("SELECT count(*), count(DISTINCT clip) FROM clips").fetchall() == [(MESSAGES, MESSAGES)]
