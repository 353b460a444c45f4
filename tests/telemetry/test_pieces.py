"""Messages that are too long to go in one."""

from pathlib import Path

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import RUN, Server, a_clip, a_server, some_fires

from telemetry import Gateway, open_run
from telemetry.clips import read_clip
from telemetry.codec import decode, encode, encode_clip
from telemetry.errors import MalformedMessage
from telemetry.intake import Intake
from telemetry.ledger import Incoming, Ledger
from telemetry.messages import MAX_FRAME_BYTES, PIECE_BYTES, Ack, Piece, Refused
from telemetry.metrics import Metrics
from telemetry.pieces import cut, joined

LONG = a_clip("long", picture=bytes(range(256)) * 2_000)  # 1.5 MB


def keep(ledger: Ledger, pieces: list[list[bytes]]) -> list[Refused | None]:
    intake = Intake(ledger, Metrics())
    return intake.keep([message for frames in pieces if isinstance(message := intake.check(frames), Incoming)])


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(PIECE_BYTES - 20, PIECE_BYTES + 20))
def test_any_message_is_its_pieces_put_together(frames: int, nbytes: int) -> None:
    message = [bytes([number]) * (nbytes // frames) for number in range(frames)]
    pieces = [decode(piece) for _, piece in cut("x", message)] if sum(map(len, message)) > PIECE_BYTES else []
    for piece, parts in pieces:
        assert isinstance(piece, Piece)
        assert len(parts[0]) <= PIECE_BYTES
    if pieces:
        last = pieces[-1][0]
        assert isinstance(last, Piece)
        assert joined("x", bytes.fromhex(last.digest), [parts[0] for _, parts in pieces]) == message


def test_a_piece_fits_where_a_frame_must() -> None:
    for _, frames in cut("x" * 600, encode_clip(LONG)):
        assert max(len(frame) for frame in frames) < MAX_FRAME_BYTES


def test_a_long_clip_arrives_whole(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        gateway.send_clip(LONG)
        gateway.flush()
        assert gateway.take_acknowledged() == ["long"]
    assert read_clip(tmp_path / "store/clips/long.mcap").frames == LONG.frames


def test_a_clip_in_one_that_should_come_in_pieces_is_too_large(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.RCVTIMEO, 120_000)
        dealer.connect(server.endpoint)
        dealer.send_multipart(encode_clip(a_clip("big", picture=bytes(200_000))))
        refused, _ = decode(dealer.recv_multipart())
    assert isinstance(refused, Refused)
    assert refused.code == "too_large"


def test_a_broken_link_costs_a_piece_and_not_the_clip(tmp_path: Path) -> None:
    """The server is killed when it has acknowledged some; the rest alone makes the clip whole."""
    pieces = list(cut("city/clip/long", encode_clip(LONG)))
    first = Server(tmp_path / "store")
    with zmq.Context() as context:
        _deliver(context, first.endpoint, [frames for _, frames in pieces[:3]])
        first.kill()
        with a_server(tmp_path / "store") as second:
            answers = _deliver(context, second.endpoint, [frames for _, frames in pieces[3:]])
            assert answers[-1] == "city/clip/long"
            assert second.stop() == 0
    assert open_run(tmp_path / "store").sql("SELECT clip FROM clips").fetchall() == [("long",)]


def test_pieces_sent_again_make_the_clip_once(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server:
        for _ in range(2):
            with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
                gateway.send_clip(LONG)
                gateway.flush()
        assert server.stop() == 0
    assert open_run(tmp_path / "store").sql("SELECT count(*) FROM clips").fetchall() == [(1,)]


def test_the_last_piece_alone_is_not_acknowledged(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    (refused,) = keep(ledger, [list(cut("city/clip/long", encode_clip(LONG)))[-1][1]])
    assert refused
    assert refused.code == "pieces_missing"
    ledger.close()


def test_other_content_under_a_taken_id_is_a_conflict_in_pieces_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    other = a_clip("long", picture=bytes(500_000))
    for clip, code in ((LONG, None), (LONG, None), (other, "conflict")):
        *_, answer = keep(ledger, [frames for _, frames in cut("city/clip/long", encode_clip(clip))])
        assert (answer and answer.code) == code
    assert ledger.last_seq == 1
    ledger.close()


def test_a_sender_may_begin_anew_with_other_content_before_it_is_whole(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    keep(ledger, [frames for _, frames in cut("city/clip/long", encode_clip(LONG))][:3])
    other = a_clip("long", picture=bytes(500_000))
    answers = keep(ledger, [frames for _, frames in cut("city/clip/long", encode_clip(other))])
    assert answers[-1] is None
    assert next(ledger.entries(0, 1)).clip().frames == other.frames
    ledger.close()


def test_pieces_that_make_no_message_are_refused_and_forgotten(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    answers = keep(ledger, [frames for _, frames in cut("city/clip/x", [bytes(600_000)])])
    assert answers[-1]
    assert answers[-1].code == "malformed"
    assert answers[-1].id == "city/clip/x"
    ledger.close()
    assert list((tmp_path / "inbox/segments").iterdir()) == []


def test_a_segment_stays_while_a_piece_in_it_is_needed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, segment_bytes=100_000)
    pieces = [frames for _, frames in cut("city/clip/long", encode_clip(LONG))]
    keep(ledger, pieces[:-1])
    for i in range(3):
        keep(ledger, [encode_clip(a_clip(f"c{i}", picture=bytes(50_000)))])
    ledger.prune(ledger.last_seq)
    assert keep(ledger, pieces[-1:]) == [None]
    ledger.close()


@pytest.mark.parametrize("wrong", [{"number": 7}, {"id": "city/clip/long#1"}, {"count": 2}])
def test_a_piece_that_contradicts_itself_is_none(wrong: dict[str, object]) -> None:
    piece = {"id": "city/clip/long#0", "of": "city/clip/long", "digest": "0" * 32, "number": 0, "count": 7}
    with pytest.raises(MalformedMessage):
        decode(encode(Piece(**(piece | wrong)), [bytes(1_000)]))


def _deliver(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, messages: list[list[bytes]]) -> list[str]:
    """Send them, and wait until each is acknowledged; the ids in the order of the answers."""
    ids: list[str] = []
    with context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.RCVTIMEO, 120_000)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(endpoint)
        for frames in messages:
            dealer.send_multipart(frames)
        while len(ids) < len(messages):
            answer, _ = decode(dealer.recv_multipart())
            assert isinstance(answer, Ack)
            ids += answer.ids
    return ids


def test_short_and_long_messages_mix(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        for i in range(4):
            gateway.send_clip(a_clip(f"long {i}", picture=bytes([i]) * 300_000))
            gateway.send_rows("fires", f"b{i}", some_fires(10 * i))
        gateway.flush()
        assert sorted(gateway.take_acknowledged()) == sorted(f"{kind}{i}" for i in range(4) for kind in ("b", "long "))
