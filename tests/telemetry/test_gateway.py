import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
import zmq
from wire_samples import RUN, Server, a_clip, a_server, some_fires

from telemetry import Gateway, connection, open_run
from telemetry.codec import MAGIC, decode, encode
from telemetry.errors import (
    BadAddress,
    MessageRefused,
    ServerUnreachable,
    UnknownTable,
    VersionMismatch,
    WaitTimeout,
    WrongColumns,
)
from telemetry.messages import WIRE_VERSION, Ack, Hello, Welcome

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("served") / "store") as server:
        yield server


class Scripted:
    """A ROUTER whose answers a test gives by hand."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.RCVTIMEO, 120_000)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def hear(self) -> tuple[bytes, object]:
        peer, *frames = self.socket.recv_multipart()
        return peer, decode(frames)[0]


def test_clips_and_rows_get_acknowledged_by_the_names_they_were_sent_under(server: Server) -> None:
    with Gateway(server.endpoint, run="names", sender="test") as gateway:
        gateway.send_clip(a_clip("one", run="names"))
        gateway.send_rows("fires", "barrier-1", some_fires())
        gateway.drain()
        assert gateway.take_acknowledged() == ["one", "barrier-1"]
        assert gateway.take_acknowledged() == []
        assert gateway.waiting == 0


def test_a_flush_brings_all_into_the_tables(server: Server) -> None:
    with Gateway(server.endpoint, run="flush", sender="test") as gateway:
        for i in range(20):
            gateway.send_rows("fires", str(i), some_fires(10 * i, 10))
        gateway.flush()
        fires = open_run(gateway.welcome.store).sql("SELECT DISTINCT car FROM fires WHERE run = 'flush'").fetchall()
        assert len(fires) == 200


def test_the_welcome_says_where_things_are_kept(server: Server) -> None:
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        assert Path(gateway.welcome.store).name == "store"
        assert gateway.welcome.version == WIRE_VERSION


def test_the_same_message_twice_is_stored_once(server: Server) -> None:
    for _ in range(2):
        with Gateway(server.endpoint, run="twice", sender="test") as gateway:
            gateway.send_rows("fires", "a", some_fires())
            gateway.send_rows("fires", "a", some_fires())
            gateway.flush()
            rows = open_run(gateway.welcome.store).sql("SELECT count(*) FROM fires WHERE run = 'twice'").fetchall()
            assert rows == [(3,)]


def test_an_id_used_for_something_else_is_an_error(server: Server) -> None:
    with Gateway(server.endpoint, run="conflict", sender="test") as gateway:
        gateway.send_clip(a_clip("x", run="conflict"))
        gateway.drain()
        gateway.send_clip(a_clip("x", run="conflict", picture=b"other"))
        with pytest.raises(MessageRefused, match="was the run's name used before"):
            gateway.drain()


def test_columns_are_checked_before_they_leave(server: Server) -> None:
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        with pytest.raises(UnknownTable, match="did you mean 'fires'"):
            gateway.send_rows("fire", "b", {})
        with pytest.raises(WrongColumns, match="clip"):
            gateway.send_rows("fires", "b", {name: v for name, v in some_fires().items() if name != "clip"})


def test_nobody_there_is_an_error_that_says_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ServerUnreachable, match="is `outrider serve` running there"):
            Gateway(endpoint, run=RUN, sender="test", connect_timeout_s=0.3)


def test_a_server_that_is_none_of_ours_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def hang_up() -> None:
            other.accept()[0].close()

        hung_up = threading.Thread(target=hang_up)
        hung_up.start()
        with pytest.raises(ServerUnreachable):
            Gateway(f"tcp://127.0.0.1:{other.getsockname()[1]}", run=RUN, sender="test", connect_timeout_s=0.5)
        socket.create_connection(other.getsockname()).close()  # if the other never came so far
        hung_up.join()


def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(BadAddress, match="it looks like tcp://"):
        Gateway("localhost", run=RUN, sender="test")


def test_a_server_of_another_version_is_an_error() -> None:
    with Scripted() as old:
        foreign = MAGIC + b"\x09" + encode(Welcome(store="/", version=9, window_bytes=0))[0][5:]

        def answer() -> None:
            peer, _ = old.hear()
            old.socket.send_multipart([peer, foreign])

        with pytest.raises(VersionMismatch, match="version 9 of the wire, this is version 3"):
            _connect(old, answer)


def _connect(server: Scripted, answer: Callable[[], None]) -> None:
    """Connect while a thread plays the server, which answers but one hello."""
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "HELLO_S", (HOUR_S, HOUR_S))
            Gateway(server.endpoint, run=RUN, sender="test", connect_timeout_s=120).close()
    finally:
        thread.join()


def test_a_car_side_of_another_version_is_told_so(server: Server) -> None:
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.RCVTIMEO, 120_000)
    dealer.connect(server.endpoint)
    hello = encode(Hello(sender="old", run=RUN, versions=[3, 3]))[0]
    dealer.send_multipart([MAGIC + b"\x07" + hello[5:]])
    refused, _ = decode(dealer.recv_multipart())
    assert getattr(refused, "code", "") == "version"
    context.destroy(linger=0)


def test_drain_gives_up_when_told_to_and_goes_on_later(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        server.process.send_signal(signal.SIGSTOP)
        gateway.send_rows("fires", "a", some_fires())
        waited: list[int] = []
        with pytest.raises(WaitTimeout, match="1 messages without an answer"):
            gateway.drain(1.5, waited.append)
        assert set(waited) == {1}
        server.process.send_signal(signal.SIGCONT)
        gateway.drain()
        assert gateway.take_acknowledged() == ["a"]


def test_sending_waits_only_when_the_window_is_full(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server:
        waited: list[int] = []

        def go_on(waiting: int) -> None:
            waited.append(waiting)
            server.process.send_signal(signal.SIGCONT)

        with Gateway(server.endpoint, run=RUN, sender="t", window_bytes=200_000, on_wait=go_on) as gateway:
            server.process.send_signal(signal.SIGSTOP)
            for i in range(3):
                gateway.send_clip(a_clip(str(i), picture=bytes(20_000)))
            assert waited == []
            assert gateway.waiting == 3
            gateway.send_clip(a_clip("3", picture=bytes(20_000)))
            assert set(waited) == {3}
            gateway.drain()


def test_an_acknowledgement_that_got_lost_is_asked_for_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    server = Server(store)
    gateway = Gateway(server.endpoint, run=RUN, sender="test")
    gateway.send_rows("fires", "a", some_fires())
    gateway.drain()
    server.kill()
    again = Server(store, server.endpoint)
    fresh = Gateway(server.endpoint, run=RUN, sender="test")
    fresh.send_rows("fires", "a", some_fires())
    fresh.drain()
    assert fresh.take_acknowledged() == ["a"]
    for end in (gateway, fresh):
        end.close()
    again.kill()


def test_a_server_that_was_away_gets_everything(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = Server(store)
    with Gateway(first.endpoint, run=RUN, sender="test") as gateway:
        first.kill()
        for i in range(50):
            gateway.send_rows("fires", str(i), some_fires(3 * i))
        assert gateway.waiting == 50
        second = Server(store, first.endpoint)
        gateway.flush()
        assert len(gateway.take_acknowledged()) == 50
        assert second.stop() == 0
    assert open_run(store).sql("SELECT count(*), count(DISTINCT car) FROM fires").fetchall() == [(150, 150)]


def test_rubbish_from_the_server_is_dropped() -> None:
    with Scripted() as server:

        def answer() -> None:
            peer, _ = server.hear()
            server.socket.send_multipart([peer, b"rubbish"])
            server.socket.send_multipart([peer, *encode(Ack(ids=["never sent"]))])
            server.socket.send_multipart([peer, *encode(Welcome(store="/", version=WIRE_VERSION, window_bytes=2**20))])

        _connect(server, answer)
