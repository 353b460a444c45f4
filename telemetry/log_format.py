"""The bytes of a segment of the log: a head, then records, each of which says what it is and where it ends.

A reader needs nothing else than the file: it takes records from the head on until the first that is none. All numbers
are little-endian. Records begin with the segment's own salt and their checksums are seeded with it, so that bytes of
another segment, or of what a sender put into a message, never pass for a record of this one.

    head     OUTRSEG2, number, salt, number of the first message, where the segment before ended (uint64 each), checksum
    record   salt (uint64), bytes of `about`, bytes of the body (uint32 each), synced (uint64), checksum,
             about (msgpack), the message's frames

`synced` says up to which byte the segment was on the disk when the record was written. What a crash left unfinished is
followed by nothing that says it was synced; what was damaged later is.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
import xxhash

from telemetry.codec import Frame
from telemetry.record import lengths

_MAGIC = b"OUTRSEG2"
_HEAD = struct.Struct("<8sQQQQ")
_SALT = struct.Struct("<Q")
_RECORD = struct.Struct("<QIIQ")
_SUM_BYTES = 8
HEAD_BYTES = _HEAD.size + _SUM_BYTES
RECORD_BYTES = _RECORD.size + _SUM_BYTES
MAX_ABOUT_BYTES = 8_192
_LOOK_BYTES = 2**20


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
    """A record that was read.

    body: the frames as `record.split` takes them; end: the first byte behind it
    synced: up to this byte its segment was on the disk when it was written
    """

    about: About
    body: bytes
    end: int
    synced: int


_PACK = msgspec.msgpack.Encoder()
_ABOUT = msgspec.msgpack.Decoder(About)


def pack_record(about: About, frames: Sequence[Frame], salt: int, synced: int) -> list[Frame]:
    """A record, as chunks to be written one after the other; the frames are not copied."""
    raw, sizes = _PACK.encode(about), lengths(frames)
    head = _RECORD.pack(salt, len(raw), len(sizes) + sum(map(len, frames)), synced)
    total = xxhash.xxh3_64(b"".join((head, raw, sizes)), salt)
    for frame in frames:
        total.update(frame)
    return [b"".join((head, total.digest(), raw, sizes)), *frames]


def read_record(fd: int, at: int, salt: int, size: int | None = None) -> Record | None:
    """The record that begins at a byte of an open segment, None where there is no whole one; size: of the file."""
    head = os.pread(fd, RECORD_BYTES, at)
    if len(head) < RECORD_BYTES:
        return None
    begins, about_bytes, body_bytes, synced = _RECORD.unpack_from(head)
    end = at + RECORD_BYTES + about_bytes + body_bytes
    if begins != salt or about_bytes > MAX_ABOUT_BYTES or end > (size or os.fstat(fd).st_size):
        return None
    rest = os.pread(fd, about_bytes + body_bytes, at + RECORD_BYTES)
    total = xxhash.xxh3_64(head[: _RECORD.size], salt)
    total.update(rest)
    if total.digest() != head[_RECORD.size :]:
        return None
    try:
        return Record(_ABOUT.decode(rest[:about_bytes]), rest[about_bytes:], end, synced)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def was_synced_beyond(fd: int, at: int, salt: int, size: int) -> bool:
    """Whether anything behind a byte of an open segment says that more than up to there was on the disk."""
    for start in _salted(fd, at, salt, size):
        record = read_record(fd, start, salt, size)
        if record and at < record.synced <= start:
            return True
    return False


def _salted(fd: int, at: int, salt: int, size: int) -> Iterator[int]:
    """Where records may begin. No sender knows the salt, so no message is full of such places."""
    sought = _SALT.pack(salt)
    for first in range(at, size, _LOOK_BYTES):
        some = os.pread(fd, _LOOK_BYTES + len(sought) - 1, first)
        found = some.find(sought)
        while found >= 0:
            yield first + found
            found = some.find(sought, found + 1)
