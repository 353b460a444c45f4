"""What a compactor reads: the messages of the log, one after the other, by their number."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from telemetry.clip import Clip
from telemetry.codec import clip_of, decode_kept
from telemetry.columns import ColumnLike, unpack_rows
from telemetry.errors import LedgerCorrupt, MalformedMessage
from telemetry.log_format import HEAD_BYTES, Head, Record, read_record
from telemetry.messages import ClipUpload, Rows, Stored
from telemetry.record import split


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it was kept.

    seq: ascends in the order of keeping, and is never used again
    kind: "clip" or "rows"
    id: of the message
    header: the message
    parts: the pictures of a clip
    """

    seq: int
    kind: str
    id: str
    header: Stored
    parts: list[bytes]

    def clip(self) -> Clip:
        """The clip, for kind "clip"."""
        if not isinstance(self.header, ClipUpload):
            raise TypeError(f"entry {self.seq} holds {self.kind}")
        return clip_of(self.header, self.parts)

    def columns(self) -> dict[str, ColumnLike]:
        """The columns in the table's order, `run` included, ready for `arrow_table`; for kind "rows"."""
        if not isinstance(self.header, Rows):
            raise TypeError(f"entry {self.seq} holds a {self.kind}")
        return {"run": [self.header.run] * self.header.count, **unpack_rows(self.header)}


class Reader:
    """Reads the segments of a store, while another process may append to them."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._folder = store / "inbox/segments"
        self._at = (-1, 0, 0)  # the last message that was read, the segment it lies in, the byte behind it

    def entries(self, after: int, upto: int, limit: int) -> Iterator[Entry]:
        """At most `limit` messages above `after` up to and with `upto`, ascending; raises LedgerCorrupt.

        upto: the last one that is known to be on disk; nothing behind it is looked at.
        """
        read, last = after, min(upto, after + limit)
        if read >= last:
            return
        # what the last message was read from may have been removed since
        there = self._at[0] == after and self._path(self._at[1]).exists()
        seq, segment, at = self._at if there else self._segment_of(after)
        while read < last:
            with self._opened(segment, seq) as file:
                for record in file.records(at):
                    at, seq = record.end, record.about.seq
                    if record.about.piece is None and seq > read:
                        read, self._at = seq, (seq, segment, at)
                        yield self._entry(record)
                    if read >= last:
                        return
            segment, at = segment + 1, HEAD_BYTES

    def _entry(self, record: Record) -> Entry:
        try:
            header, parts = decode_kept(split(record.body))
        except (MalformedMessage, ValueError) as error:
            raise LedgerCorrupt(self._store, record.about.id, str(error)) from error
        kind = "clip" if isinstance(header, ClipUpload) else "rows"
        return Entry(record.about.seq, kind, header.id, header, [bytes(part) for part in parts])

    def _segment_of(self, seq: int) -> tuple[int, int, int]:
        """The segment with the message behind this one: the number before its first, itself, and where it begins."""
        found = (-1, 0, 0)
        for path in sorted(self._folder.glob("*.seg")):
            with contextlib.suppress(FileNotFoundError), _File(path) as file:
                if file.head and file.head.first <= seq + 1:
                    found = (file.head.first - 1, file.head.number, HEAD_BYTES)
        if not found[1]:
            raise LedgerCorrupt(self._store, str(seq + 1), "the segment that it is in is not there")
        return found

    def _opened(self, segment: int, seq: int) -> "_File":
        """A segment that goes on behind a message; raises LedgerCorrupt."""
        try:
            file = _File(self._path(segment))
        except FileNotFoundError:
            raise LedgerCorrupt(self._store, str(seq + 1), f"there is no segment {segment}") from None
        if file.head is None or file.head.first > seq + 1:
            file.close()
            raise LedgerCorrupt(self._store, str(seq + 1), f"segment {segment} does not go on where it should")
        return file

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:08}.seg"


class _File:
    """An open segment."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self.head = Head.read(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._fd)

    def records(self, at: int) -> Iterator[Record]:
        """Records from a byte on, up to what is none."""
        while self.head and (record := read_record(self._fd, at, self.head.salt)):
            yield record
            at = record.end
