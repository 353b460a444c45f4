"""One Delta table that is appended to exactly once, and is on disk when it says so.

Delta's transaction numbers are a record and not a guard: a replayed or a lower number would be taken all the same. So a
number is checked before it is written, on one handle, and a commit under the same name by another process in between
makes the write fail. And Delta leaves syncing to the operating system, so that is done here.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from telemetry.errors import StorageFull
from telemetry.segments import NO_ROOM, sync_folder
from telemetry.tables import SCHEMA_VERSION, TABLES, arrow_schema

MANY_FILES = 16
"""A table of more files than that is worth rewriting."""


class Appended:
    """A table of a store; one process at a time writes to it.

    writer: under this name the table itself remembers how far that process has come
    """

    def __init__(self, store: Path, table: str, *, writer: str) -> None:
        """Open the table, or make it empty; raises StorageFull, UnknownTable."""
        self._store, self._table, self._writer = store, table, writer
        self._folder = store / "tables" / table
        self._synced: set[tuple[str, int]] = set()
        schema = arrow_schema(table)
        with no_room(store):
            self._folder.mkdir(parents=True, exist_ok=True)
            if DeltaTable.is_deltatable(str(self._folder)):
                self._delta = DeltaTable(self._folder)
            else:
                says = f"{TABLES[table].says} Schema version {SCHEMA_VERSION}."
                self._delta = DeltaTable.create(self._folder, schema, mode="ignore", name=table, description=says)

    @property
    def upto(self) -> int:
        """The number of the last commit that this writer made, -1 before the first."""
        number = self._delta.transaction_version(self._writer)
        return -1 if number is None else number

    def append(self, rows: pa.Table, number: int) -> bool:
        """Add rows as commit `number` of this writer, unless it made that or a later one before; whether it did.

        Raises StorageFull, with nothing added.
        """
        if number <= self.upto:
            return False
        once = CommitProperties(app_transactions=[Transaction(self._writer, number)])
        with no_room(self._store):
            write_deltalake(self._delta, rows, mode="append", commit_properties=once)
        return True

    def sync(self) -> None:
        """Bring the table to the disk, with all that led to it; raises StorageFull."""
        log = self._folder / "_delta_log"
        with no_room(self._store):
            entries = [entry for folder in (self._folder, log) for entry in os.scandir(folder) if entry.is_file()]
            there = {(entry.path, entry.stat().st_mtime_ns) for entry in entries}
            for path, _ in sorted(there - self._synced):
                _sync_file(path)
            for folder in (log, self._folder, self._folder.parent, self._store):
                sync_folder(folder)
        self._synced = there

    def tidy(self, many: int = MANY_FILES) -> bool:
        """Make one file of `many` files or more, and remove those it replaces; whether it did.

        A reader that is in the middle of a query may miss a file, and must open the table again.
        """
        if len(self._delta.file_uris()) < many:
            return False
        with no_room(self._store):
            self._delta.optimize.compact()
            self.sync()  # before the files it replaces go
            self._delta.vacuum(0, dry_run=False, enforce_retention_duration=False)
            self.sync()
        return True


@contextlib.contextmanager
def no_room(store: Path) -> Iterator[None]:
    """A full disk becomes StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM or _says_no_room(error):
            raise StorageFull(store, str(error)) from error
        raise
    except DeltaError as error:
        if _says_no_room(error):
            raise StorageFull(store, str(error)) from error
        raise


def _says_no_room(error: Exception) -> bool:
    """Delta gives the system's words only."""
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def _sync_file(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
