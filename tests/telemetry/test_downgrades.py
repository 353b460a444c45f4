"""Peers that would have the server speak something older or plainer than it does: refused, and counted."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from test_security import Locked, locked, raw_dealer, until
from wire_samples import RUN, some_fires

from telemetry import open_run
from telemetry.codec import MAGIC, decode, encode, encode_rows
from telemetry.messages import OLDEST_VERSION, WIRE_VERSION, Hello, Message, Refused, Welcome
from telemetry.pulse import FILE, status_of

NULL_READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
PLAIN_HELLO = b"\x05HELLO\x05admin\x06secret"
GREETINGS = {
    "ZMTP 1.0, which knows no mechanisms": b"\x01\x00" + b"\x06\x00hello",
    "ZMTP 2.0, likewise": b"\xff" + bytes(8) + b"\x7f" + b"\x01\x05" + b"\x00\x00" + b"\x00\x05hello",
    "ZMTP 3.0 in plain text": b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    + bytes([4, len(NULL_READY)]) + NULL_READY,
    "ZMTP 3.1 with a password": b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"PLAIN".ljust(20, b"\0") + bytes(32)
    + bytes([4, len(PLAIN_HELLO)]) + PLAIN_HELLO,
    "HTTP": b"GET / HTTP/1.1\r\nHost: collector\r\n\r\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    with locked(tmp_path_factory.mktemp("downgrades")) as door:
        until((door.store / FILE).exists)
        yield door


def answer_to(door: Locked, frames: list[bytes]) -> Message:
    with zmq.Context() as context, raw_dealer(context, door, door.mine) as dealer:
        dealer.connect(door.server.endpoint)
        dealer.send_multipart(frames)
        answer: Message = decode(dealer.recv_multipart())[0]
        return answer


@pytest.mark.parametrize("versions", [[1, OLDEST_VERSION - 1], [WIRE_VERSION + 1, 255]])
def test_who_speaks_no_version_of_ours_is_refused_and_counted(door: Locked, versions: list[int]) -> None:
    before = door.metric("version")
    answer = answer_to(door, encode(Hello(sender="old", run=RUN, versions=versions)))
    assert isinstance(answer, Refused)
    assert (answer.code, answer.id) == ("version", "")
    until(lambda: door.metric("version") > before)


def test_who_speaks_older_ones_too_is_held_to_the_newest(door: Locked) -> None:
    answer = answer_to(door, encode(Hello(sender="both", run=RUN, versions=[1, 255])))
    assert isinstance(answer, Welcome)
    assert answer.version == WIRE_VERSION


@pytest.mark.parametrize("version", sorted({1, OLDEST_VERSION - 1, WIRE_VERSION + 1}))
def test_a_message_in_another_version_is_refused_and_not_kept(door: Locked, version: int) -> None:
    before = door.metric("version")
    head, *parts = encode_rows(RUN, "fires", f"v{version}", some_fires(0, 3))
    answer = answer_to(door, [MAGIC + bytes([version]) + head[len(MAGIC) + 1 :], *parts])
    assert isinstance(answer, Refused)
    assert answer.code == "version"
    until(lambda: door.metric("version") > before)


@pytest.mark.parametrize("greeting", GREETINGS)
def test_what_is_no_encrypted_greeting_is_hung_up_on_and_counted(door: Locked, greeting: str) -> None:
    before = status_of(door.store).unheard
    with socket.create_connection(("127.0.0.1", int(door.server.endpoint.rsplit(":", 1)[1]))) as raw:
        raw.settimeout(20)
        raw.sendall(GREETINGS[greeting])
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := raw.recv(4096):
                said += chunk
        assert b"READY" not in said
        assert b"WELCOME" not in said
    until(lambda: status_of(door.store).unheard > before)


def test_after_all_that_nothing_was_kept_and_the_honest_are_served(door: Locked) -> None:
    with door.gateway(door.mine, "honest") as gateway:
        gateway.send_rows("fires", "a", some_fires(0, 3))
        gateway.flush()
    rows = open_run(Path(door.store)).sql("SELECT run, count(*) FROM fires GROUP BY 1").fetchall()
    assert rows == [("honest", 3)]
