"""Columns of a table, from arrays to bytes and back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from telemetry.errors import MalformedMessage, WrongColumns
from telemetry.messages import ColumnType, Packed, Rows, rows_message_id
from telemetry.tables import TABLES, arrow_table

if TYPE_CHECKING:
    import pyarrow as pa

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
TEXT_BYTES = 2**16 - 1
"""A string of a row, at most."""

_WIDTHS = {name: np.dtype(dtype).itemsize for name, dtype in DTYPES.items()}
_WANTED = {
    table: {name: column.type for name, column in TABLES[table].columns.items() if name != "run"} for table in TABLES
}
_FLAGS = b"\x00\x01"


def pack_rows(run: str, table: str, batch: str, columns: Mapping[str, ColumnLike]) -> Rows:
    """Rows as a message; `columns` has every column of the table but `run`, all of one length.

    Raises UnknownTable, or WrongColumns as `telemetry.tables.arrow_table` does.
    """
    count = len(next(iter(columns.values()), ()))
    arrow = arrow_table(table, {"run": [run] * count, **columns})
    names = [name for name in arrow.column_names if name != "run"]
    return Rows(
        id=rows_message_id(run, table, batch),
        run=run,
        table=table,
        batch=batch,
        count=count,
        columns={name: _pack(table, name, arrow.column(name).combine_chunks()) for name in names},
    )


def check_rows(rows: Rows) -> None:
    """Raise MalformedMessage where rows are not as their table wants them."""
    wanted = _WANTED.get(rows.table)
    if wanted is None:
        raise MalformedMessage(f"unknown table {rows.table!r}", message_id=_plain_id(rows))
    if rows.columns.keys() != wanted.keys():
        odd = ", ".join(sorted(repr(name) for name in rows.columns.keys() ^ wanted.keys()))
        raise MalformedMessage(f"table {rows.table!r}: columns missing or unknown: {odd}", message_id=_plain_id(rows))
    if rows.id != rows_message_id(rows.run, rows.table, rows.batch):
        raise MalformedMessage("id is not made of run, table and batch", message_id=_plain_id(rows))
    for name, kind in wanted.items():
        why = _what_is_wrong(rows.columns[name], kind, rows.count)
        if why:
            raise MalformedMessage(f"table {rows.table!r}: column {name!r} {why}", message_id=rows.id)


def unpack_rows(rows: Rows) -> dict[str, np.ndarray | list[str | None]]:
    """Rows as columns in the table's order, without `run`.

    Numbers and booleans are arrays, a masked array where some rows have no value; strings are lists, with None there.
    Raises MalformedMessage where a column is not as the table wants it.
    """
    check_rows(rows)
    return {name: _unpack(rows.columns[name]) for name in _WANTED[rows.table]}


def _pack(table: str, name: str, array: "pa.Array") -> Packed:
    kind = str(array.type)
    valid = array.is_valid().to_numpy(zero_copy_only=False).tobytes() if array.null_count else None
    if kind == "string":
        texts = [text.encode() for text in array.fill_null("").to_pylist()]
        sizes = np.array([len(text) for text in texts], np.int64)
        if sizes.max(initial=0) > TEXT_BYTES:
            raise WrongColumns(table, f"column {name!r} has a text of {sizes.max()} bytes; {TEXT_BYTES} are the limit")
        return Packed(type="string", values=b"".join(texts), lengths=sizes.astype("<u2").tobytes(), valid=valid)
    known = next(name for name in DTYPES if name == kind)
    filled = array.fill_null(False if kind == "bool" else 0)
    values = filled.to_numpy(zero_copy_only=False).astype(DTYPES[known])
    return Packed(type=known, values=values.tobytes(), valid=valid)


def _what_is_wrong(column: Packed, kind: str, count: int) -> str:
    """Half a sentence; empty where nothing is."""
    if column.type != kind:
        return f"is {column.type}, not {kind}"
    if column.valid is not None and (len(column.valid) != count or column.valid.translate(None, _FLAGS)):
        return f"has a mask that is not {count} times 0 or 1"
    if column.type == "string":
        return _what_is_wrong_with_texts(column.values, column.lengths, count)
    if column.lengths is not None or len(column.values) != count * _WIDTHS[column.type]:
        return f"is not {count} values of {kind}"
    return "has a boolean that is neither 0 nor 1" if kind == "bool" and column.values.translate(None, _FLAGS) else ""


def _what_is_wrong_with_texts(values: bytes, lengths: bytes | None, count: int) -> str:
    if lengths is None or len(lengths) != 2 * count:
        return f"is not {count} values of string"
    sizes = np.frombuffer(lengths, "<u2")
    if int(sizes.sum(dtype=np.int64)) != len(values):
        return f"is not {count} values of string"
    if values.isascii():
        return ""
    try:
        values.decode()
    except UnicodeDecodeError:
        return "has a text that is not UTF-8"
    starts = np.cumsum(sizes, dtype=np.int64)
    first_bytes = np.frombuffer(values, np.uint8)[starts[starts < len(values)]]
    return "has a text that ends within a character" if bool(((first_bytes & 0xC0) == 0x80).any()) else ""


def _unpack(column: Packed) -> np.ndarray | list[str | None]:
    valid = None if column.valid is None else np.frombuffer(column.valid, bool)
    if column.type == "string":
        ends = np.cumsum(np.frombuffer(column.lengths or b"", "<u2"), dtype=np.int64).tolist()
        texts = [column.values[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
        return [text if valid is None or valid[i] else None for i, text in enumerate(texts)]
    array = np.frombuffer(column.values, DTYPES[column.type])
    return array if valid is None else np.ma.MaskedArray(array, mask=~valid)


def _plain_id(rows: Rows) -> str:
    """The id to answer under, where its own words do not vouch for it: "" if it could move a terminal's cursor."""
    return rows.id if rows.id.isprintable() else ""
