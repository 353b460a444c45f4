"""Finding again what a run or a server left behind, wherever it lies, and the one table that is written on the spot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from telemetry.clip import Clip
from telemetry.clips import clip_in
from telemetry.delta import MANY_FILES, Appended, open_deltas
from telemetry.destination import Destination, Folder, open_destination
from telemetry.errors import MissingExtra, UnknownClip
from telemetry.tables import TABLES, arrow_table, stored_schema

if TYPE_CHECKING:
    import pandas as pd


class Store:
    """What a run or a server left behind, as it was when it was opened.

    url: where it lies
    db: a DuckDB connection in memory with a view for each table; a table that was never written is empty
    """

    def __init__(self, place: Destination, deltas: Mapping[str, DeltaTable | None]) -> None:
        self._place = place
        self.url = place.url
        # extensions are never fetched from the network behind somebody's back
        self.db = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for table, delta in deltas.items():
            empty = stored_schema(table).empty_table()
            self.db.register(table, empty if delta is None else delta.to_pyarrow_dataset())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """The rows of a query; they have `.fetchall()`, `.to_arrow_table()`, `.df()` and `.pl()`."""
        return self.db.sql(query)

    def arrow(self, query: str) -> pa.Table:
        """The rows of a query, or a whole table by its name, as an Arrow table."""
        return self._found(query).to_arrow_table()

    def pandas(self, query: str) -> "pd.DataFrame":
        """The same as a pandas data frame."""
        return self._found(query).df()

    def polars(self, query: str) -> Any:
        """The same as a polars data frame; raises MissingExtra where polars is not installed."""
        try:
            import polars as pl
        except ImportError:
            raise MissingExtra("polars") from None
        return pl.from_arrow(self.arrow(query))

    def clips(self, where: str = "true") -> list[str]:
        """The ids of the clips for which a condition on the table `clips` holds, in the order of their fires."""
        found = self.db.sql(f"SELECT clip FROM clips WHERE {where} ORDER BY t_us, car, clip").fetchall()  # noqa: S608 - the caller's own query
        return [clip for (clip,) in found]

    def clip(self, clip: str, *, run: str | None = None) -> Clip:
        """A clip, fetched and every byte of it checked.

        run: needed only where runs have clips of one id

        Raises:
            UnknownClip: there is no such clip, or more than one
            FileNotFoundError: it went out of the store since this was opened
            MalformedClip, NotNow
        """
        query = "SELECT file FROM clips WHERE clip = $clip AND ($run IS NULL OR run = $run)"
        files = self.db.execute(query, {"clip": clip, "run": run}).fetchall()
        if len(files) != 1:
            raise UnknownClip(self.url, clip, len(files), self.clips() if not files else ())
        return clip_in(self._place.read(files[0][0]), files[0][0])

    def fetch(self, file: str, folder: Path) -> Path:
        """Copy a file of a clip, as the column `file` names it, into a folder of this machine; where it then is.

        Raises as `clip` does, but for UnknownClip.
        """
        raw = self._place.read(file)
        clip_in(raw, file)
        Folder(folder).keep(Path(file).name, raw)
        return folder / Path(file).name

    def close(self) -> None:
        """Let go of it."""
        self.db.close()

    def _found(self, query: str) -> duckdb.DuckDBPyRelation:
        return self.db.table(query) if query in TABLES else self.db.sql(query)


def open_store(url: Path | str, options: Mapping[str, str] | None = None) -> Store:
    """Open what lies at a path, a file:// or an s3:// URL.

    options: of an object store, named as deltalake names them (`aws_region`, `aws_endpoint_url` ...); what is not given
        is taken from the variables of those names, AWS_REGION and so on

    Raises:
        BadStoreURL, NotARun: look elsewhere
        StoreRefused, StoreUnreachable: bucket, credentials or the way to it
    """
    place = open_destination(url, options)
    return Store(place, open_deltas(place))


def open_run(path: Path | str) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with a view for each table of a run folder or store, as it is now.

    It is `open_store(path).db`, and raises as that does. From a query there is `.to_arrow_table()`, `.df()`, and with
    the extra `polars` `.pl()`.
    """
    return open_store(path).db


def write_truth(run_folder: Path, columns: Mapping[str, np.ndarray | Sequence[object]], batch: int) -> bool:
    """Append rows to a run's table `truth`, once, and bring them to the disk; whether they were new.

    The one table that is written on the spot: what was really there is the examiner's and never leaves a car. One
    process at a time writes it.

    Args:
        run_folder: of the run
        columns: every column of `truth`, of one length
        batch: ascends from one call to the next; a batch up to the last one written changes nothing

    Raises:
        WrongColumns, StorageFull: nothing was written
    """
    rows: pa.Table = arrow_table("truth", columns)
    truth = Appended(Folder(run_folder), "truth", writer="examiner")
    fresh = truth.append(rows, batch)
    if fresh:
        truth.sync()
        truth.tidy(4 * MANY_FILES)
    return fresh
