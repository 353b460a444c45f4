"""Finding again what a run left behind, and the one table that does not come over the wire."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from telemetry.delta import MANY_FILES, Appended
from telemetry.errors import NotARun
from telemetry.tables import TABLES, arrow_schema, arrow_table


def open_run(path: Path | str) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with a view for each table of a run folder or store, as it is now.

    A table that was never written is empty and has its columns. From a query there is `.arrow()`, `.df()`, `.pl()`.
    Raises NotARun.
    """
    folder = _checked(Path(path))
    # extensions are never fetched from the network behind somebody's back
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for table in TABLES:
        delta = _delta(folder, table)
        connection.register(table, arrow_schema(table).empty_table() if delta is None else delta.to_pyarrow_dataset())
    return connection


def run_tables(path: Path | str) -> dict[str, int]:
    """How many rows each table of a run folder or store has; raises NotARun."""
    folder = _checked(Path(path))
    deltas = {table: _delta(folder, table) for table in TABLES}
    return {table: 0 if delta is None else delta.count() for table, delta in deltas.items()}


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
    truth = Appended(run_folder, "truth", writer="examiner")
    fresh = truth.append(rows, batch)
    if fresh:
        truth.sync()
        truth.tidy(4 * MANY_FILES)
    return fresh


def _checked(folder: Path) -> Path:
    if not any((folder / name).exists() for name in ("plan.yaml", "tables", "inbox")):
        raise NotARun(folder)
    return folder


def _delta(folder: Path, table: str) -> DeltaTable | None:
    place = folder / "tables" / table
    return DeltaTable(place) if DeltaTable.is_deltatable(str(place)) else None
