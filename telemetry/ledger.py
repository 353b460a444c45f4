"""What is safely on disk: bodies in segment files, a row for each in SQLite, every id ever taken exactly once.

The row is the commit point. A group of messages is appended to one segment, synced, then entered in one transaction
that is synced too; only then may it be acknowledged. After a crash, bytes behind the last row are cut off.

    inbox/ledger.sqlite       entry (pruned), taken (never pruned), piece (of messages that are not yet whole)
    inbox/segments/N.seg      messages one after the other: count, lengths (uint32, little-endian), frames
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from enum import Enum
from pathlib import Path
from typing import cast

import apsw

from telemetry.clip import Clip
from telemetry.codec import Frame, clip_of, decode
from telemetry.columns import ColumnLike, unpack_rows
from telemetry.errors import LedgerCorrupt, MalformedMessage, StorageFull, StoreUnwritable
from telemetry.keys import Holder
from telemetry.lock import StoreLock
from telemetry.messages import ClipUpload, Piece, Rows, Stored
from telemetry.segments import Place, Segments, sync_folder

SEGMENT_BYTES = 64 * 2**20
PIECES_BYTES = 2**30
"""Of messages that are not yet whole; beyond it the one that was begun first is given up."""

_UNSURE = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    segment INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS taken (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS piece (
    owner TEXT NOT NULL,
    whole TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    segment INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (owner, whole, number)
) STRICT, WITHOUT ROWID;
"""


_END = """
SELECT segment, start + length FROM (SELECT * FROM (SELECT segment, start, length FROM entry ORDER BY seq DESC LIMIT 1)
UNION ALL SELECT segment, start, length FROM piece) ORDER BY segment DESC, start DESC LIMIT 1
"""
_GIVE_UP_OLDEST = """
DELETE FROM piece WHERE (owner, whole) = (SELECT owner, whole FROM piece ORDER BY segment, start LIMIT 1)
"""
_OLDEST_NEEDED = """
SELECT min(segment) FROM (SELECT segment FROM entry WHERE seq > ? UNION ALL SELECT segment FROM piece)
"""


class Outcome(Enum):
    """What became of a message: new, there already, or there already with other content."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that was checked and is to be kept.

    id: it is kept once under this
    digest: of its content; the same id with another is a conflict
    frames: as they came
    speaker: whose key it came under, None on a server without keys
    piece: which piece of which message it is, None where it is whole; its digest is then the whole's
    """

    id: str
    digest: bytes
    frames: Sequence[Frame]
    speaker: Holder | None = None
    piece: Piece | None = None

    @property
    def owner(self) -> str:
        """The key that it came under; one cannot add to the pieces of another."""
        return self.speaker.public if self.speaker else ""

    @property
    def completes(self) -> bool:
        """Whether it is the last piece of a message."""
        return self.piece is not None and self.piece.number == self.piece.count - 1


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


