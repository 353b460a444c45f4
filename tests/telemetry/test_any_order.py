"""Messages that come twice, late, out of order and under a taken id: each is kept once, and every answer is right."""

import tempfile
from itertools import pairwise
from pathlib import Path

import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import RUN, a_clip, a_server, some_fires

from telemetry import Loopback, open_run
from telemetry.codec import decode, encode_clip, encode_rows
from telemetry.intake import Intake
from telemetry.ledger import Incoming, Ledger
from telemetry.messages import Ack, Refused
from telemetry.metrics import Metrics
from telemetry.pieces import cut

NAMES, VARIANTS = 6, 2
SHUFFLED = st.lists(
    st.lists(st.tuples(st.integers(0, NAMES - 1), st.integers(0, VARIANTS - 1)), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
)
"""Groups of (name, variant): the same variant is the same message again, the other one other content under its id."""
PIECES = [frames for _, frames in cut("city/clip/long", encode_clip(a_clip("long", picture=bytes(range(256)) * 1_000)))]


def message(name: int, variant: int) -> list[bytes]:
    return list(encode_rows(RUN, "fires", f"b{name}", some_fires(100 * name + variant, 1)))


def code_of(answer: Refused | None) -> str:
    return answer.code if answer else "kept"


def answers(store: Path, group: list[list[bytes]], *, again: bool = False) -> list[str]:
    """Of a ledger that is opened for these alone, as after a restart; again: each group sent twice in a row."""
    ledger = Ledger(store)
    intake = Intake(ledger, Metrics())
    got = []
    for _ in range(1 + again):
        checked = [incoming for frames in group if isinstance(incoming := intake.check(frames), Incoming)]
        got = [code_of(answer) for answer in intake.keep(checked)]
    ledger.close()
    return got


@settings(max_examples=25, deadline=None)
@given(SHUFFLED, st.booleans())
def test_in_any_order_with_repeats_and_restarts_the_first_of_an_id_is_kept_once(
    groups: list[list[tuple[int, int]]], again: bool
) -> None:
    first: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        for group in groups:
            got = answers(store, [message(*each) for each in group], again=again)
            expected = ["kept" if first.setdefault(name, variant) == variant else "conflict" for name, variant in group]
            assert got == expected
        with Loopback(store, run=RUN) as server:
            server.flush()
        cars = open_run(store).sql("SELECT car FROM fires ORDER BY car").fetchall()
    assert cars == [(100 * name + variant,) for name, variant in sorted(first.items())]


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(len(PIECES))), st.lists(st.integers(0, len(PIECES) - 1), max_size=3))
def test_pieces_in_any_order_make_the_clip_once_its_last_one_comes_again(order: list[int], repeats: list[int]) -> None:
    last = len(PIECES) - 1
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        there: set[int] = set()
        whole = False
        for number in [*order, *repeats, last]:
            (got,) = answers(store, [PIECES[number]])
            whole = whole or (number == last and len(there) == last)
            assert got == ("pieces_missing" if number == last and not whole else "kept")
            there |= {number} - {last}
        with Loopback(store, run=RUN) as server:
            server.flush()
        assert open_run(store).sql("SELECT clip FROM clips").fetchall() == [("long",)]


def test_over_a_socket_a_shuffled_sender_gets_an_answer_to_each_and_is_kept_once(tmp_path: Path) -> None:
    """Every message three times over, a stride apart that shares no factor with their number; one under a taken id."""
    count = 40
    order = [(17 * i) % count for i in range(3 * count)]
    assert any(later < sooner for sooner, later in pairwise(order))
    acknowledged: list[str] = []
    with a_server(tmp_path / "store") as server, zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.RCVTIMEO, 120_000)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(server.endpoint)
        for number in order:
            dealer.send_multipart(message(number, 0))
        dealer.send_multipart(message(7, 1))
        refused: list[tuple[str, str]] = []
        while len(acknowledged) < len(order) or not refused:
            answer, _ = decode(dealer.recv_multipart())
            if isinstance(answer, Refused):
                refused.append((answer.id, answer.code))
            else:
                assert isinstance(answer, Ack)
                acknowledged += answer.ids
        assert server.stop() == 0
    assert refused == [(f"{RUN}/rows/fires/b7", "conflict")]
    assert sorted(acknowledged) == sorted(f"{RUN}/rows/fires/b{number}" for number in order)
    cars = open_run(tmp_path / "store").sql("SELECT car FROM fires ORDER BY car").fetchall()
    assert cars == [(100 * number,) for number in range(count)]
