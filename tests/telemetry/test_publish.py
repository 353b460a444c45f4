"""A server whose tables and clips go to a bucket, over real HTTP; and one that forgets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from object_store import BUCKET, Line, an_object_store, needs_an_object_store, options_for
from wire_samples import RUN, Server, a_clip, server_program, some_fires

from telemetry import Gateway, Loopback, Status, open_store, status_of
from telemetry.errors import WaitTimeout

MESSAGES = 30


@pytest.fixture(name="line")
def a_line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """To an object store, which the environment points to."""
    with an_object_store() as endpoint:
        line = Line(endpoint)
        for name, value in options_for(line.endpoint).items():
            monkeypatch.setenv(name.upper(), value)
        yield line
        line.close()


def publishing(store: Path, endpoint: str = "tcp://127.0.0.1:0") -> Server:
    program = server_program(f"storage=telemetry.Storage(url='s3://{BUCKET}/store')")
    return Server(store, endpoint, program=program)


def send(gateway: Gateway, message: int) -> None:
    gateway.send_rows("fires", f"b{message}", some_fires(3 * message))
    gateway.send_clip(a_clip(f"c{message}", picture=bytes([message]) * 5_000))


def assert_all_is_in_the_bucket_once(messages: int) -> None:
    with open_store(f"s3://{BUCKET}/store") as store:
        assert store.sql("SELECT car FROM fires ORDER BY 1").fetchall() == [(car,) for car in range(3 * messages)]
        assert sorted(store.clips()) == sorted(f"c{message}" for message in range(messages))
        assert {store.clip(clip).id for clip in store.clips()} == set(store.clips())


def compactor_of(server: Server) -> int | None:
    named = (pid for pid in server.children() if "compacting" in Path(f"/proc/{pid}/cmdline").read_text())
    return next(named, None)


@needs_an_object_store
def test_killed_again_and_again_it_publishes_all_exactly_once(line: Line, tmp_path: Path) -> None:
    """The server at some moments, its compactor alone at others."""
    store = tmp_path / "store"
    server, kills = publishing(store), 0
    endpoint = server.endpoint
    with Gateway(endpoint, run=RUN, sender="test") as gateway:
        for message in range(MESSAGES):
            send(gateway, message)
            if message % 5 == 4:
                with contextlib.suppress(WaitTimeout):
                    gateway.flush(0.3 * (message // 5))
                compactor = compactor_of(server)
                if message % 2 and compactor:
                    os.kill(compactor, signal.SIGKILL)
                else:
                    server.kill()
                    server = publishing(store, endpoint)
                kills += 1
        gateway.flush()
        assert len(gateway.take_acknowledged()) == 2 * MESSAGES
    assert (server.stop(), kills) == (0, MESSAGES // 5)
    assert_all_is_in_the_bucket_once(MESSAGES)
    assert {path.name for path in store.iterdir()} == {"inbox"}


def until(gateway: Gateway, store: Path, waits: bool) -> Status:
    """What the server says once it waits, or once all is in the tables again."""
    while True:
        with contextlib.suppress(WaitTimeout):
            gateway.flush(0.2)
        status = status_of(store)
        if bool(status.waits) == waits and (waits or not status.lag):
            return status


@needs_an_object_store
def test_while_the_store_does_not_answer_cars_are_served_and_nothing_is_lost(line: Line, tmp_path: Path) -> None:
    store = tmp_path / "store"
    line.down = True
    server = publishing(store)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        for message in range(3):
            send(gateway, message)
        gateway.drain()
        assert len(gateway.take_acknowledged()) == 6
        waiting = until(gateway, store, waits=True)
        assert (waiting.lag, waiting.healthy, waiting.storage) == (6, True, f"s3://{BUCKET}/store")
        assert "does not answer" in waiting.waits
        line.down = False
        gateway.flush()
        level = until(gateway, store, waits=False)
        assert (level.behind_s, level.waited) == (0.0, waiting.waits)
        line.down = True
        send(gateway, 3)
        until(gateway, store, waits=True)
        line.down = False
        gateway.flush()
    assert server.stop() == 0
    assert [server.log.read_text().count(word) for word in ("compaction_waits", "compaction_goes_on")] == [2, 2]
    assert_all_is_in_the_bucket_once(4)


@needs_an_object_store
def test_a_bucket_that_is_not_there_ends_a_server_with_one_line(line: Line, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fleet.cli.main", "serve", "--store", tmp_path / "store", "--plain"]
    done = subprocess.run(
        [*command, "--bind", "tcp://127.0.0.1:0", "--publish", "s3://other/store"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no such bucket; look at the address, and at the AWS_ variables" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_forgets_by_itself_and_says_so(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Loopback(store, run=RUN) as gateway:
        send(gateway, 0)
        send(gateway, 1)
        gateway.flush()
    waits = "from telemetry import compaction\ncompaction.COMPACT_EVERY_S = 3600.0  # unless it is asked to\n"
    limits = "telemetry.Limits(days=3, nbytes=1)"
    server = Server(store, program=waits + server_program(f"storage=telemetry.Storage(limits={limits})"))
    with Gateway(server.endpoint, run=RUN, sender="test") as cars:
        send(cars, 2)
        cars.flush()
        while status_of(store).trimmed is None:  # it says how it is once a second
            cars.flush()
    assert server.stop() == 0
    assert open_store(store).arrow("fires").num_rows == 9
    assert open_store(store).clips() == []
    command = [sys.executable, "-m", "fleet.cli.main", "serve", "status", "--store", str(store)]
    told = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=False).stdout)
    assert told["trimmed"]["clips"] == 3
    assert "MB went, 0.0 MB stay" in subprocess.run(command, capture_output=True, text=True, check=False).stdout
