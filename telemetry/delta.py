"""One Delta table that is appended to exactly once, and is safe when it says so.

Delta's transaction numbers are a record and not a guard: a replayed or a lower number would be taken all the same. So a
number is checked before it is written, on one handle, and a commit under the same name by another process in between
makes the write fail; in a bucket as in a folder, for there a commit is a put that succeeds only where nothing is yet.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError

from telemetry.destination import Destination
from telemetry.errors import NotARun
from telemetry.tables import DAY, SCHEMA_VERSION, TABLES, stored_schema

MANY_FILES = 16
"""A table of more files than that, within a day and of a size, is worth rewriting."""

GRACE_H = 1
"""So long files stay that a table no longer needs: a reader that opened it before may be in the middle of them."""

_FULL_BYTES = (4 * 2**20, 64 * 2**20)
"""What counts as a full file; first small ones are put together, then those."""


def utc_day() -> dt.date:
    """Today: retention counts days of the world, the one thing here that does."""
    return dt.datetime.now(dt.UTC).date()  # noqa: TID251


class Appended:
    """A table of a destination; one process at a time writes to it under one name.

    writer: under this name the table itself remembers how far that process has come
    upto: the number of the last commit under that name, -1 before the first
    today: the day that rows are put down as received on
    """

    def __init__(self, place: Destination, table: str, *, writer: str, today: Callable[[], dt.date] = utc_day) -> None:
        """Open the table, or make it empty; raises NotNow, UnknownTable."""
        self._place, self._table, self._writer, self._today = place, table, writer, today
        self._schema = stored_schema(table)
        with place.trouble():
            self._delta = open_delta(place, table) or self._made()
        number = self._delta.transaction_version(writer)
        self.upto = -1 if number is None else number
        self._lacks = bool(set(self._schema.names) - {field.name for field in self._delta.schema().fields})

    def append(self, rows: pa.Table, number: int) -> bool:
        """Add rows as commit `number` of this writer, unless it made that or a later one before; whether it did.

        Raises NotNow; whether they were added shows when the table is opened again.
        """
        if number <= self.upto:
            return False
        once = CommitProperties(app_transactions=[Transaction(self._writer, number)])
        if DAY in self._schema.names:
            rows = rows.append_column(self._schema.field(DAY), pa.repeat(pa.scalar(self._today()), len(rows)))
        merge: Literal["merge"] | None = "merge" if self._lacks else None  # an older version made the table
        with self._place.trouble():
            write_deltalake(self._delta, rows, mode="append", schema_mode=merge, commit_properties=once)
        self._lacks, self.upto = False, number
        return True

    def sync(self) -> None:
        """Bring the table to the disk, with all that led to it; raises NotNow."""
        self._place.sync(f"tables/{self._table}")

    def tidy(self, many: int = MANY_FILES) -> bool:
        """Put `many` small files or more of a day together; whether it did. Raises NotNow.

        Files that nobody needed for `GRACE_H` hours are removed then.
        """
        files, done = files_of(self._delta), False
        for full_bytes in _FULL_BYTES:
            small = Counter(file.day for file in files if file.nbytes < full_bytes)
            if max(small.values(), default=0) >= many:
                with self._place.trouble():
                    self._delta.optimize.compact(target_size=full_bytes)
                self.sync()
                files, done = files_of(self._delta), True
        if not done:
            return False
        with self._place.trouble():
            self._delta.vacuum(GRACE_H, dry_run=False, enforce_retention_duration=False)
        self.sync()
        return True

    def _made(self) -> DeltaTable:
        return DeltaTable.create(
            self._place.table(self._table),
            self._schema,
            mode="ignore",
            partition_by=[DAY] if DAY in self._schema.names else None,
            name=self._table,
            description=f"{TABLES[self._table].says} Schema version {SCHEMA_VERSION}.",
            storage_options=self._place.options,
        )


class DataFile(NamedTuple):
    """A file of a table: the day its rows came in, "" where the table keeps none; its size and rows."""

    day: str
    nbytes: int
    rows: int


def open_delta(place: Destination, table: str) -> DeltaTable | None:
    """A table as it is now, None where it was never written; raises NotNow."""
    with place.trouble():
        try:
            return DeltaTable(place.table(table), storage_options=place.options)
        except TableNotFoundError:
            return None


def open_deltas(place: Destination) -> dict[str, DeltaTable | None]:
    """Every table as it is now; raises NotARun where there is nothing at all, NotNow."""
    with ThreadPoolExecutor(len(TABLES), "open_store") as pool:  # a far store answers all at once
        deltas = dict(zip(TABLES, pool.map(lambda table: open_delta(place, table), TABLES), strict=True))
    if not any(deltas.values()) and not any(place.has(name) for name in ("plan.yaml", "inbox")):
        raise NotARun(place.url)
    return deltas


def files_of(delta: DeltaTable) -> list[DataFile]:
    """The files that hold the rows of a table as it was opened."""
    added = pa.table(delta.get_add_actions(flatten=True))
    dated = f"partition.{DAY}" in added.column_names
    days = added.column(f"partition.{DAY}").to_pylist() if dated else [""] * len(added)
    sizes, rows = (added.column(name).to_pylist() for name in ("size_bytes", "num_records"))
    return [DataFile(str(day or ""), *counted) for day, *counted in zip(days, sizes, rows, strict=True)]
