"""A car side waits for no old patience: each is an hour long here, so that only an event can have woken it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from wire_samples import RUN, Server, some_fires

from telemetry import Gateway, connection, gateway, patience
from telemetry.codec import decode, encode
from telemetry.messages import WIRE_VERSION, Ack, AnyMessage, Hello, Refused, Rows, Welcome

HOUR_S = 3600.0


@pytest.fixture(autouse=True)
def _hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_S", (HOUR_S, HOUR_S))
    monkeypatch.setattr(gateway, "RESEND_S", (HOUR_S, HOUR_S))
    monkeypatch.setattr(patience, "ANSWER_S", HOUR_S)


class Life:
    """A ROUTER at a port, from its binding to its end; what it hears and says is up to a test."""

    def __init__(self, bind: str = "tcp://127.0.0.1:0") -> None:
        self.context = zmq.Context()  # its own, for with its context a socket has really let go of its port
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.RCVTIMEO, 120_000)
        self.socket.bind(bind)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def hear(self) -> AnyMessage:
        """The next message of the connection that greeted."""
        while True:
            peer, *frames = self.socket.recv_multipart()
            if peer == self.peer:
                return decode(frames)[0]

    def hello(self) -> None:
        """Hear a hello, and nothing else before it on its connection.

        The connection that broke may come back for a moment, with what it was last given, before the car side has
        noticed and made another.
        """
        others: set[bytes] = set()
        while True:
            self.peer, *frames = self.socket.recv_multipart()
            if isinstance(decode(frames)[0], Hello):
                break
            others.add(self.peer)
        assert self.peer not in others

    def welcome(self) -> None:
        self.hello()
        self.say(Welcome(store="/", version=WIRE_VERSION, window_bytes=2**20))

    def acknowledge(self) -> None:
        message = self.hear()
        assert isinstance(message, Rows)
        self.say(Ack(ids=[message.id]))

    def say(self, message: Welcome | Ack | Refused) -> None:
        self.socket.send_multipart([self.peer, *encode(message)])

    def end(self) -> None:
        self.context.destroy(linger=1000)


@contextmanager
def played(lives: Callable[[Life], None]) -> Iterator[Gateway]:
    """A gateway whose server is played in a thread: `lives` gets a first life, and begins others at its endpoint."""
    first, failures = Life(), []

    def play() -> None:
        try:
            lives(first)
        except BaseException as failure:  # noqa: BLE001 -- it is raised again below
            failures.append(failure)

    thread = threading.Thread(target=play)
    thread.start()
    with Gateway(first.endpoint, run=RUN, sender="test", connect_timeout_s=240) as car_side:
        yield car_side
    thread.join()
    assert not failures, failures


def assert_what_waits_arrives(lives: Callable[[Life], None]) -> None:
    with played(lives) as car_side:
        car_side.send_rows("fires", "a", some_fires())
        car_side.drain()
        assert car_side.take_acknowledged() == ["a"]


def test_a_closed_port_that_opens_again_is_greeted_and_gets_what_waits() -> None:
    def lives(life: Life) -> None:
        life.welcome()
        life.end()
        again = Life(life.endpoint)
        again.welcome()
        again.acknowledge()
        again.end()

    assert_what_waits_arrives(lives)


def test_who_went_away_without_a_welcome_is_greeted_again_on_return() -> None:
    def lives(life: Life) -> None:
        life.welcome()
        life.end()
        for _ in range(3):
            mute = Life(life.endpoint)
            mute.hello()
            mute.end()
        again = Life(life.endpoint)
        again.welcome()
        again.acknowledge()
        again.end()

    assert_what_waits_arrives(lives)


def test_a_server_that_asked_for_an_hour_and_was_restarted_gets_what_waits() -> None:
    def lives(life: Life) -> None:
        life.welcome()
        message = life.hear()
        assert isinstance(message, Rows)
        life.say(Refused(id=message.id, code="disk_full", says="no room", retry_after_ms=3_600_000))
        life.end()
        again = Life(life.endpoint)
        again.welcome()
        again.acknowledge()
        again.end()

    assert_what_waits_arrives(lives)


def test_a_real_server_that_returns_acknowledges_without_any_patience_running_out(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = Server(store)
    with Gateway(first.endpoint, run=RUN, sender="test", connect_timeout_s=240) as car_side:
        first.kill()
        for i in range(20):
            car_side.send_rows("fires", str(i), some_fires(3 * i))
        assert car_side.waiting == 20
        second = Server(store, first.endpoint)
        car_side.drain()
        assert len(car_side.take_acknowledged()) == 20
        second.kill()


def test_libzmq_tries_a_closed_port_again_more_often_than_hearts_beat() -> None:
    options = connection._OPTIONS
    assert options[zmq.RECONNECT_IVL_MAX] < options[zmq.HEARTBEAT_IVL]
