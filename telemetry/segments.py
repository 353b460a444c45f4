"""The log itself: append-only files of records; what stands in them counts, up to the first that is no record."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from telemetry.codec import Frame
from telemetry.errors import LedgerCorrupt, StorageFull
from telemetry.log_format import (
    HEAD_BYTES,
    About,
    Head,
    pack_record,
    read_record,
    segment_file,
    was_synced_beyond,
)
from telemetry.record import split

NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
NO_ROOM = NO_FILES | {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CHUNKS_A_WRITE = 1024  # IOV_MAX
_GIVE_BACK_BYTES = 8 * 2**20


class Place(NamedTuple):
    """Where a record lies: the segment's number, its first byte, how many."""

    segment: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Position:
    """A byte in the log, and the number of the last message before it."""

    segment: int
    at: int
    seq: int


class Segments:
    """The segment files of one store, which one process appends to.

    heads: of the files there are, by number
    end: behind the last record that counts
    """

    def __init__(self, folder: Path, *, roll_bytes: int) -> None:
        """Look what is there; nothing can be appended before `go_on`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._roll_bytes = roll_bytes
        self._fd = -1
        self._given_back = 0  # the bytes of this segment before it need no place in memory
        self.heads = dict(self._found())
        self.end = Position(0, 0, 0)

    def after(self, known: Position) -> Iterator[tuple[About, Place]]:
        """All records behind a position, in order, and all are on the disk; raises LedgerCorrupt.

        What is no record ends the log, unless something shows that the log was synced beyond it: then it is damaged.
        """
        numbers = sorted(number for number in self.heads if number >= known.segment)
        if known.segment in self.heads or not numbers:
            end = known
        else:  # all before the first was forgotten
            end = Position(numbers[0], HEAD_BYTES, self._checked(numbers[0], None, known.seq))
        self.end = end
        for number in numbers:
            if number != self.end.segment:
                self.end = Position(number, HEAD_BYTES, self._checked(number, self.end.at, self.end.seq))
            yield from self._records(number)

    def go_on(self) -> None:
        """Append behind the last record that `after` gave; what lies there was never acknowledged and is cut off."""
        if self.end.segment not in self.heads:
            self._begin(self.end.segment + 1)
            return
        self._fd = os.open(self._path(self.end.segment), os.O_WRONLY)
        os.ftruncate(self._fd, self.end.at)

    def append(self, messages: Sequence[tuple[About, Sequence[Frame]]]) -> list[Place]:
        """Write records, not yet synced; raises StorageFull with nothing written."""
        if self.end.at >= self._roll_bytes:  # at the start of a group, so that a group lies in one
            self._begin(self.end.segment + 1)
        salt, at = self.heads[self.end.segment].salt, self.end.at
        places, chunks = [], list[Frame]()
        for about, frames in messages:
            record = pack_record(about, frames, salt, self.end.at)
            length = sum(map(len, record))
            places.append(Place(self.end.segment, at, length))
            chunks += record
            at += length
        with self._room(lambda: os.ftruncate(self._fd, self.end.at)):
            self._write(chunks)
        return places

    def sync(self) -> None:
        """Bring what was appended to the disk. An error is final: the kernel has dropped the pages."""
        os.fdatasync(self._fd)

    def keep(self, places: Sequence[Place], seq: int) -> None:
        """From now on these records count; seq: of the last message among them, or before them."""
        self.end = Position(places[-1].segment, places[-1].start + places[-1].length, seq)
        if self.end.at - self._given_back >= _GIVE_BACK_BYTES:
            # fast path: pages given back take new bytes several times faster than fresh ones, see benchmarks/wire.py
            os.posix_fadvise(self._fd, self._given_back, self.end.at - self._given_back, os.POSIX_FADV_DONTNEED)
            self._given_back = self.end.at

    def frames(self, place: Place) -> list[bytes] | None:
        """The frames of a record; None where it is not there. Raises StorageFull where no more files can be opened."""
        head = self.heads.get(place.segment)
        try:
            with self._room(), opened(self._path(place.segment)) as fd:
                record = read_record(fd, place.start, head.salt) if head else None
                return split(record.body) if record else None
        except (FileNotFoundError, ValueError):
            return None

    def remove_before(self, segment: int) -> None:
        """Delete the files with lower numbers, never the one that is appended to."""
        for number in sorted(self.heads):
            if number < segment and number != self.end.segment:
                os.unlink(self._path(number))  # noqa: PTH108 - a disk that remembers is put in the place of `os`
                del self.heads[number]

    def close(self, *, empty: bool) -> None:
        """Close; where nothing counts any more, leave no files."""
        os.close(self._fd)
        if empty:
            for number in sorted(self.heads):
                os.unlink(self._path(number))  # noqa: PTH108 - as above

    def _records(self, number: int) -> Iterator[tuple[About, Place]]:
        with opened(self._path(number)) as fd:
            os.fdatasync(fd)  # who was killed before the sync left records that are whole, and on no disk yet
            size, salt = os.fstat(fd).st_size, self.heads[number].salt
            if size < self.end.at:
                raise LedgerCorrupt(self._folder, str(self.end.seq), f"segment {number} was longer")
            while record := read_record(fd, self.end.at, salt, size):
                about, start = record.about, self.end.at
                if about.seq != self.end.seq + (about.piece is None):
                    break
                self.end = Position(number, record.end, about.seq)
                yield about, Place(number, start, record.end - start)
            if was_synced_beyond(fd, self.end.at, salt, size):
                why = f"segment {number} was synced beyond byte {self.end.at}, where there is no record any more"
                raise LedgerCorrupt(self._folder, str(self.end.seq + 1), why)

    def _checked(self, number: int, before_end: int | None, seq: int) -> int:
        """The last message before a segment, which must go on where the one before it ended."""
        head = self.heads[number]
        if head.first != seq + 1 or (before_end is not None and head.before_end != before_end):
            raise LedgerCorrupt(self._folder, str(seq + 1), f"segment {number} does not go on where the last one ends")
        return seq

    def _found(self) -> Iterator[tuple[int, Head]]:
        """The segments there are; one whose head never got to the disk holds nothing and is removed."""
        for path in sorted(self._folder.glob("*.seg")):
            with opened(path) as fd:
                head, size = Head.read(fd), os.fstat(fd).st_size
            if head is not None and path == self._path(head.number):
                yield head.number, head
            elif size > HEAD_BYTES:
                raise LedgerCorrupt(
                    self._folder, path.name, "it does not begin as a segment of this version of the log does"
                )
            else:
                os.unlink(path)  # noqa: PTH108 - as above

    def _begin(self, number: int) -> None:
        """Begin a segment; its name and head are on the disk before anything is appended."""
        if self._fd >= 0:
            os.fdatasync(self._fd)  # what was cut off must not come back behind where the next one says this one ends
        salt = int.from_bytes(os.urandom(8), "little")
        head = Head(number, salt, self.end.seq + 1, self.end.at)
        path = self._path(number)
        with self._room():
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

        def undo() -> None:
            os.close(fd)
            os.unlink(path)  # noqa: PTH108 - as above

        with self._room(undo):
            if os.pwritev(fd, [head.packed()], 0) < HEAD_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(fd)
            sync_folder(self._folder)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self.heads[number] = fd, head
        self._given_back = 0
        self.end = Position(number, HEAD_BYTES, self.end.seq)

    def _write(self, chunks: Sequence[Frame]) -> None:
        at = self.end.at
        for first in range(0, len(chunks), _CHUNKS_A_WRITE):
            some = chunks[first : first + _CHUNKS_A_WRITE]
            while some:
                written = os.pwritev(self._fd, some, at)
                at += written
                some = _behind(some, written)

    @contextlib.contextmanager
    def _room(self, undo: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Want of room becomes StorageFull, once what was begun is undone."""
        try:
            yield
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            undo()
            raise StorageFull(self._folder, error.strerror or "") from error

    def _path(self, segment: int) -> Path:
        return segment_file(self._folder, segment)


def _behind(chunks: Sequence[Frame], written: int) -> Sequence[Frame]:
    """What is left of chunks of which so many bytes are written."""
    size = sum(map(len, chunks))
    return [] if written == size else [memoryview(b"".join(chunks))[written:]]


@contextlib.contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    """A file to be read."""
    fd = os.open(path, os.O_RDONLY | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Bring a file's bytes to the disk, if there is one."""
    with contextlib.suppress(FileNotFoundError), opened(path) as fd:
        os.fdatasync(fd)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    with opened(folder, os.O_DIRECTORY) as fd:
        os.fsync(fd)
