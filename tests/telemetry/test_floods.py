"""Who goes on sending over its quota, deaf to refusals; and who never reads an answer."""

from pathlib import Path

import zmq
from test_security import locked, raw_dealer
from wire_samples import RUN, a_clip, a_server, some_fires

from telemetry import Gateway, open_run
from telemetry.codec import decode, encode_clip, encode_rows
from telemetry.deafness import ANSWERS_A_S, WINDOW_BYTES, Deafness
from telemetry.messages import Ack

CLIP_BYTES = 200_000


def test_what_an_honest_sender_has_under_way_does_not_make_it_deaf() -> None:
    """All of its window comes in after the first refusal; then it asks with a long message every second, for a day."""
    deafness = Deafness()
    for _ in range(WINDOW_BYTES // CLIP_BYTES):
        deafness.may_be_read("key", CLIP_BYTES, 0.0)
    read = [deafness.may_be_read("key", CLIP_BYTES, 1.0 + second) for second in range(86_400)]
    assert all(read)
    assert deafness.take_deaf() == []


def test_who_sends_more_than_a_window_after_a_refusal_is_deaf_and_is_answered_ever_less() -> None:
    deafness, read, messages = Deafness(), 0, 0
    while not (deaf := deafness.take_deaf()):
        read += deafness.may_be_read("key", 2_000, messages / 10_000)
        messages += 1
    assert deaf == ["key"]
    assert read <= ANSWERS_A_S * (1 + messages / 10_000)
    assert messages * 2_000 > WINDOW_BYTES


def test_a_key_that_is_within_its_quota_again_begins_anew() -> None:
    deafness = Deafness()
    for _ in range(WINDOW_BYTES // CLIP_BYTES):
        deafness.may_be_read("key", CLIP_BYTES, 0.0)
        deafness.listened("key")
    assert deafness.may_be_read("key", CLIP_BYTES, 0.0)


def test_one_that_floods_deaf_to_refusals_is_cut_off_and_others_go_on(tmp_path: Path) -> None:
    with locked(tmp_path) as door, door.gateway(door.other, "modest") as modest, zmq.Context() as context:
        before = door.server.memory_bytes
        with raw_dealer(context, door, door.mine) as flooder:
            flooder.setsockopt(zmq.SNDTIMEO, 100)
            flooder.connect(door.server.endpoint)
            number = 0
            while not door.metric("deaf"):
                number += 1
                picture = number.to_bytes(4, "big") * (CLIP_BYTES // 12)
                try:
                    flooder.send_multipart(encode_clip(a_clip(f"flood {number}", picture=picture)))
                except zmq.Again:
                    continue  # it is outside, and knocks
                if number % 40 == 0:
                    modest.send_rows("fires", str(number), some_fires(10, 5))
                    modest.drain()
        assert number * CLIP_BYTES > WINDOW_BYTES
        assert door.server.memory_bytes - before < 100_000_000
        modest.flush()
        assert modest.waiting == 0
        assert door.metric("quota") > 0
        ((kept,),) = open_run(door.store).sql("SELECT sum(bytes) FROM clips").fetchall()
        assert kept <= 2_000_000 + CLIP_BYTES


def test_one_that_reads_no_answer_holds_up_nobody_and_has_them_when_it_asks_again(tmp_path: Path) -> None:
    """Duplicates of long names, so that the answers are long: far more than its connection can hold."""
    names = [str(number).ljust(190, "_") for number in range(64)]
    messages = [encode_rows("deaf" * 40, "fires", name, some_fires(0, 1)) for name in names]
    with a_server(tmp_path / "store") as server, zmq.Context() as context, context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.RCVBUF, 4_096)
        deaf.setsockopt(zmq.RCVTIMEO, 120_000)
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.connect(server.endpoint)
        with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
            before, sent = server.memory_bytes, 0
            while "answer_dropped" not in server.log.read_text():
                assert sent < 400_000, "it held them all"
                for _ in range(20):
                    for frames in messages:
                        deaf.send_multipart(frames)
                sent += 20 * len(messages)
                gateway.send_rows("fires", str(sent), some_fires(0, 3))
                gateway.drain()
            assert server.memory_bytes - before < 64_000_000
        while deaf.poll(500):
            deaf.recv_multipart()
        for frames in messages:
            deaf.send_multipart(frames)
        had: set[str] = set()
        while len(had) < len(names):
            answer, _ = decode(deaf.recv_multipart())
            assert isinstance(answer, Ack)
            had |= set(answer.ids)
        assert server.stop() == 0
