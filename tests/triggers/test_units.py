"""Units meet or are refused."""

from collections.abc import Callable

import numpy as np
import pytest

from triggers import SignalTable
from triggers.errors import BadExpression
from triggers.expression import Expression

Tables = Callable[..., SignalTable]

UNITS = {"speed": "km/h", "gap": "m", "radar": "mm", "rain": "percent", "odds": "1", "turn": "degrees/s"}


def true(text: str, table: Tables, **columns: float) -> bool:
    expression = Expression(text)
    expression.check({name: np.dtype(np.float32) for name in columns}, UNITS)
    cars = table(**{name: [value] for name, value in columns.items()})
    object.__setattr__(cars, "units", UNITS)
    return bool(expression(cars)[0])


@pytest.mark.parametrize(
    "text",
    [
        "speed > 35",
        "speed > 35 km/h and speed < 37 km/h",
        "speed > 9.9 m/s and speed < 10.1 m/s",
        "9.9 m/s < speed",
        "near(speed, 10 m/s, 0.1 km/h)",
        "gap > radar and radar > 19 m",
        "near(gap, radar, 1.01 m)",
        "gap / speed > 2 s and gap / speed < 2.2 s",
        "gap < speed * 2.2 s",
        "rain > odds and odds < 20 percent and rain > 0.2 * 100",
        "gap + 1 m > 20.9",
        "speed / 3.6 > 9",
        "turn > 5 degrees/s",
        "(speed > 1) == (gap > 1 m)",
    ],
)
def test_units_are_converted_where_they_meet(text: str, table: Tables) -> None:
    assert true(text, table, speed=36.0, gap=21.0, radar=20_000.0, rain=30.0, odds=0.1, turn=6.0)


@pytest.mark.parametrize(
    ("text", "said", "at"),
    [
        ("speed > gap", "this is m beside km/h", "gap"),
        ("speed > 5 s", "this is s beside km/h", "5 s"),
        ("5 s < speed", "this is s beside km/h", "5 s"),
        ("speed + gap > 1", "`+` needs one sort of unit", "gap"),
        ("gap / speed > 5 m", "this is m beside (m)/(km/h)", "5 m"),
        ("max(gap, 2 s) > 1", "over time, write `max(… over 2 s)`", "2 s"),
        ("near(speed, speed, 1 m)", "this is m beside km/h", "1 m"),
        ("rate(speed over 2 s) > 3 km/h", "this is km/h beside", "3 km/h"),
        ("since(gap > 1) > 2 m", "this is m beside s", "2 m"),
    ],
)
def test_nonsense_is_refused_at_load(text: str, said: str, at: str) -> None:
    with pytest.raises(BadExpression) as error:
        Expression(text).check({name: np.dtype(np.float32) for name in UNITS}, UNITS)
    assert said in str(error.value)
    line, caret = str(error.value).splitlines()[-2:]
    assert line[caret.index("^") :].startswith(at)


def test_a_signal_without_a_unit_goes_with_every_unit() -> None:
    Expression("thing > 5 m and thing < gap").check({"thing": np.dtype(np.float32), "gap": np.dtype(np.float32)}, UNITS)


def test_a_bare_factor_may_convert_so_its_result_goes_with_every_unit() -> None:
    Expression("speed / 3.6 > 5 m").check({"speed": np.dtype(np.float32)}, UNITS)
