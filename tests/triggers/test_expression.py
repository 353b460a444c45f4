import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers import SignalTable
from triggers.errors import BadExpression
from triggers.expression import MAX_DEPTH, MAX_LENGTH, Expression

Tables = Callable[..., SignalTable]

nan = np.nan


def value(text: str, table: Tables) -> list[int | None]:
    """1 true, 0 false, None undefined."""
    return [None if math.isnan(each) else int(each) for each in Expression(text)(table).tolist()]


def problem(text: str, columns: dict[str, np.dtype[Any]] | None = None) -> tuple[str, str]:
    """The message, and the character the caret points at."""
    types = {"Vehicle.Speed": np.dtype(np.float32), "Vehicle.IsMoving": np.dtype(bool), "gear": np.dtype(np.int32)}
    with pytest.raises(BadExpression) as error:
        Expression(text).check(types if columns is None else columns)
    message = str(error.value)
    line, caret = message.splitlines()[-2:]
    assert caret.strip() == "^"
    return message, line[caret.index("^") :]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 1", [0, 0, 1, 1]),
        ("a >= 1", [0, 1, 1, 1]),
        ("a < 2 and flag", [1, 0, 0, 0]),
        ("a < 1 or flag", [1, 0, 1, 0]),
        ("not flag", [0, 1, 0, 1]),
        ("not a > 1", [1, 1, 0, 0]),
        ("flag or flag and not flag", [1, 0, 1, 0]),
        ("a + 2 * b > 6", [0, 0, 1, 1]),
        ("(a + 2) * b > 6", [0, 0, 1, 1]),
        ("gear - 1 - 1 == 0", [0, 1, 0, 1]),
        ("-a < -1.5", [0, 0, 1, 1]),
        ("a / 2 > 0.9", [0, 0, 1, 1]),
        ("abs(a - 2) < 1.5", [0, 1, 1, 1]),
        ("near(a, b, 0.5)", [0, 0, 1, 0]),
        ("min(a, b, 1) > 0", [0, 1, 1, 1]),
        ("max(a, b) >= 3", [0, 0, 0, 1]),
        ("gear == 2", [0, 1, 0, 1]),
        ("gear != 2 and flag == true", [1, 0, 1, 0]),
        ("true", [1, 1, 1, 1]),
    ],
)
def test_an_expression_means_what_it_says(text: str, expected: list[int], table: Tables) -> None:
    cars = table(
        a=[0.0, 1.0, 2.0, 3.0], b=[1.0, 2.0, 2.5, 2.0], flag=[True, False, True, False], gear=np.array([1, 2, 3, 2])
    )
    assert value(text, cars) == expected


def test_an_undefined_operand_makes_the_whole_undefined(table: Tables) -> None:
    cars = table(a=[1.0, nan, 5.0], b=[True, True, True], valid={"b": [True, True, False]})
    assert value("a > 0 or b", cars) == [1, None, None]
    assert value("not b", cars) == [0, 0, None]


@pytest.mark.parametrize("text", ["1 / a > 0", "0 * (1 / a) < 1 or true", "a * big * big > 0", "min(1 / a, 3) < 4"])
def test_arithmetic_that_leaves_the_numbers_is_undefined(text: str, table: Tables) -> None:

    cars = table(a=[0.0 if "/" in text else 1e30], big=[1e30])
    assert value(text, cars) == [None]


def test_a_number_is_compared_in_the_precision_of_the_signal(table: Tables) -> None:
    assert value("a >= 7.2 and a <= 7.2", table(a=[7.2])) == [1]


def test_integers_are_exact_beyond_float32(table: Tables) -> None:
    cars = table(code=np.array([2**24 + 1, 2**24], np.int32))
    assert value("code - 1 == 16777216", cars) == [1, 0]


@pytest.mark.parametrize("comparison", ["==", "!="])
def test_exact_comparison_of_floats_is_refused_with_a_way_out(comparison: str) -> None:
    message, at = problem(f"Vehicle.Speed {comparison} 3")
    assert "near(a, b, tolerance)" in message
    assert at.startswith(comparison)


