import math

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import RUN, a_clip, every_message, some_fires

from telemetry.codec import MAGIC, PREFIX_BYTES, clip_of, decode, encode, encode_clip, encode_rows
from telemetry.columns import unpack_rows
from telemetry.errors import BadClip, ForeignVersion, MalformedMessage, TooBig
from telemetry.messages import MESSAGES, WIRE_VERSION, AnyMessage, ClipUpload, Hello, Rows

SAMPLES = every_message()
every_sample = pytest.mark.parametrize("frames", SAMPLES.values(), ids=SAMPLES)


def whole(frames: list[bytes]) -> tuple[AnyMessage, list[bytes]]:
    message, parts = decode(frames)
    return message, [bytes(part) for part in parts]


def sealed(head: bytes, *parts: bytes) -> list[bytes]:
    """Frames with a right checksum around any head."""
    from telemetry.codec import _digest

    return [MAGIC + bytes([WIRE_VERSION]) + _digest(head, parts) + head, *parts]


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(decode(frames)[0]) for frames in SAMPLES.values()} == set(MESSAGES)


@every_sample
def test_a_message_survives_the_wire(frames: list[bytes]) -> None:
    message, parts = whole(frames)
    assert encode(message, parts) == frames


def test_a_clip_survives_the_wire() -> None:
    message, parts = decode(encode_clip(a_clip()))
    assert isinstance(message, ClipUpload)
    assert clip_of(message, parts) == a_clip()


def test_rows_survive_the_wire() -> None:
    message, _ = decode(encode_rows(RUN, "fires", "b", some_fires() | {"score": [0.5, None, math.nan]}))
    assert isinstance(message, Rows)
    columns = unpack_rows(message)
    assert columns["car"].tolist() == [0, 1, 2]
    assert columns["clip"] == ["0-0-surprise", "1-0-surprise", "2-0-surprise"]
    assert columns["score"].tolist() == [0.5, None, None]


@every_sample
def test_every_truncation_is_refused(frames: list[bytes]) -> None:
    first, *parts = frames
    for end in range(len(first)):
        with pytest.raises(MalformedMessage):
            decode([first[:end], *parts])
    for gone in range(len(frames)):
        with pytest.raises(MalformedMessage):
            decode(frames[:gone])


@every_sample
def test_every_flipped_bit_is_noticed(frames: list[bytes]) -> None:
    for which, frame in enumerate(frames):
        for bit in range(8 * len(frame)):
            flipped = bytearray(frame)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(MalformedMessage):
                decode([*frames[:which], bytes(flipped), *frames[which + 1 :]])


@every_sample
def test_a_part_too_many_is_refused(frames: list[bytes]) -> None:
    with pytest.raises(MalformedMessage):
        decode([*frames, b""])


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_rubbish_is_refused(frames: list[bytes]) -> None:
    with pytest.raises(MalformedMessage):
        decode(frames)


@settings(max_examples=300)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_rubbish_with_a_right_checksum_is_refused_or_well_typed(name: str, data: st.DataObject) -> None:
    first, *parts = SAMPLES[name]
    head = bytearray(first[PREFIX_BYTES:])
    for at in data.draw(st.lists(st.integers(0, len(head) - 1), min_size=1, max_size=4)):
        head[at] = data.draw(st.integers(0, 255))
    try:
        message, kept = whole(sealed(bytes(head), *parts))
    except MalformedMessage:
        return
    assert whole(encode(message, kept)) == (message, kept)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(
    st.sampled_from([message.__struct_config__.tag for message in MESSAGES]), st.dictionaries(st.text(max_size=9), JSON)
)
def test_any_other_map_is_refused(kind: str, fields: dict[str, object]) -> None:
    with pytest.raises(MalformedMessage):
        decode(sealed(msgpack.packb({"kind": kind, **fields})))


@pytest.mark.parametrize(
    "head",
    [
        b"\xdd\xff\xff\xff\xff",  # says it has 2**32 elements
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 100_000,  # a list in a list in a list
        b"\x81\xa4kind" * 50_000,
        b"\xdc\xff\xff" + b"\x80" * 65_535,  # an empty map takes 64 bytes
        msgpack.packb({"kind": "hello", "sender": "\ud800", "run": "r"}, unicode_errors="surrogatepass"),
        msgpack.packb({"kind": "hello", "sender": "s", "run": "r", "more": 1}),
        msgpack.packb({"kind": "ack", "ids": []}),
        msgpack.packb({"kind": "ack", "ids": ["x"] * 1025}),
        msgpack.packb({"kind": "bye"}),
        msgpack.packb(msgpack.Timestamp(1)),
    ],
)
def test_a_bomb_is_refused(head: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(sealed(head))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_in_a_header(value: float) -> None:
    with pytest.raises(BadClip, match="score"):
        encode_clip(a_clip(score=value))
    with pytest.raises(BadClip, match="signals"):
        encode_clip(a_clip(signals={"Vehicle.Speed": [1.0, value]}))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"ticks": (101, 100)}, "ascend"),
        ({"cameras": ("main", "main")}, "twice"),
        ({"frames": [[b"one"]]}, "pictures"),
        ({"poses": []}, "poses"),
        ({"signals": {"Vehicle.Speed": [1.0]}}, "series"),
        ({"calibration": []}, "calibrations"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"car": -1}, "car"),
        ({"percepts": {"lead": [object(), 1.0]}}, "object"),
    ],
)
def test_a_clip_that_contradicts_itself_cannot_be_sent(other: dict[str, object], why: str) -> None:
    with pytest.raises(BadClip, match=why):
        encode_clip(a_clip(**other))


def test_a_picture_over_the_limit_cannot_be_sent() -> None:
    with pytest.raises(TooBig, match="in one part"):
        encode_clip(a_clip(picture=bytes(5 * 2**20)))


def test_numbers_of_numpy_travel_as_plain_ones() -> None:
    clip = a_clip(score=np.float32(0.75), percepts={"lead": np.array([[0.5, 12.0], [0.25, 11.0]], np.float32)})
    message, parts = decode(encode_clip(clip))
    assert isinstance(message, ClipUpload)
    assert clip_of(message, parts) == a_clip()


def test_another_version_says_so() -> None:
    first = bytearray(SAMPLES["hello"][0])
    first[4] = 1
    with pytest.raises(ForeignVersion, match="version 1 of the wire, this is version 3"):
        decode([bytes(first)])


@every_sample
def test_msgpack_and_msgspec_agree_on_every_byte(frames: list[bytes]) -> None:
    head = frames[0][PREFIX_BYTES:]
    message, _ = decode(frames)
    assert msgspec.msgpack.encode(message) == head
    assert msgpack.unpackb(head) == msgspec.to_builtins(message, builtin_types=[bytes])


@given(JSON)
def test_msgpack_and_msgspec_agree_on_plain_values_both_ways(value: object) -> None:
    packed = msgpack.packb(value)
    assert msgspec.msgpack.encode(value) == packed
    assert repr(msgspec.msgpack.decode(packed)) == repr(msgpack.unpackb(packed))


def test_a_hello_has_a_name_for_its_sender() -> None:
    with pytest.raises(MalformedMessage, match="sender"):
        decode(encode(Hello(sender="", run=RUN, versions=[3, 3])))
