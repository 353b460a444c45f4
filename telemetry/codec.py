"""Messages to bytes and back; whatever comes from outside and is not one of ours raises MalformedMessage.

A message is a row of frames: the first is a prefix of 21 bytes and a head (a msgpack map), the others are raw parts,
a picture each. The prefix is b"OUTR", the version as a byte, and an xxh3-128 over the version, the lengths of head and
parts, and their bytes, so that no flipped bit anywhere goes unnoticed. See docs/wire.md.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
import numpy as np
import xxhash

from telemetry.clip import Clip, hash_pictures
from telemetry.columns import ColumnLike, check_rows, pack_rows
from telemetry.errors import BadClip, ForeignVersion, MalformedMessage, TooBig, WrongColumns
from telemetry.messages import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    PIECE_BYTES,
    WIRE_VERSION,
    AnyMessage,
    ClipUpload,
    Message,
    Piece,
    Rows,
    Stored,
    clip_message_id,
)

MAGIC = b"OUTR"
WHY_CHARACTERS = 300  # of what is wrong with a message; the reason quotes it
PREFIX_BYTES = len(MAGIC) + 1 + 16

Frame = bytes | memoryview

_BEGINNING = MAGIC + bytes([WIRE_VERSION])
_HEAD: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_ALIKE = (
    "car", "tick", "t_us", "trigger", "version", "score", "priority", "complete", "sha256", "run",
    "calibration", "poses", "signals", "percepts", "shadows",
)  # fmt: skip


def encode(message: Message, parts: Sequence[bytes] = ()) -> list[bytes]:
    """The frames of a message."""
    head = _PACK.encode(message)
    return [b"".join((_BEGINNING, _digest(head, parts), head)), *parts]


def decode(frames: Sequence[Frame]) -> tuple[AnyMessage, list[Frame]]:
    """A message and its raw parts, with every limit and every rule checked.

    Raises MalformedMessage and nothing else; its `message_id` is set where the message was whole but broke a rule.
    """
    head, parts = _open(frames)
    message = _read_head(head)
    if isinstance(message, ClipUpload):
        _check_clip(message, parts)
    elif isinstance(message, Piece):
        _check_piece(message, parts)
    elif parts:
        raise MalformedMessage(f"a {type(message).__name__} has no parts, this has {len(parts)}")
    elif isinstance(message, Rows):
        check_rows(message)
    return message, parts


def decode_kept(frames: Sequence[Frame]) -> tuple[Stored, list[Frame]]:
    """A message that was taken and kept: its bytes are checked, its rules were; raises MalformedMessage."""
    head, parts = _open(frames)
    message = _read_head(head)
    if not isinstance(message, ClipUpload | Rows):
        raise MalformedMessage(f"a {type(message).__name__} is not kept")
    return message, parts


def digest_of(frames: Sequence[Frame]) -> bytes:
    """The checksum that stands in the prefix of a message that was decoded."""
    return bytes(frames[0][len(MAGIC) + 1 : PREFIX_BYTES])


def encode_clip(clip: Clip) -> list[bytes]:
    """The frames of a clip's upload; raises BadClip or TooBig."""
    upload = ClipUpload(
        id=clip_message_id(clip.run, clip.id),
        clip=clip.id,
        ticks=list(clip.ticks),
        cameras=list(clip.cameras),
        top_down=list(clip.top_down),
        **{name: getattr(clip, name) for name in _ALIKE},
    )
    try:
        frames = encode(upload, clip.parts)
        _check_size(upload.id, frames)
        _check_clip(cast("ClipUpload", _read_head(memoryview(frames[0])[PREFIX_BYTES:])), frames[1:])
    except MalformedMessage as error:
        raise BadClip(clip.id, error.why) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise BadClip(clip.id, str(error)) from error
    return frames


def encode_rows(run: str, table: str, batch: str, columns: Mapping[str, ColumnLike]) -> list[bytes]:
    """The frames of a batch of rows; raises UnknownTable, WrongColumns or TooBig."""
    rows = pack_rows(run, table, batch, columns)
    frames = encode(rows)
    _check_size(rows.id, frames)
    try:
        decode(frames)
    except MalformedMessage as error:
        raise WrongColumns(table, error.why) from None
    return frames


def clip_of(upload: ClipUpload, parts: Sequence[Frame]) -> Clip:
    """The clip that was uploaded."""
    cameras, width = len(upload.cameras), len(upload.cameras) + len(upload.top_down)
    rows = [[bytes(part) for part in parts[i * width : (i + 1) * width]] for i in range(len(upload.ticks))]
    return Clip(
        id=upload.clip,
        ticks=tuple(upload.ticks),
        cameras=tuple(upload.cameras),
        frames=[row[:cameras] for row in rows],
        top_down={name: [row[cameras + i] for row in rows] for i, name in enumerate(upload.top_down)},
        run=upload.run,
        car=upload.car,
        tick=upload.tick,
        t_us=upload.t_us,
        trigger=upload.trigger,
        version=upload.version,
        score=upload.score,
        priority=upload.priority,
        calibration=upload.calibration,
        poses=upload.poses,
        signals=upload.signals,
        percepts=upload.percepts,
        shadows=upload.shadows,
        complete=upload.complete,
        sha256=upload.sha256,
    )


