from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import RUN, some_fires

from telemetry.codec import encode_rows
from telemetry.columns import pack_rows, unpack_rows
from telemetry.errors import MalformedMessage, UnknownTable, WrongColumns
from telemetry.messages import Packed, Rows
from telemetry.tables import TABLES, arrow_schema, arrow_table

VALUES = {
    "bool": st.booleans(),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=8),
}


@given(st.sampled_from(sorted(TABLES)), st.integers(0, 4), st.data())
def test_any_rows_of_any_table_come_back_as_they_were(table: str, count: int, data: st.DataObject) -> None:
    columns: dict[str, list[Any]] = {}
    for field in arrow_schema(table):
        if field.name != "run":
            one = st.none() | VALUES[str(field.type)]
            columns[field.name] = data.draw(st.lists(one, min_size=count, max_size=count))
    back = unpack_rows(pack_rows(RUN, table, "b", columns))
    want = arrow_table(table, {"run": [RUN] * count, **columns})
    assert arrow_table(table, {"run": [RUN] * count, **back}).equals(want)


def packed(**changes: Any) -> Rows:
    rows = pack_rows(RUN, "fires", "b", some_fires())
    columns = {name: changes.pop(name, column) for name, column in rows.columns.items()}
    plain = {"id": rows.id, "run": RUN, "table": "fires", "batch": "b", "count": 3}
    return Rows(**(plain | {"columns": columns} | changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"table": "fire"}, "unknown table"),
        ({"table": "clips"}, "columns missing or unknown"),
        ({"id": "other"}, "id is not made of"),
        ({"count": 4}, "is not 4 values"),
        ({"car": Packed(type="int32", values=bytes(12))}, "is int32, not int64"),
        ({"car": Packed(type="int64", values=bytes(23))}, "is not 3 values"),
        ({"car": Packed(type="int64", values=bytes(24), lengths=bytes(6))}, "is not 3 values"),
        ({"car": Packed(type="int64", values=bytes(24), valid=b"\x01\x01")}, "mask"),
        ({"car": Packed(type="int64", values=bytes(24), valid=b"\x01\x02\x01")}, "mask"),
        ({"clip": Packed(type="string", values=bytes(3))}, "is not 3 values"),
        ({"clip": Packed(type="string", values=b"ab", lengths=b"\1\0\1\0")}, "is not 3 values"),
        ({"clip": Packed(type="string", values=b"abc", lengths=b"\1\0\1\0\0\0")}, "is not 3 values"),
        ({"clip": Packed(type="string", values=b"a\xffc", lengths=b"\1\0\1\0\1\0")}, "not UTF-8"),
        ({"clip": Packed(type="string", values="äb".encode(), lengths=b"\1\0\1\0\1\0")}, "within a character"),
    ],
)
def test_columns_that_are_not_the_tables_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(MalformedMessage, match=why):
        unpack_rows(packed(**changes))


def test_a_boolean_is_0_or_1() -> None:
    fine = pack_rows(RUN, "vehicles", "b", _vehicles([True, False]))
    bad = {**fine.columns, "driving": Packed(type="bool", values=b"\x01\x02")}
    rows = Rows(id=fine.id, run=RUN, table="vehicles", batch="b", count=2, columns=bad)
    with pytest.raises(MalformedMessage, match="neither 0 nor 1"):
        unpack_rows(rows)


def _vehicles(driving: list[bool]) -> dict[str, Any]:
    blank: dict[str, Any] = {"string": "", "bool": False}
    return {
        field.name: [blank.get(str(field.type), 0)] * len(driving) for field in arrow_schema("vehicles")
        if field.name != "run"
    } | {"driving": driving}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"car": [1, 2]}, "lengths"),
        ({"car": ["a", "b", "c"]}, "car"),
        ({"speed": [1, 2, 3]}, "speed"),
        ({"version": [1, 2, 2**31]}, "version"),
        ({"car": np.zeros((3, 2))}, "car"),
    ],
)
def test_a_sender_is_told_what_is_wrong_with_its_columns(other: dict[str, Any], why: str) -> None:
    with pytest.raises(WrongColumns, match=why):
        encode_rows(RUN, "fires", "b", some_fires() | other)


def test_a_sender_is_told_which_table_it_may_have_meant() -> None:
    with pytest.raises(UnknownTable, match="did you mean 'shadow'"):
        encode_rows(RUN, "shadows", "b", {})


def test_a_batch_needs_a_name() -> None:
    with pytest.raises(WrongColumns, match="batch"):
        encode_rows(RUN, "fires", "", some_fires())
