"""`benchmarks/faults.py` in small: what its figures are made of, and that nothing is lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from faults import many_sockets, sender_killed, server_killed
from instruments.cars import a_dealer, acknowledged_now, welcomed
from instruments.place import Place
from instruments.roles import ROWS, RUN, rows
from telemetry.codec import encode_rows


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A place with keys, whose processes end with the test."""
    with Place(tmp_path) as here:
        yield here


def test_a_server_killed_again_and_again_under_load_loses_and_doubles_nothing(here: Place) -> None:
    found = server_killed(here, kills=3)
    assert found["acknowledged"] > 0
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)


def test_a_sender_killed_again_and_again_begins_at_its_barrier_and_loses_and_doubles_nothing(here: Place) -> None:
    found = sender_killed(here, kills=6)
    assert found["sent_again"] > 0, "none of the kills fell between two barriers"
    assert found["acknowledged"] > 0
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)


def test_a_count_finds_what_is_missing_and_what_is_there_twice(here: Place) -> None:
    """The control: the same count, told of a barrier that never was, and with a row that came under two ids."""
    server = here.server()
    with zmq.Context() as context, welcomed(a_dealer(context, server.said, here.sender), RUN) as dealer:
        for batch in ("one", "two"):
            dealer.send_multipart(encode_rows(RUN, "fires", batch, rows("b0-0", ROWS)))
        told: set[str] = set()
        while len(told) < 2 and dealer.poll(120_000):
            told |= set(acknowledged_now(dealer))
    assert server.end(signal.SIGTERM) == 0
    (here.folder / "acknowledged").write_text("b0-0\nb0-1\nc0-0\n")
    assert here.lost_and_doubled() == (ROWS + 1, ROWS)


def test_a_hundred_connections_with_a_key_each_are_all_served(here: Place) -> None:
    found = many_sockets(here, sockets=100, each=2)
    assert found["served"] == 100
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)
