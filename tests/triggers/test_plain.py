"""Cars as arrays against one car at a time in plain words, over random triggers and signals."""

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain import CONDITIONS, DAY_TICKS, LOOKS, SPECS, PlainTrigger, Tree, written

from triggers import Evaluator, Memory, Reason, SignalTable, TriggerSpec

Tables = Callable[..., SignalTable]

EXAMPLES = int(os.environ.get("OUTRIDER_EXAMPLES", "150"))
FIRST_DAY, CARS = dt.date(2027, 1, 1), 3
COLUMNS = {"x": float, "y": float, "c": bool}
BEGAN = DAY_TICKS - 60


def table_of(table: Tables, tick: int, rows: list[dict[str, Any]]) -> SignalTable:
    columns = {name: np.array([row[name] or 0 for row in rows]).astype(dtype) for name, dtype in DTYPES.items()}
    return table(tick=tick, valid={name: [row[name] is not None for row in rows] for name in COLUMNS}, **columns)


DTYPES = {"x": np.float32, "y": np.float32, "c": np.bool_}


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 1000, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
@given(
    spec=SPECS, when=st.none() | CONDITIONS, fire_when=CONDITIONS, looks=st.lists(LOOKS, min_size=CARS, max_size=CARS)
)
def test_cars_as_arrays_do_what_one_car_does_in_plain_words(
    *, table: Tables, spec: dict[str, Any], when: Tree | None, fire_when: Tree, looks: list[Any]
) -> None:
    told = {"name": "t", "kind": "expression", "params": {"fire_when": written(fire_when)}, **spec}
    made = TriggerSpec.model_validate(told | ({"when": written(when)} if when else {}))
    evaluator = Evaluator([made], Memory(0, CARS), tick_us=100_000, columns=COLUMNS, backbone="", today=FIRST_DAY)
    plain = [PlainTrigger(spec, when, fire_when) for _ in range(CARS)]
    tick = BEGAN
    for step in range(min(map(len, looks))):
        tick += looks[0][step][0]
        rows = [dict(zip(("x", "y", "c"), car[step][1:], strict=True)) for car in looks]
        as_said = [{name: np.float32(v) if isinstance(v, float) else v for name, v in row.items()} for row in rows]
        with np.errstate(all="ignore"):
            expected = [car.see(tick, row, FIRST_DAY) for car, row in zip(plain, as_said, strict=True)]
        got = evaluator.observe(table_of(table, tick, rows)).reasons[:, 0]
        assert [Reason(each).name for each in got.tolist()] == expected, (written(fire_when), rows)
