"""`benchmarks/faults.py` in small: what its figures are made of, and that nothing is lost."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fixtures import benchmark


@pytest.fixture(scope="module")
def faults() -> Iterator[ModuleType]:
    with benchmark("faults") as module:
        yield module


@pytest.fixture
def here(faults: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """A place with keys, whose processes end with the test."""
    with faults.Place(tmp_path) as here:
        yield here


def test_a_server_killed_again_and_again_under_load_loses_and_doubles_nothing(faults: ModuleType, here: Any) -> None:
    found = faults.server_killed(here, kills=3)
    assert found["acknowledged"] > 0
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)


def test_a_sender_killed_again_and_again_begins_at_its_barrier_and_loses_and_doubles_nothing(
    faults: ModuleType, here: Any
) -> None:
    found = faults.sender_killed(here, kills=6)
    assert found["sent_again"] > 0, "none of the kills fell between two barriers"
    assert found["acknowledged"] > 0
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)


def test_a_count_finds_what_is_missing_and_what_is_there_twice(faults: ModuleType, here: Any) -> None:
    """The control: the same count, told of a barrier that never was, and with a row that came under two ids."""
    server = here.server()
    with faults.zmq.Context() as context, faults.a_dealer(context, server.said, here.sender) as dealer:
        for batch in ("one", "two"):
            dealer.send_multipart(faults.encode_rows(faults.RUN, "fires", batch, faults.fires("b0-0", faults.ROWS)))
        told: set[str] = set()
        while len(told) < 2 and dealer.poll(120_000):
            told |= set(faults.acknowledged_now(dealer))
    assert server.end(faults.signal.SIGTERM) == 0
    (here.folder / "acknowledged").write_text("b0-0\nb0-1\nc0-0\n")
    assert here.lost_and_doubled() == (faults.ROWS + 1, faults.ROWS)


def test_a_hundred_connections_with_a_key_each_are_all_served(faults: ModuleType, here: Any) -> None:
    found = faults.many_sockets(here, sockets=100, each=2)
    assert found["served"] == 100
    assert (found["lost"], found["doubled"], found["exit_code"]) == (0, 0, 0)