def _open(frames: Sequence[Frame]) -> tuple[Frame, list[Frame]]:
    """Head and parts, once the prefix agrees with them."""
    if not frames:
        raise MalformedMessage("no frames")
    first, *parts = frames
    if len(first) <= PREFIX_BYTES or first[:4] != MAGIC:
        raise MalformedMessage("does not begin as ours do")
    if first[4] != WIRE_VERSION:
        raise ForeignVersion(WIRE_VERSION, first[4])
    head = memoryview(first)[PREFIX_BYTES:]
    _check_limits(len(head), parts)
    if _digest(head, parts) != digest_of(frames):
        raise MalformedMessage("checksum is wrong")
    return head, parts


def _check_limits(head_bytes: int, parts: Sequence[Frame]) -> None:
    if head_bytes <= MAX_HEAD_BYTES and not parts:
        return
    sizes = [len(part) for part in parts]
    if head_bytes > MAX_HEAD_BYTES or len(sizes) > MAX_PARTS or sum(sizes) > MAX_BODY_BYTES:
        raise MalformedMessage(f"too big: {head_bytes} bytes of head, {len(sizes)} parts of {sum(sizes)} bytes")
    if sizes and max(sizes) > MAX_PART_BYTES:
        raise MalformedMessage(f"too big: a part of {max(sizes)} bytes")


def _check_size(message_id: str, frames: Sequence[bytes]) -> None:
    head, sizes = len(frames[0]) - PREFIX_BYTES, [len(part) for part in frames[1:]]
    for what, size, limit in (
        ("bytes of head", head, MAX_HEAD_BYTES),
        ("parts", len(sizes), MAX_PARTS),
        ("bytes in one part", max(sizes, default=0), MAX_PART_BYTES),
        ("bytes in all parts", sum(sizes), MAX_BODY_BYTES),
    ):
        if size > limit:
            raise TooBig(message_id, what, size, limit)


def _read_head(head: Frame) -> AnyMessage:
    try:
        return _HEAD.decode(head)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedMessage((str(error) or type(error).__name__)[:WHY_CHARACTERS]) from None


def _check_clip(upload: ClipUpload, parts: Sequence[Frame]) -> None:
    """What types alone cannot say: lengths agree, ticks ascend, the pictures are those that were hashed."""
    ticks, cameras, viewers = len(upload.ticks), len(upload.cameras), len(upload.top_down)
    series = [upload.signals, upload.percepts, *upload.shadows.values()]
    for wrong, why in (
        (upload.id != clip_message_id(upload.run, upload.clip), "id is not made of run and clip"),
        (
            len(parts) != ticks * (cameras + viewers),
            f"{len(parts)} pictures, not {ticks} ticks of {cameras} cameras" + (f" and {viewers} maps" * (viewers > 0)),
        ),
        (any(b <= a for a, b in zip(upload.ticks, upload.ticks[1:], strict=False)), "ticks do not ascend"),
        (len(set(upload.cameras)) != cameras, "a camera comes twice"),
        (len(set(upload.top_down)) != viewers, "a viewer comes twice"),
        (len(upload.calibration) != cameras, f"{len(upload.calibration)} calibrations, not {cameras}"),
        (len(upload.poses) != ticks, f"{len(upload.poses)} poses, not {ticks}"),
        (any(len(row) != ticks for one in series for row in one.values()), f"a series is not of {ticks} ticks"),
    ):
        if wrong:
            raise MalformedMessage(why, message_id=upload.id)
    if hash_pictures(parts) != upload.sha256:
        raise MalformedMessage("sha256 is not that of the pictures", message_id=upload.id)


def _check_piece(piece: Piece, parts: Sequence[Frame]) -> None:
    """A piece has one part of the agreed length, and the last one bears the whole's id."""
    last = piece.number == piece.count - 1
    size = len(parts[0]) if len(parts) == 1 else 0
    for wrong, why in (
        (piece.number >= piece.count, f"piece {piece.number} of {piece.count}"),
        (
            piece.id != (piece.of if last else f"{piece.of}#{piece.number}"),
            "id is not made of the whole's and its number",
        ),
        (not 1 <= size <= PIECE_BYTES or (not last and size != PIECE_BYTES), f"{len(parts)} parts of {size} bytes"),
    ):
        if wrong:
            raise MalformedMessage(why, message_id=piece.id)


def _digest(head: Frame, parts: Sequence[Frame]) -> bytes:
    lengths = struct.pack(f"<B{1 + len(parts)}Q", WIRE_VERSION, len(head), *map(len, parts))
    total = xxhash.xxh3_128(lengths)
    total.update(head)
    for part in parts:
        total.update(part)
    return total.digest()


def _plain(value: object) -> object:
    """What is packed in place of a numpy value."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form on the wire")


_PACK = msgspec.msgpack.Encoder(enc_hook=_plain)
