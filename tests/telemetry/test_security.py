"""Every way in that is not a car's own door, tried on a real server with real sockets."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import zmq
from wire_samples import LOCKED_SERVER, RUN, Server, a_clip, a_server, by_hand, some_fires

from telemetry import Gateway, open_run, serve
from telemetry.codec import decode, encode
from telemetry.errors import MessageRefused, NoServer, NotAdmitted, ServerUnreachable, Unprotected
from telemetry.keys import KeyFile, Keys
from telemetry.messages import Hello, Refused, Welcome
from telemetry.pulse import status_of


@dataclass(frozen=True)
class Locked:
    """A server with keys: `mine` speaks for cars 0 to 9, `other` for 10 to 19, `fleet` for all."""

    server: Server
    keys: Keys
    mine: KeyFile
    other: KeyFile
    fleet: KeyFile
    store: Path

    def gateway(self, key: KeyFile | None, run: str = RUN, timeout_s: float = 120.0) -> Gateway:
        return Gateway(self.server.endpoint, run=run, sender="test", key=key, connect_timeout_s=timeout_s)

    def metric(self, reason: str) -> int:
        with contextlib.suppress(NoServer):  # it has said nothing yet
            return status_of(self.store).refused.get(reason, 0)
        return 0


@contextlib.contextmanager
def locked(folder: Path, *, program: str = LOCKED_SERVER) -> Iterator[Locked]:
    keys = Keys.made(folder / "keys")
    mine, other = keys.enrol("mine", "0-9"), keys.enrol("other", "10-19")
    fleet = keys.enrol("fleet", "all")
    server = Server(folder / "store", program=program)
    try:
        yield Locked(server, keys, mine, other, fleet, folder / "store")
    finally:
        server.kill()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    with locked(tmp_path_factory.mktemp("locked")) as door:
        yield door


def until(holds: Callable[[], bool], limit_s: float = 240.0) -> None:
    """Wait for something that another process will bring about."""
    end_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end_s, "it never came about"
        threading.Event().wait(0.05)


def raw_dealer(context: "zmq.Context[zmq.Socket[bytes]]", door: Locked, key: KeyFile) -> zmq.Socket[bytes]:
    dealer = context.socket(zmq.DEALER)
    dealer.curve_serverkey = door.keys.server.public.encode()
    dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
    dealer.setsockopt(zmq.RCVTIMEO, 120_000)
    dealer.setsockopt(zmq.LINGER, 0)
    return dealer


def test_a_key_brings_its_cars_things_in(door: Locked) -> None:
    with door.gateway(door.mine, "welcome") as gateway:
        gateway.send_rows("fires", "a", some_fires(0, 10))
        gateway.send_clip(a_clip(run="welcome"))
        gateway.flush()
        assert len(gateway.take_acknowledged()) == 2


def test_a_key_that_nobody_enrolled_is_not_let_in(door: Locked) -> None:
    stranger = KeyFile.new("stranger", door.keys.server.public)
    with pytest.raises(NotAdmitted, match="does not admit the key of 'stranger'"):
        door.gateway(stranger)
    until(lambda: door.metric("unknown_key") > 0)


def test_a_gateway_does_not_speak_to_a_server_with_another_key(door: Locked) -> None:
    elsewhere = msgspec.structs.replace(door.mine, server=KeyFile.new("impostor").public)
    with pytest.raises(ServerUnreachable, match="is the key one of this server"):
        door.gateway(elsewhere, timeout_s=1.5)


def test_plain_text_is_not_taken_where_there_are_keys(door: Locked) -> None:
    with pytest.raises(ServerUnreachable, match="does it ask for a key"):
        door.gateway(None, timeout_s=1.5)


def test_a_key_cannot_speak_for_the_cars_of_another(door: Locked) -> None:
    with door.gateway(door.other, "stolen") as gateway:
        gateway.send_rows("fires", "a", some_fires(8, 5))  # 8 and 9 are not its own
        with pytest.raises(MessageRefused, match="not_yours"):
            gateway.drain()
        gateway.send_clip(a_clip(run="stolen"))  # of car 7
        with pytest.raises(MessageRefused, match="does not speak for these cars"):
            gateway.drain()
    with door.gateway(door.fleet, "stolen") as gateway:
        gateway.flush()
    assert open_run(door.store).sql("SELECT * FROM fires WHERE run = 'stolen'").fetchall() == []


def test_nor_in_pieces(door: Locked) -> None:
    with door.gateway(door.other, "in pieces") as gateway:
        gateway.send_clip(a_clip("big", run="in pieces", picture=bytes(300_000)))
        with pytest.raises(MessageRefused, match="not_yours"):
            gateway.drain()


def test_a_message_replayed_under_another_key_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path) as door:
        from telemetry.codec import encode_rows

        frames = encode_rows(RUN, "fires", "mine", some_fires(0, 3))
        with zmq.Context() as context, raw_dealer(context, door, door.other) as thief:
            thief.connect(door.server.endpoint)
            thief.send_multipart(frames)
            refused, _ = decode(thief.recv_multipart())
        assert isinstance(refused, Refused)
        assert refused.code == "not_yours"


def test_nobody_takes_over_the_answers_to_another(door: Locked) -> None:
    """Who claims the routing id of a connection that is there gets nothing, and the honest one goes on."""
    hello = encode(Hello(sender="honest", run=RUN, versions=[3, 3]))
    with zmq.Context() as context:
        honest, thief = (raw_dealer(context, door, key) for key in (door.mine, door.other))
        for dealer in (honest, thief):
            dealer.setsockopt(zmq.ROUTING_ID, b"car-7")
        honest.connect(door.server.endpoint)
        honest.send_multipart(hello)
        assert isinstance(decode(honest.recv_multipart())[0], Welcome)
        thief.connect(door.server.endpoint)
        thief.send_multipart(hello)
        for _ in range(20):
            honest.send_multipart(hello)
            assert isinstance(decode(honest.recv_multipart())[0], Welcome)
        assert thief.poll(200) == 0
        for dealer in (honest, thief):
            dealer.close()


def test_who_claims_the_next_numbers_cannot_stop_the_server(door: Locked) -> None:
    """Unseeded, libzmq numbers peers from 0x6b8b4567; an id that is taken when its turn comes aborts the process."""
    hello = encode(Hello(sender="number", run=RUN, versions=[3, 3]))
    with zmq.Context() as context:
        claimed = []
        for number in range(60):
            dealer = raw_dealer(context, door, door.mine)
            dealer.setsockopt(zmq.ROUTING_ID, b"\0" + struct.pack(">I", 0x6B8B4567 + number))
            dealer.connect(door.server.endpoint)
            dealer.send_multipart(hello)
            claimed.append(dealer)
        for dealer in claimed:
            dealer.recv_multipart()
        for _ in range(60):
            with door.gateway(door.mine):
                pass
        for dealer in claimed:
            dealer.close()
    assert door.server.process.poll() is None


def test_a_message_without_end_is_cut_off(tmp_path: Path) -> None:
    """All its frames announce more."""
    with a_server(tmp_path / "store") as server:
        before = server.memory_bytes
        more = b"\x03" + struct.pack(">Q", 100_000) + bytes(100_000)
        with by_hand(server.endpoint) as bomb, pytest.raises(OSError, match=r"reset|Broken pipe"):  # noqa: PT012 - it ends somewhere in here
            for _ in range(40_000):
                bomb.sendall(more)
        assert server.memory_bytes - before < 1_000_000_000  # of the four it would have been
        with Gateway(server.endpoint, run="after the bomb", sender="test") as gateway:
            gateway.send_rows("fires", "a", some_fires(0, 10))
            gateway.drain()


def test_one_that_never_shakes_hands_keeps_nobody_out(door: Locked) -> None:
    address = ("127.0.0.1", int(door.server.endpoint.rsplit(":", 1)[1]))
    idle = [socket.create_connection(address) for _ in range(150)]
    with door.gateway(door.mine, "among idlers") as gateway:
        gateway.send_rows("fires", "a", some_fires(0, 3))
        gateway.drain()
    for each in idle:
        each.close()


def test_what_is_over_a_cars_quota_waits_and_others_go_on(tmp_path: Path) -> None:
    with locked(tmp_path) as door, door.gateway(door.mine) as greedy, door.gateway(door.other) as modest:
        for i in range(30):
            greedy.send_clip(a_clip(f"clip {i}", picture=bytes(30_000)))  # 2.7 MB of 2 MB for its ten cars
        until(lambda: (greedy.take_acknowledged(), door.metric("quota") > 0)[1])
        modest.send_rows("fires", "a", some_fires(10, 5))
        modest.drain()
        assert greedy.waiting > 0


def test_a_key_that_is_revoked_loses_its_connection_and_its_right(tmp_path: Path) -> None:
    with locked(tmp_path) as door, door.gateway(door.mine) as gateway, door.gateway(door.other) as bystander:
        gateway.send_rows("fires", "before", some_fires(0, 3))
        gateway.drain()
        Keys.found(tmp_path / "keys").revoke("mine")
        with pytest.raises(NotAdmitted):
            until(lambda: (gateway.send_rows("fires", f"{time.monotonic_ns()}", some_fires(0, 3)), False)[1])
        with pytest.raises(NotAdmitted):
            door.gateway(door.mine)
        bystander.send_rows("fires", "still", some_fires(10, 3))
        bystander.drain()


def test_a_key_that_is_rotated_is_another_key_for_the_same_cars(tmp_path: Path) -> None:
    with locked(tmp_path) as door:
        new = Keys.found(tmp_path / "keys").rotate("mine")
        until(lambda: admitted(door, new))
        with pytest.raises(NotAdmitted):
            door.gateway(door.mine)


def test_plain_text_outside_the_loopback_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Unprotected, match="give --keys to listen elsewhere"):
        serve(tmp_path / "store", "tcp://0.0.0.0:0")


def admitted(door: Locked, key: KeyFile) -> bool:
    try:
        door.gateway(key).close()
    except NotAdmitted:
        return False
    return True