class Ledger:
    """The inbox of one store. One thread appends, one other may read and prune.

    last_seq: of the newest entry ever kept, 0 before the first
    """

    def __init__(self, store: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open or make `store/inbox`; raises StoreLocked, StoreUnwritable."""
        inbox = store / "inbox"
        self.store = store
        with _unwritable(store):
            inbox.mkdir(parents=True, exist_ok=True)
            self._lock = StoreLock(store, inbox / "lock")
            self._writer = _open_database(inbox / "ledger.sqlite")
            self._reader = _open_database(inbox / "ledger.sqlite")
            for folder in (inbox, store, store.absolute().parent):
                sync_folder(folder)
            segment, size, self.last_seq = self._where_it_ends()
            oldest = self._writer.execute("SELECT min(seq) FROM entry").get
            self._pruned_upto = self.last_seq if oldest is None else oldest - 1
            self._segments = Segments(inbox / "segments", segment=segment, size=size, roll_bytes=segment_bytes)

    @property
    def waiting(self) -> int:
        """Entries that were not pruned yet; may be read from any thread."""
        return self.last_seq - self._pruned_upto

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        """Keep a group of messages, all or none; when it returns, they are on disk.

        Raises StorageFull, with none of them kept. Any other error of the disk is final and ends the server.
        """
        fresh: dict[tuple[str, str], Incoming] = {}
        outcomes = []
        for message in group:
            place = (message.owner if message.piece else "", message.id)
            known = fresh[place].digest if place in fresh else self._digest_of(message)
            if known is None or (message.piece and known != message.digest):
                fresh[place] = message  # of pieces the newest count: a sender may begin anew with other content
                outcomes.append(Outcome.STORED)
            else:
                outcomes.append(Outcome.DUPLICATE if known == message.digest else Outcome.CONFLICT)
        if fresh:
            self._keep(list(fresh.values()))
        return outcomes

    def known(self, message_id: str) -> bytes | None:
        """The digest under which a whole message was ever taken."""
        digest: bytes | None = self._writer.execute("SELECT digest FROM taken WHERE id = ?", (message_id,)).get
        return digest

    def pieces(self, last: Incoming) -> list[bytes] | None:
        """What all pieces before the last one hold, in order; None where one is missing."""
        if last.piece is None:
            return None
        query = "SELECT segment, start, length FROM piece WHERE owner = ? AND whole = ? AND digest = ? ORDER BY number"
        rows = self._writer.execute(query, (last.owner, last.piece.of, last.digest)).fetchall()
        if len(rows) != last.piece.count - 1:
            return None
        return [self._segments.read(Place(*cast("tuple[int, int, int]", row)))[1] for row in rows]

    def forget_pieces(self, owner: str, whole: str) -> None:
        """Drop the pieces of a message that came to nothing."""
        with _full(self.store), self._writer:
            self._writer.execute("DELETE FROM piece WHERE owner = ? AND whole = ?", (owner, whole))

    def entries(self, after: int, limit: int) -> Iterator[Entry]:
        """Entries above `after` in ascending order, at most `limit`; raises LedgerCorrupt."""
        query = "SELECT seq, segment, start, length FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = cast("list[tuple[int, int, int, int]]", self._reader.execute(query, (after, limit)).fetchall())
        for seq, segment, start, length in rows:
            yield self._read(seq, Place(segment, start, length))

    def prune(self, upto: int) -> None:
        """Forget the bodies up to and with `upto`, for ever; their ids stay taken. Raises StorageFull."""
        oldest = self._reader.execute(_OLDEST_NEEDED, (upto,)).get
        # The files first: on a full disk there may be no room to write down that the rows are gone.
        self._segments.remove_before(oldest if oldest is not None else self._segments.current)
        with _full(self.store), self._reader:
            self._reader.execute("DELETE FROM entry WHERE seq <= ?", (upto,))
        self._pruned_upto = max(self._pruned_upto, upto)

    def close(self) -> None:
        """Close; an inbox that is empty leaves no segments behind."""
        empty = self._reader.execute("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM piece)").get == 0
        self._reader.close()
        self._writer.close()
        self._segments.close(empty=empty)
        self._lock.close()

    def _keep(self, fresh: Sequence[Incoming]) -> None:
        places = self._segments.append([message.frames for message in fresh])
        self._segments.sync()
        where = list(zip(fresh, places, strict=True))
        try:
            with _full(self.store), self._writer:
                last = self._enter([each for each in where if each[0].piece is None])
                self._enter_pieces([each for each in where if each[0].piece is not None])
        except StorageFull:
            self._segments.cut_back()
            raise
        self._segments.keep(places)
        self.last_seq = last

    def _enter(self, where: Sequence[tuple[Incoming, Place]]) -> int:
        """Enter whole messages; the seq of the newest there is."""
        if not where:
            return self.last_seq
        self._writer.executemany(
            "INSERT INTO entry (segment, start, length) VALUES (?, ?, ?)",
            [(place.segment, place.start, place.length) for _, place in where],
        )
        last = self._writer.last_insert_rowid()
        self._writer.executemany(
            "INSERT INTO taken (id, digest) VALUES (?, ?)", [(message.id, message.digest) for message, _ in where]
        )
        self._writer.executemany(
            "DELETE FROM piece WHERE owner = ? AND whole = ?", [(message.owner, message.id) for message, _ in where]
        )
        return last

    def _enter_pieces(self, where: Sequence[tuple[Incoming, Place]]) -> None:
        self._writer.executemany(
            "INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (message.owner, message.piece.of, message.piece.number, message.digest, *astuple(place))
                for message, place in where
                if message.piece
            ],
        )
        while where and (self._writer.execute("SELECT sum(length) FROM piece").get or 0) > PIECES_BYTES:
            self._writer.execute(_GIVE_UP_OLDEST)

    def _digest_of(self, message: Incoming) -> bytes | None:
        """What is known under a message's id: of a piece, its own or, once that is there, the whole's."""
        if message.piece is None:
            return self.known(message.id)
        query = "SELECT digest FROM piece WHERE owner = ? AND whole = ? AND number = ?"
        mine: bytes | None = self._writer.execute(query, (message.owner, message.piece.of, message.piece.number)).get
        return mine or self.known(message.piece.of)

    def _read(self, seq: int, place: Place) -> Entry:
        try:
            header, parts = decode(self._segments.read(place))
        except (MalformedMessage, ValueError, FileNotFoundError) as error:
            raise LedgerCorrupt(self.store, str(seq), str(error)) from error
        if not isinstance(header, ClipUpload | Rows):
            raise LedgerCorrupt(self.store, str(seq), f"holds a {type(header).__name__}")
        kind = "clip" if isinstance(header, ClipUpload) else "rows"
        return Entry(seq, kind, header.id, header, [bytes(part) for part in parts])

    def _where_it_ends(self) -> tuple[int, int, int]:
        """The last segment, the bytes in it that count, and the last seq."""
        last = self._writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").get or 0
        row = self._writer.execute(_END).fetchone()
        return (*row, last) if row else (1, 0, last)


def _open_database(path: Path) -> apsw.Connection:
    database = apsw.Connection(str(path))
    database.set_busy_timeout(60_000)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(_SCHEMA)
    return database


@contextlib.contextmanager
def _unwritable(store: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnwritable(store, error.strerror or str(error)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.NotADBError, apsw.IOError, apsw.FullError) as error:
        raise StoreUnwritable(store, str(error)) from error


@contextlib.contextmanager
def _full(store: Path) -> Iterator[None]:
    """A write that found no room becomes StorageFull; one whose sync failed may be on disk or not, and goes through."""
    try:
        yield
    except apsw.FullError as error:
        raise StorageFull(store, str(error)) from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", 0) in _UNSURE:
            raise
        raise StorageFull(store, str(error)) from error