@pytest.mark.parametrize(
    ("text", "said", "at"),
    [
        ("Vehicle.Sped > 3", "unknown signal 'Vehicle.Sped'; did you mean 'Vehicle.Speed'?", "Vehicle.Sped"),
        ("true and vehicle.speed > 3", "did you mean 'Vehicle.Speed'?", "vehicle.speed"),
        ("nere(1, 2, 3)", "unknown function 'nere'; did you mean 'near'?", "nere"),
        ("1 < Vehicle.Speed < 3", "write `1 < Vehicle.Speed and Vehicle.Speed < …`", "< 3"),
        ("Vehicle.Speed and true", "`and` takes true or false, and this is a number", "Vehicle.Speed"),
        ("true and (Vehicle.Speed + 1)", "`and` takes true or false, and this is a number", "Vehicle.Speed + 1"),
        ("Vehicle.IsMoving > 1", "`>` takes numbers, and this is true or false", "Vehicle.IsMoving"),
        ("Vehicle.IsMoving == 1", "only one side is true or false", "1"),
        ("-Vehicle.IsMoving < 1", "`-` takes numbers", "Vehicle.IsMoving"),
        ("abs(Vehicle.IsMoving) > 1", "`abs` takes numbers", "Vehicle.IsMoving"),
        ("Vehicle.Speed * 2", "this is a number, not a condition", "Vehicle.Speed"),
        ("gear", "this is an integer, not a condition", "gear"),
        ("near(gear, 1)", "`near` takes 3 values, and here are 2", "near"),
        ("min(gear) > 1", "`min` takes at least 2 values, and here is 1; over time", "min"),
        ("abs > 1", "`abs` is a function; write `abs(…)`", "abs"),
        ("Vehicle.Speed = 3", "write `==`", "="),
        ("true && true", "write `and`", "&"),
        ("!true", "write `not`", "!"),
        ("true AND true", "write `and`", "AND"),
        ("gear ** 2 > 3", "'*' does not belong here", "* 2"),
        ("gear == 'P'", "there are no texts here", "'P'"),
        ("gear > 5kg", "'kg' does not belong here", "kg"),
        ("gear > 1e39", "larger than any signal", "1e39"),
        ("(gear > 1", "never closed", "(gear"),
        ("gear > 1)", "')' does not belong here", ")"),
        ("gear >", "ends where a value is missing", ""),
        ("", "it is empty", ""),
        ("__import__('os')", "there are no texts here", "'os'"),
    ],
)
def test_a_mistake_is_named_and_pointed_at(text: str, said: str, at: str) -> None:
    message, pointed = problem(text)
    assert said in message
    assert pointed.startswith(at)


def test_the_caret_finds_its_line() -> None:
    message, _ = problem("true\n  and Vehicle.Sped > 3")
    assert message.splitlines()[1:] == ["    and Vehicle.Sped > 3", "        ^"]


def test_a_table_of_other_types_is_refused_too(table: Tables) -> None:
    condition = Expression("a > 1")
    condition(table(a=[2.0]))
    with pytest.raises(BadExpression, match="takes numbers"):
        condition(table(a=[True]))


def test_depth_and_length_are_bounded() -> None:
    assert "levels deep" in problem("(" * (MAX_DEPTH + 1) + "true" + ")" * (MAX_DEPTH + 1))[0]
    assert "levels deep" in problem("not " * (MAX_DEPTH + 1) + "true")[0]
    assert "at most 2048 characters" in problem(" " * MAX_LENGTH + "true")[0]


def test_a_long_chain_is_not_deep(table: Tables) -> None:
    text = " and ".join(["a>1"] * 250)
    assert value(text, table(a=[2.0, 0.0])) == [1, 0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="ab1.( )<>=!+-*/,'\nandortuefls", max_size=30))
def test_any_text_is_an_expression_or_a_bad_one(text: str) -> None:
    try:
        Expression(text).check({"a": np.dtype(np.float32)})
    except BadExpression as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 -- most texts are bad, some are not


NUMBERS = st.floats(-1e3, 1e3, width=32)
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt, "<=": operator.le}
OPERATORS |= {">": operator.gt, ">=": operator.ge}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(a=NUMBERS, b=NUMBERS, c=NUMBERS, sum_=st.sampled_from("+-*"), comparison=st.sampled_from(["<", "<=", ">", ">="]))
def test_every_operator_agrees_with_single_precision_arithmetic(
    *, table: Tables, a: float, b: float, c: float, sum_: str, comparison: str
) -> None:
    got = Expression(f"a {sum_} b {comparison} c")(table(a=[a], b=[b], c=[c]))
    left = OPERATORS[sum_](np.float32(a), np.float32(b))
    assert bool(got[0]) == bool(OPERATORS[comparison](left, np.float32(c)))
