"""Columns of a table, from arrays to bytes and back."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from telemetry.errors import MalformedMessage
from telemetry.messages import ColumnType, Packed, Rows, rows_message_id
from telemetry.tables import TABLES, arrow_schema, arrow_table

ColumnLike = np.ndarray | Sequence[object]
"""What a sender may give: an array, or a list; None and NaN stand for no value."""

DTYPES: dict[ColumnType, str] = {
    "bool": "|b1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float": "<f4",
    "double": "<f8",
}


def pack_rows(run: str, table: str, batch: str, columns: Mapping[str, ColumnLike]) -> Rows:
    """Rows as a message; `columns` has every column of the table but `run`, all of one length.

    Raises UnknownTable, or WrongColumns as `telemetry.tables.arrow_table` does.
    """
    count = len(next(iter(columns.values()), ()))
    arrow = arrow_table(table, {"run": [run] * count, **columns})
    return Rows(
        id=rows_message_id(run, table, batch),
        run=run,
        table=table,
        batch=batch,
        count=count,
        columns={name: _pack(arrow.column(name).combine_chunks()) for name in arrow.column_names if name != "run"},
    )


def unpack_rows(rows: Rows) -> dict[str, np.ndarray | list[str | None]]:
    """Rows as columns in the table's order, without `run`.

    Numbers and booleans are arrays, a masked array where some rows have no value; strings are lists, with None there.
    Raises MalformedMessage where a column is not as the table wants it.
    """
    if rows.table not in TABLES:
        raise MalformedMessage(f"unknown table {rows.table!r}", message_id=rows.id)
    wanted = {field.name: str(field.type) for field in arrow_schema(rows.table) if field.name != "run"}
    if rows.columns.keys() != wanted.keys():
        odd = ", ".join(sorted(rows.columns.keys() ^ wanted.keys()))
        raise MalformedMessage(f"table {rows.table!r}: columns missing or unknown: {odd}", message_id=rows.id)
    if rows.id != rows_message_id(rows.run, rows.table, rows.batch):
        raise MalformedMessage("id is not made of run, table and batch", message_id=rows.id)
    for name, kind in wanted.items():
        why = _what_is_wrong(rows.columns[name], kind, rows.count)
        if why:
            raise MalformedMessage(f"table {rows.table!r}: column {name!r} {why}", message_id=rows.id)
    return {name: _unpack(rows.columns[name]) for name in wanted}


def _pack(array: pa.Array) -> Packed:
    kind = str(array.type)
    valid = array.is_valid().to_numpy(zero_copy_only=False).tobytes() if array.null_count else None
    if kind == "string":
        return Packed(type="string", values=array.fill_null("").to_pylist(), valid=valid)
    known = next(name for name in DTYPES if name == kind)
    filled = array.fill_null(False if kind == "bool" else 0)
    values = filled.to_numpy(zero_copy_only=False).astype(DTYPES[known])
    return Packed(type=known, values=values.tobytes(), valid=valid)


def _what_is_wrong(column: Packed, kind: str, count: int) -> str:
    """Half a sentence; empty where nothing is."""
    if column.type != kind:
        return f"is {column.type}, not {kind}"
    if column.valid is not None and (len(column.valid) != count or _not_flags(column.valid)):
        return f"has a mask that is not {count} times 0 or 1"
    if isinstance(column.values, list):
        return "" if kind == "string" and len(column.values) == count else f"is not {count} values of {kind}"
    if column.type == "string" or len(column.values) != count * np.dtype(DTYPES[column.type]).itemsize:
        return f"is not {count} values of {kind}"
    return "has a boolean that is neither 0 nor 1" if kind == "bool" and _not_flags(column.values) else ""


def _unpack(column: Packed) -> np.ndarray | list[str | None]:
    valid = None if column.valid is None else np.frombuffer(column.valid, bool)
    if isinstance(column.values, list):
        return [value if valid is None or valid[i] else None for i, value in enumerate(column.values)]
    array = np.frombuffer(column.values, DTYPES[column.type])
    return array if valid is None else np.ma.MaskedArray(array, mask=~valid)


def _not_flags(raw: bytes) -> bool:
    return bool(raw.translate(None, b"\x00\x01"))
