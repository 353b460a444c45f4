"""What one asks of a run's tables from the command line: columns, queries, clips, a candidate's disagreement."""

import decimal
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from fleet.report.errors import QueryRefused, UnknownName
from fleet.report.figures.shadow import disagreement
from fleet.report.folder import Run
from fleet.report.judged import slice_names, slice_rows
from telemetry import TABLES

_MISSING_TABLE = re.compile(r"Table with name (\S+) does not exist")
_MISSING_COLUMN = re.compile(r'Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query, plain enough for JSON; `more` when there were rows beyond the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool

    def records(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def describe(run: Run, table: str | None = None) -> dict[str, dict[str, Any]]:
    """Every table, or one: what a row is, how many there are, and each column's type, unit and meaning."""
    if table is not None and table not in TABLES:
        raise UnknownName("table", table, TABLES)
    return {
        name: {
            "says": TABLES[name].says,
            "rows": run.one(f"SELECT count(*) FROM {name}"),  # noqa: S608
            "columns": [
                {"name": column, "type": about.type, "unit": about.unit, "says": about.says}
                for column, about in TABLES[name].on_disk.items()
            ],
        }
        for name in TABLES
        if table in {None, name}
    }


def ask(run: Run, query: str, *, limit: int = 0) -> Answer:
    """The rows of a query, at most `limit` unless it is 0; UnknownName or QueryRefused when it cannot be run."""
    return ask_database(run.db, query, limit=limit)


def ask_database(db: duckdb.DuckDBPyConnection, query: str, *, limit: int = 0) -> Answer:
    """As `ask`, of a store that is opened without a run."""
    try:
        found = db.execute(query)
        columns = tuple(column[0] for column in found.description or ())
        rows = found.fetchmany(limit + 1) if limit else found.fetchall()
    except duckdb.Error as error:
        raise _explained(str(error)) from error
    shown = rows[:limit] if limit else rows
    return Answer(columns, tuple(tuple(map(plain, row)) for row in shown), more=len(shown) < len(rows))


def find_clips(run: Run, *, trigger: str | None = None, where: str | None = None, limit: int = 0) -> Answer:
    """The clips a server keeps, best score first, with the slices they lie in; UnknownName for a trigger or slice."""
    slice_rows(run.db)
    known = [row[0] for row in run.db.execute("SELECT trigger FROM clips UNION SELECT trigger FROM reasons").fetchall()]
    if trigger is not None and trigger not in known:
        raise UnknownName("trigger", trigger, known)
    if where is not None and where not in slice_names():
        raise UnknownName("slice", where, slice_names())
    query = """
        SELECT clips.* EXCLUDE (run), coalesce(sliced.slices, []) AS slices FROM clips
        ASOF LEFT JOIN sliced ON sliced.car = clips.car AND sliced.t_us >= clips.t_us
        WHERE ($trigger IS NULL OR trigger = $trigger) AND ($slice IS NULL OR list_contains(sliced.slices, $slice))
        ORDER BY score DESC, clip"""
    found = run.db.execute(query, {"trigger": trigger, "slice": where})
    columns = tuple(column[0] for column in found.description or ())
    rows = [tuple(map(plain, row)) for row in found.fetchall()]
    return Answer(columns, tuple(rows[:limit] if limit else rows), more=bool(limit and len(rows) > limit))


def find_clip(run: Run, clip: str) -> tuple[dict[str, Any], Path]:
    """One clip's row, by its id or the only id that begins so, and its MCAP file; UnknownName with the nearest id."""
    known = [row[0] for row in run.db.execute("SELECT clip FROM clips ORDER BY 1").fetchall()]
    begun = [name for name in known if name.startswith(clip)]
    if clip not in known and len(begun) != 1:
        raise UnknownName("clip", clip, known)
    row = next(row for row in find_clips(run).records() if row["clip"] == (clip if clip in known else begun[0]))
    return row, run.store / row["file"]


def compare_shadows(run: Run) -> list[dict[str, Any]]:
    """Per candidate, task and slice of the world: ticks compared, mean and largest disagreement with production."""
    slice_rows(run.db)
    return [{name: plain(value) for name, value in row.items()} for row in disagreement(run.db)]


def plain(value: Any) -> Any:
    """A value of the database as JSON has it: NaN and infinities are null, bytes are hex, times are words."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | decimal.Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return value.hex() if isinstance(value, bytes) else str(value)


def _explained(said: str) -> QueryRefused | UnknownName:
    """The database's complaint, or a shorter one with the nearest name when it misses a table or column of ours."""
    if missing := _MISSING_TABLE.search(said):
        return UnknownName("table", missing[1].rstrip("!"), TABLES)
    if missing := _MISSING_COLUMN.search(said):
        columns = {column for table in TABLES.values() for column in table.on_disk}
        return UnknownName("column", missing[1] or missing[2], columns)
    return QueryRefused(said)
