"""The way in when something is wrong with it: no doorman, a slow one, no descriptors left, peers that froze."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from test_security import Locked, admitted, locked, until
from wire_samples import LOCKED_SERVER, RUN, a_clip, some_fires
from zmq.utils import z85

from telemetry import Gateway
from telemetry.codec import encode
from telemetry.doorman import Doorman, shut
from telemetry.errors import ServerUnreachable
from telemetry.keys import Keys
from telemetry.messages import WIRE_VERSION, Hello
from telemetry.pulse import status_of

SLOW_S = 0.2
SLOW_DOORMAN = f"""
import time
from telemetry.doorman import Doorman
prompt = Doorman.answer
Doorman.answer = lambda *asked: (time.sleep({SLOW_S}), prompt(*asked))[1]
"""
DOORMAN_DIES = """
import signal, sys
from pathlib import Path
from telemetry.doorman import Doorman
begin = Doorman.__init__
def noted(doorman, *words):
    begin(doorman, *words)
    signal.signal(signal.SIGUSR1, lambda *_: (doorman.close(), Path(sys.argv[1], "gone").touch()))
Doorman.__init__ = noted
"""
FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))
"""
FEELS_SOON = """
import zmq
from telemetry import collector
collector._OPTIONS |= {zmq.HEARTBEAT_IVL: 200, zmq.HEARTBEAT_TIMEOUT: 1_000}
"""
SENDER = """
import sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from wire_samples import RUN, some_fires
from telemetry import Gateway, KeyFile
with Gateway(sys.argv[1], run=RUN, sender="test", key=KeyFile.read(Path(sys.argv[2]))) as gateway:
    for number in range(2):
        gateway.send_rows("fires", str(number), some_fires(3 * number))
        gateway.flush()
        print("flushed", flush=True)
        sys.stdin.readline()
"""


def served(folder: Path, program: str) -> "contextlib.AbstractContextManager[Locked]":
    return locked(folder, program=program + LOCKED_SERVER)


def test_without_a_doorman_no_key_opens(tmp_path: Path) -> None:
    """libzmq alone would let in any key when nobody answers its question."""
    keys, mine = Keys.of_one_run("mine")
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router, context.socket(zmq.DEALER) as dealer:
        shut(router, keys)
        port = router.bind_to_random_port("tcp://127.0.0.1")
        monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        dealer.linger = 0
        dealer.curve_serverkey = (mine.server or "").encode()
        dealer.curve_publickey, dealer.curve_secretkey = mine.public.encode(), mine.secret.encode()
        dealer.connect(f"tcp://127.0.0.1:{port}")
        dealer.send_multipart(encode(Hello(sender="test", run=RUN, versions=[WIRE_VERSION, WIRE_VERSION])))
        assert monitor.poll(120_000)
        event, _ = monitor.recv_multipart()
        assert int.from_bytes(event[:2], sys.byteorder) == zmq.EVENT_DISCONNECTED
        assert not router.poll(0)
        dealer.disable_monitor()
        monitor.close()


@pytest.fixture
def doorman() -> Iterator[tuple[Doorman, str]]:
    """One who knows a single key, and the key."""
    keys, mine = Keys.of_one_run("mine")
    with zmq.Context() as context:
        doorman = Doorman(context, keys)
        yield doorman, mine.public
        doorman.close()


def test_the_doorman_names_whom_it_lets_in(doorman: tuple[Doorman, str]) -> None:
    asked = [b"1.0", b"7", b"outrider", b"127.0.0.1", b"", b"CURVE", z85.decode(doorman[1])]
    assert doorman[0].answer(asked) == [b"1.0", b"7", b"200", b"OK", doorman[1].encode(), b""]


@pytest.mark.parametrize(
    ("field", "other"),
    [(0, b"1.1"), (2, b""), (2, b"elsewhere"), (5, b"NULL"), (5, b"PLAIN"), (6, b""), (6, b"k" * 31)],
)
def test_what_is_not_plainly_a_question_about_a_key_is_refused(
    doorman: tuple[Doorman, str], field: int, other: bytes
) -> None:
    asked = [b"1.0", b"7", b"outrider", b"127.0.0.1", b"", b"CURVE", z85.decode(doorman[1])]
    refused = [b"1.0", b"7", b"400", b"NO ACCESS", b"", b""]
    assert doorman[0].answer([other if number == field else each for number, each in enumerate(asked)]) == refused
    assert doorman[0].answer([*asked, b""]) == doorman[0].answer(asked[:6]) == refused
    assert doorman[0].answer([]) == [b"1.0", b"", *refused[2:]]


def test_a_server_whose_doorman_is_gone_lets_nobody_in_and_ends(tmp_path: Path) -> None:
    """So that whoever supervises it starts it again; nothing that it acknowledged is lost by that."""
    with served(tmp_path, DOORMAN_DIES) as door:
        door.server.process.send_signal(signal.SIGUSR1)
        until((door.store / "gone").exists)
        with pytest.raises(ServerUnreachable):
            door.gateway(door.mine, timeout_s=2.0)
        assert door.server.process.wait() == 1
        assert "DoormanGone" in door.server.log.read_text()


def test_a_slow_doorman_lets_all_of_a_crowd_in(tmp_path: Path) -> None:
    """Ten at once, one after the other: the last is asked about when it has lost patience once already."""
    with served(tmp_path, SLOW_DOORMAN) as door:
        keys = [Keys.found(tmp_path / "keys").enrol(f"crowd-{number}", str(number)) for number in range(10)]
        until(lambda: admitted(door, keys[-1]))
        inside: list[Gateway] = []
        crowd = [
            threading.Thread(target=lambda key=key: inside.append(door.gateway(key, timeout_s=240)))  # type: ignore[misc]
            for key in keys
        ]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
        assert len(inside) == len(keys)
        for gateway in inside:
            gateway.close()


def test_strangers_who_use_up_the_descriptors_keep_nobody_out_for_long(tmp_path: Path) -> None:
    """Twice as many idle connections as the server may have, a third of them talking rubbish."""
    with served(tmp_path, FEW_FILES) as door:
        address = ("127.0.0.1", int(door.server.endpoint.rsplit(":", 1)[1]))
        with contextlib.ExitStack() as leaving, door.gateway(door.other, "before") as before:
            for number in range(300):
                stranger = leaving.enter_context(socket.create_connection(address))
                with contextlib.suppress(OSError):
                    stranger.sendall(bytes(range(256)) if number % 3 == 0 else b"")
            before.send_clip(a_clip("during", car=10, picture=bytes(200_000)))
            before.drain()
            with door.gateway(door.mine, "among strangers", timeout_s=240) as gateway:
                gateway.send_rows("fires", "a", some_fires(0, 3))
                gateway.flush()
        assert door.server.stop() == 0


def test_a_peer_that_froze_is_noticed_its_place_is_free_and_it_goes_on_when_it_wakes(tmp_path: Path) -> None:
    with served(tmp_path, FEELS_SOON) as door:
        door.mine.write(tmp_path / "mine.key")
        command = [sys.executable, "-c", SENDER, door.server.endpoint, str(tmp_path / "mine.key")]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        ) as peer:
            assert peer.stdout
            assert peer.stdin
            assert peer.stdout.readline() == "flushed\n"
            until(lambda: status_of(door.store).connected == 1)
            os.kill(peer.pid, signal.SIGSTOP)
            until(lambda: status_of(door.store).connected == 0)
            os.kill(peer.pid, signal.SIGCONT)
            peer.stdin.write("\n")
            peer.stdin.flush()
            assert peer.stdout.readline() == "flushed\n"
            peer.stdin.write("\n")
