"""The bytes of a segment of the log: a head, then records, each of which says what it is and where it ends.

A reader needs nothing else than the file: it takes records from the head on until the first that is none. All numbers
are little-endian. Checksums of records are seeded with the segment's own salt, so that bytes of another segment, or of
what a sender put into a message, never pass for a record of this one.

    head     OUTRSEG1, number, salt, number of the first message, where the segment before ended (uint64 each), checksum
    record   OREC, bytes of `about`, bytes of the body (uint32 each), checksum, about (msgpack), the message's frames
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
import xxhash

from telemetry.codec import Frame
from telemetry.record import lengths

_MAGIC, _RECORD_MAGIC = b"OUTRSEG1", b"OREC"
_HEAD = struct.Struct("<8sQQQQ")
_RECORD = struct.Struct("<4sII")
_SUM_BYTES = 8
HEAD_BYTES = _HEAD.size + _SUM_BYTES
RECORD_BYTES = _RECORD.size + _SUM_BYTES
MAX_ABOUT_BYTES = 8_192


def segment_file(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / f"{number:08}.seg"


class Head(NamedTuple):
    """How a segment begins.

    first: the number that its first message has, or would have; before_end: where the segment before it ended
    """

    number: int
    salt: int
    first: int
    before_end: int

    def packed(self) -> bytes:
        """As it stands in the file."""
        raw = _HEAD.pack(_MAGIC, *self)
        return raw + xxhash.xxh3_64_digest(raw)

    @classmethod
    def read(cls, fd: int) -> Self | None:
        """Of an open segment; None where there is none."""
        raw = os.pread(fd, HEAD_BYTES, 0)
        if len(raw) < HEAD_BYTES or xxhash.xxh3_64_digest(raw[: _HEAD.size]) != raw[_HEAD.size :]:
            return None
        magic, *numbers = _HEAD.unpack_from(raw)
        return cls(*numbers) if magic == _MAGIC else None


class About(msgspec.Struct, frozen=True, array_like=True):
    """What a record holds.

    seq: the number of the message; of a piece, of the last message before it
    id: of the message; of a piece, of what it is part of
    digest: of the message, or of what the piece is part of
    owner: the key that it came under
    piece: which one it is, None where the message is whole
    """

    seq: int
    id: str
    digest: bytes
    owner: str = ""
    piece: int | None = None


class Record(NamedTuple):
    """A record that was read; body: the frames as `record.split` takes them, end: the first byte behind it."""

    about: About
    body: bytes
    end: int


_PACK = msgspec.msgpack.Encoder()
_ABOUT = msgspec.msgpack.Decoder(About)


def pack_record(about: About, frames: Sequence[Frame], salt: int) -> list[Frame]:
    """A record, as chunks to be written one after the other; the frames are not copied."""
    raw, sizes = _PACK.encode(about), lengths(frames)
    head = _RECORD.pack(_RECORD_MAGIC, len(raw), len(sizes) + sum(map(len, frames)))
    total = xxhash.xxh3_64(b"".join((head, raw, sizes)), salt)
    for frame in frames:
        total.update(frame)
    return [b"".join((head, total.digest(), raw, sizes)), *frames]


def read_record(fd: int, at: int, salt: int, size: int | None = None) -> Record | None:
    """The record that begins at a byte of an open segment, None where there is no whole one; size: of the file."""
    head = os.pread(fd, RECORD_BYTES, at)
    if len(head) < RECORD_BYTES:
        return None
    magic, about_bytes, body_bytes = _RECORD.unpack_from(head)
    end = at + RECORD_BYTES + about_bytes + body_bytes
    if magic != _RECORD_MAGIC or about_bytes > MAX_ABOUT_BYTES or end > (size or os.fstat(fd).st_size):
        return None
    rest = os.pread(fd, about_bytes + body_bytes, at + RECORD_BYTES)
    total = xxhash.xxh3_64(head[: _RECORD.size], salt)
    total.update(rest)
    if total.digest() != head[_RECORD.size :]:
        return None
    try:
        return Record(_ABOUT.decode(rest[:about_bytes]), rest[about_bytes:], end)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
