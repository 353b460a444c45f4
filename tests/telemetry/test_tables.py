from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import Schema

from telemetry.errors import UnknownTable, WrongColumns
from telemetry.table_page import page
from telemetry.tables import TABLES, arrow_schema, arrow_table

DOCS = Path(__file__).parents[2] / "docs"

REASONS = {
    "run": ["r", "r"],
    "car": np.array([3, 4], np.uint32),
    "t_us": [10, 20],
    "trigger": ["a", "b"],
    "reason": ["BELOW", "FIRED"],
    "count": np.array([5, 6], np.uint16),
}


def test_the_page_about_the_tables_is_current() -> None:
    assert (DOCS / "tables.md").read_text() == page()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_says_its_run_and_time_first(table: str) -> None:
    assert list(TABLES[table].columns)[:3] in (["run", "car", "t_us"], ["run", "t_us", "loadout"])


@pytest.mark.parametrize("table", TABLES)
def test_every_column_keeps_its_type_in_delta(table: str) -> None:
    schema = arrow_schema(table)
    assert pa.schema(Schema.from_arrow(schema).to_arrow()).types == schema.types


@pytest.mark.parametrize("table", TABLES)
def test_every_column_says_what_it_means(table: str) -> None:
    assert TABLES[table].says.endswith(".")
    assert all(column.says.endswith(".") for column in TABLES[table].columns.values())


@pytest.mark.parametrize("table", TABLES)
def test_no_rows_are_rows_too(table: str) -> None:
    columns = {name: np.zeros(0) for name in TABLES[table].columns}
    assert arrow_table(table, columns).schema == arrow_schema(table)


def test_numbers_of_any_kind_become_the_columns_type() -> None:
    assert arrow_table("reasons", REASONS).to_pydict() == {name: list(values) for name, values in REASONS.items()}


def test_no_value_and_nan_become_null() -> None:
    rows = arrow_table("reasons", REASONS | {"count": [np.nan, 2.0], "reason": [None, "FIRED"]})
    assert rows.select(["count", "reason"]).to_pylist() == [
        {"count": None, "reason": None},
        {"count": 2, "reason": "FIRED"},
    ]


def test_a_masked_value_becomes_null() -> None:
    masked = np.ma.MaskedArray([1, 2], mask=[True, False])
    assert arrow_table("reasons", REASONS | {"count": masked})["count"].to_pylist() == [None, 2]


def test_fractions_are_rounded_for_a_column_of_whole_numbers() -> None:
    assert arrow_table("reasons", REASONS | {"count": [1.6, 2.4]})["count"].to_pylist() == [2, 2]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"count": ["1", "2"]}, "must be int64"),
        ({"reason": [1, 2]}, "must be string"),
        ({"count": [2**63, 1]}, "count"),
        ({"count": [np.inf, 1.0]}, "count"),
        ({"count": [1]}, "different lengths"),
        ({"cuont": [1, 2]}, "cuont"),
    ],
)
def test_columns_that_do_not_fit_are_refused(wrong: dict[str, list[object]], says: str) -> None:
    with pytest.raises(WrongColumns, match=says):
        arrow_table("reasons", REASONS | wrong)


def test_an_unknown_table_gets_a_hint() -> None:
    with pytest.raises(UnknownTable, match="did you mean 'reasons'"):
        arrow_table("reason", REASONS)
