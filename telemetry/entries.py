"""What a compactor reads: the messages of the log, one after the other, by their number."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telemetry.clip import Clip
from telemetry.codec import clip_of, decode_kept
from telemetry.columns import ColumnLike, unpack_rows
from telemetry.errors import LedgerCorrupt, MalformedMessage
from telemetry.log_format import HEAD_BYTES, Head, Record, read_record, segment_file
from telemetry.messages import ClipUpload, Rows, Stored
from telemetry.record import split
from telemetry.segments import opened


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
        there = self._at[0] == after and segment_file(self._folder, self._at[1]).exists()
        seq, segment, at = self._at if there else self._segment_of(after)
        while read < last:
            with self._opened(segment, seq) as (fd, head):
                while record := read_record(fd, at, head.salt):
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
            with contextlib.suppress(FileNotFoundError), opened(path) as fd:
                head = Head.read(fd)
                if head and head.first <= seq + 1:
                    found = (head.first - 1, head.number, HEAD_BYTES)
        if not found[1]:
            raise LedgerCorrupt(self._store, str(seq + 1), "the segment that it is in is not there")
        return found

    @contextlib.contextmanager
    def _opened(self, segment: int, seq: int) -> Iterator[tuple[int, Head]]:
        """A segment that goes on behind a message, and its head; raises LedgerCorrupt."""
        with contextlib.ExitStack() as closing:
            try:
                fd = closing.enter_context(opened(segment_file(self._folder, segment)))
            except FileNotFoundError:
                raise LedgerCorrupt(self._store, str(seq + 1), f"there is no segment {segment}") from None
            head = Head.read(fd)
            if head is None or head.first > seq + 1:
                raise LedgerCorrupt(self._store, str(seq + 1), f"segment {segment} does not go on where it should")
            yield fd, head
