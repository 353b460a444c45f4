"""A disk that is full, has room again, and is full again; the limit on a process's files is such a disk."""

import contextlib
import resource
from pathlib import Path

from wire_samples import RUN, Server, a_clip, assert_all_is_there_once, some_fires

from telemetry import Gateway
from telemetry.errors import WaitTimeout

SERVER = """
import sys
from pathlib import Path
from fleet import logs
from telemetry import serve
logs.configure(verbose=True)
serve(Path(sys.argv[1]), sys.argv[2], ready=lambda endpoint: print(endpoint, flush=True))
"""
"""As `outrider serve` logs: to a file on the same disk."""

ROUNDS, MESSAGES = 3, 6
NOTHING, ALL = 1, resource.RLIM_INFINITY


def send(gateway: Gateway, batch: int) -> None:
    for number in range(MESSAGES):
        name = f"{batch}-{number}"
        gateway.send_rows("fires", name, some_fires(100 * batch + 10 * number, 3))
        gateway.send_clip(a_clip(f"c{name}", picture=name.encode() * 3_000))


def test_a_disk_that_fills_again_and_again_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", program=SERVER)
    told: list[int] = []
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        for batch in range(ROUNDS):
            send(gateway, 2 * batch)
            gateway.flush()
            server.leave(NOTHING)
            send(gateway, 2 * batch + 1)
            refused = len(told)
            gateway.drain(on_wait=lambda waiting: (told.append(waiting), server.leave(ALL))[0])
            assert len(told) > refused, "it took what there was no room for"
        gateway.flush()
        assert len(gateway.take_acknowledged()) == 2 * ROUNDS * 2 * MESSAGES
    assert server.stop() == 0
    assert_all_is_there_once(tmp_path / "store", 2 * ROUNDS * MESSAGES)


def test_a_server_killed_on_a_full_disk_has_all_it_acknowledged_when_there_is_room(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", program=SERVER)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        send(gateway, 0)
        gateway.drain()
        server.leave(NOTHING)
        send(gateway, 1)
        with contextlib.suppress(WaitTimeout):
            gateway.drain(1.0)
        assert gateway.waiting > 0
        server.kill()
        server = Server(tmp_path / "store", server.endpoint, program=SERVER)
        gateway.flush()
    assert server.stop() == 0
    assert_all_is_there_once(tmp_path / "store", 2 * MESSAGES)
