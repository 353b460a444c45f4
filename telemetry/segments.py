"""Append-only files of messages; which of their bytes count is the ledger's to say."""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telemetry.codec import Frame
from telemetry.errors import StorageFull
from telemetry.record import lengths, split

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies: the segment's number, its first byte, how many."""

    segment: int
    start: int
    length: int


class Segments:
    """The segment files of one store; one thread appends, another may read and remove.

    A record is a count of frames, their lengths (all uint32, little-endian), and the frames.

    current: the number of the segment that is appended to
    """

    def __init__(self, folder: Path, *, segment: int, size: int, roll_bytes: int) -> None:
        """Go on behind byte `size` of `segment`; what lies behind it was never acknowledged and is cut off."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._roll_bytes = roll_bytes
        for number in self._numbers():
            if number > segment:
                self._path(number).unlink()
        self._open(segment)
        self._end = min(size, os.fstat(self._fd).st_size)
        os.ftruncate(self._fd, self._end)

    def append(self, records: Sequence[Sequence[Frame]]) -> list[Place]:
        """Write records, not yet synced; raises StorageFull with nothing written."""
        with self._room():
            self._roll()
        places = []
        chunks: list[Frame] = []
        at = self._end
        for frames in records:
            record = [lengths(frames), *frames]
            chunks += record
            length = sum(len(chunk) for chunk in record)
            places.append(Place(self.current, at, length))
            at += length
        with self._room():
            self._write(b"".join(chunks))
        return places

    def sync(self) -> None:
        """Bring what was appended to the disk. An error is final: the kernel has dropped the pages."""
        os.fdatasync(self._fd)

    def keep(self, places: Sequence[Place]) -> None:
        """From now on these bytes count."""
        self._end = places[-1].start + places[-1].length

    def cut_back(self) -> None:
        """Take back what was appended and does not count."""
        os.ftruncate(self._fd, self._end)

    def read(self, place: Place) -> list[bytes]:
        """The frames of a record; raises ValueError where the bytes are not one, OSError where the file is gone."""
        fd = os.open(self._path(place.segment), os.O_RDONLY)
        try:
            raw = os.pread(fd, place.length, place.start)
        finally:
            os.close(fd)
        if len(raw) != place.length:
            raise ValueError(f"{len(raw)} bytes of {place.length}")
        return split(raw)

    def remove_before(self, segment: int) -> None:
        """Delete the files with lower numbers, never the one that is appended to."""
        for number in self._numbers():
            if number < min(segment, self.current):
                self._path(number).unlink()

    def close(self, *, empty: bool) -> None:
        """Close; where nothing counts any more, leave no files."""
        os.close(self._fd)
        if empty:
            for number in self._numbers():
                self._path(number).unlink()

    def _open(self, segment: int) -> None:
        self._fd = os.open(self._path(segment), os.O_WRONLY | os.O_CREAT, 0o644)
        self.current = segment
        sync_folder(self._folder)

    def _roll(self) -> None:
        """Begin a new segment where this one is full: at the start of a group, so that a group lies in one."""
        if self._end >= self._roll_bytes:
            full = self._fd
            self._open(self.current + 1)
            self._end = 0
            os.close(full)

    def _write(self, raw: bytes) -> None:
        view, at = memoryview(raw), self._end
        while view:
            written = os.pwrite(self._fd, view, at)
            view, at = view[written:], at + written

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.cut_back()
            raise StorageFull(self._folder, error.strerror or "") from error

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:08}.seg"

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.seg"))


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
