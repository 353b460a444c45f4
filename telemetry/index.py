"""What the log says, in SQLite: every id ever taken, pieces that wait for the rest, and how far in the log that goes.

It is filled behind the log and never waited for. What it lacks after a crash is read from the log again; what the log
no longer has, because its files were removed, was synced here before they went.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import apsw
import msgspec

from telemetry.errors import StorageFull
from telemetry.segments import NO_FILES, Position, sync_file, sync_folder

CHECKPOINT_PAGES = 4_000  # of 4 KiB, of the write-ahead log

_UNSURE = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})
_SCHEMA = """
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
CREATE TABLE IF NOT EXISTS mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    segment INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
"""

Step = tuple[str, tuple[str | int | bytes, ...]]
"""A change to the pieces: a statement, and what it is about."""

ADD_PIECE = "INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?)"
DROP_PIECES = "DELETE FROM piece WHERE owner = ? AND whole = ?"


class Index:
    """One connection, of the thread that collects.

    known: how far in the log it goes; pruned: up to which message the log is no longer needed
    synced: how much of that a power cut leaves
    """

    def __init__(self, store: Path, path: Path) -> None:
        self._store, self._path = store, path
        self._database = apsw.Connection(str(path))
        self._database.set_busy_timeout(60_000)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"wal_autocheckpoint = {CHECKPOINT_PAGES}"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_SCHEMA)
        row = self._database.execute("SELECT segment, at, seq, pruned FROM mark").fetchone()
        segment, at, seq, pruned = cast("tuple[int, int, int, int]", row or (0, 0, 0, 0))
        self.known, self.pruned = Position(segment, at, seq), pruned
        self.sync()

    def digests(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Of those ids that were ever taken, their messages' digests."""
        query = "SELECT id, digest FROM taken WHERE id IN (SELECT value FROM json_each(?))"
        return dict(cast("Iterator[tuple[str, bytes]]", self._database.execute(query, (_json(ids),))))

    def pieces(self) -> list[tuple[str, str, int, bytes, int, int, int]]:
        """All pieces: owner, whole, number, digest, segment, start, length."""
        found = self._database.execute("SELECT * FROM piece ORDER BY segment, start").fetchall()
        return cast("list[tuple[str, str, int, bytes, int, int, int]]", found)

    def enter(self, taken: Iterable[tuple[str, bytes]], steps: Iterable[Step], known: Position, pruned: int) -> None:
        """Enter what the log has up to a position, all or nothing; raises StorageFull."""
        with _full(self._store), self._database:
            self._database.executemany("INSERT OR IGNORE INTO taken VALUES (?, ?)", sorted(taken))
            for statement, about in steps:
                self._database.execute(statement, about)
            mark = (known.segment, known.at, known.seq, pruned)
            self._database.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?, ?, ?)", mark)
        self.known, self.pruned = known, pruned

    def sync(self) -> None:
        """Bring all that was entered to the disk. It takes no room, so that a full disk can be made less full.

        What is not in the write-ahead log any more SQLite itself has synced. Raises StorageFull where no more files
        can be opened.
        """
        with _full(self._store):
            sync_file(self._path.with_name(f"{self._path.name}-wal"))
            sync_folder(self._path.parent)
        self.synced = self.known

    def close(self) -> None:
        """Close; what was not synced may be lost, and is in the log."""
        self._database.close()


def _json(ids: Sequence[str]) -> str:
    return msgspec.json.encode(ids).decode()


@contextlib.contextmanager
def _full(store: Path) -> Iterator[None]:
    """A write that found no room becomes StorageFull; one whose sync failed may be on disk or not, and goes through."""
    try:
        yield
    except (apsw.FullError, apsw.CantOpenError) as error:
        raise StorageFull(store, str(error)) from error
    except OSError as error:
        if error.errno not in NO_FILES:
            raise
        raise StorageFull(store, error.strerror or "") from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", 0) in _UNSURE:
            raise
        raise StorageFull(store, str(error)) from error
