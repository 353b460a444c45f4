"""What every kind of trigger must keep, whoever wrote it: each entry of KINDS is put through this.

A kind's parameters are taken from `PARAMS`, or made from its signature: a text is the name of a column, a number 0.5.
"""

import inspect
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from triggers import KINDS, SignalTable, Trigger, TriggerError
from triggers.language.past import Moment, Past
from triggers.probe import Probe, Readout

N, D = 37, 21
TICK_US = 100_000
BACKBONE = "ab" * 32
PARAMS = {
    "expression": {"fire_when": "a > 0.5 and not flag or near(b, a, 0.1) or a / b > 2"},
    "disagreement": {"task": "lane", "threshold": 0.5},
}


def between(*, column: str, low: float, high: float) -> Trigger:
    """A user's kind."""
    return lambda table: (table[column] > low) & (table[column] < high)


KINDS_TO_TRY = {**KINDS, "between": between}
every_kind = pytest.mark.parametrize("kind", sorted(KINDS_TO_TRY))


def whole_table(n: int = N) -> SignalTable:
    """Every column a kind may be tried with; some values undefined."""
    uniform = np.clip(np.sin(np.arange(n * (D + 4)) * 12.9898) * 43758.5453 % 1.0, 1e-6, 1 - 1e-6)
    numbers = ndtri(uniform).astype(np.float32).reshape(n, D + 4)
    columns = {
        "a": numbers[:, 0],
        "b": numbers[:, 1],
        "lane.disagreement": abs(numbers[:, 2]),
        "flag": numbers[:, 3] > 0,
    }
    if n:
        columns["a"][0] = np.nan
    valid = {"b": np.arange(n) % 5 != 1}
    return SignalTable(np.arange(n, dtype=np.uint32), 7, columns, numbers[:, 4:].copy(), valid, BACKBONE)


@pytest.fixture
def trigger(kind: str, tmp_path: Path) -> Trigger:
    """The kind with parameters; one that looks back is given cars that were never looked at."""
    made = KINDS_TO_TRY[kind](**PARAMS.get(kind, guessed(kind, tmp_path)))
    if not getattr(made, "windows", ()):
        return made
    return lambda table: made(table, Moment(Past(N), table.cars.astype(np.intp), table.tick, TICK_US))


def guessed(kind: str, folder: Path) -> dict[str, object]:
    asked = inspect.signature(KINDS_TO_TRY[kind]).parameters.values()
    made = {str: "a", float: 0.5, int: 1, bool: True, Path: weights(folder)}
    return {each.name: made[each.annotation] for each in asked if each.default is each.empty}


def weights(folder: Path) -> Path:
    across = np.sin(np.arange(D) + 1.0)
    readout = Readout(np.cos(across), 0.1)
    probe = Probe(across, abs(across) + 0.5, readout, np.array([1.1, 0.2]), 0.5, BACKBONE)
    probe.save(folder / "probe.safetensors")
    return folder / "probe.safetensors"


@every_kind
def test_a_score_is_float32_or_bool_one_a_car(trigger: Trigger) -> None:
    score = trigger(whole_table())
    assert score.shape == (N,)
    assert score.dtype in (np.float32, np.bool_)


@every_kind
def test_a_car_is_scored_the_same_in_any_company(trigger: Trigger) -> None:
    table = whole_table()
    whole = trigger(table)
    for size in (1, 2, 3, 8, 16, 36):
        for start in range(0, N, size):
            rows = np.arange(start, min(start + size, N))
            assert trigger(table.select(rows)).tobytes() == whole[rows].tobytes()


@every_kind
def test_the_order_of_cars_does_not_matter(trigger: Trigger) -> None:
    backwards = np.arange(N)[::-1]
    assert trigger(whole_table().select(backwards)).tobytes() == trigger(whole_table())[backwards].tobytes()


@every_kind
def test_a_table_is_left_as_it_was(trigger: Trigger) -> None:
    table, untouched = whole_table(), whole_table()
    trigger(table)
    assert list(table.columns) == list(untouched.columns)
    for name in table.columns:
        assert np.array_equal(table[name], untouched[name], equal_nan=table[name].dtype != np.bool_)
        assert np.array_equal(table.defined(name), untouched.defined(name))
    assert np.array_equal(table.embedding, untouched.embedding)


@every_kind
def test_a_second_look_at_the_same_table_sees_the_same(trigger: Trigger) -> None:
    assert trigger(whole_table()).tobytes() == trigger(whole_table()).tobytes()


@every_kind
def test_an_empty_cohort_is_no_trouble(trigger: Trigger) -> None:
    assert trigger(whole_table(0)).shape == (0,)


@every_kind
def test_a_column_that_is_lacking_is_named(trigger: Trigger) -> None:
    whole = whole_table()
    for name in whole.columns:
        columns = {each: whole[each] for each in whole.columns if each != name}
        lacking = SignalTable(whole.cars, whole.tick, columns, whole.embedding, {}, BACKBONE)
        try:
            trigger(lacking)
        except TriggerError as error:
            assert f"'{name}'" in str(error)  # noqa: PT017 -- a kind that does not read the column raises nothing
