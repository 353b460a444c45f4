"""The gates within a condition: which there are, who gets through which way, and who barely does not."""

from collections.abc import Callable

import numpy as np
import pytest

from scenarios import Draws
from triggers import Clause, Evaluator, Memory, SignalTable, TriggerSpec
from triggers.clauses import Passed
from triggers.expression import Expression


def table(**columns: list[float]) -> SignalTable:
    n = len(next(iter(columns.values())))
    values = {name: np.array(each, np.float32) for name, each in columns.items()}
    return SignalTable(np.arange(n, dtype=np.uint32), 0, values, np.zeros((n, 0), np.float32))


def gates(text: str, seen: SignalTable) -> list[Clause]:
    found: list[Passed] = []
    Expression(text)(seen, gates=found)
    return [clause for each in found for clause in each.told()]


def test_gates_stand_between_ands_and_their_ways_between_ors() -> None:
    found = gates("a > 1 and (b > 2 or (c > 3 or not a > 5)) and (c < 9 and b < 9)", table(a=[2], b=[0], c=[0]))
    assert [each.ways for each in found] == [("a > 1",), ("b > 2", "c > 3", "not a > 5"), ("c < 9",), ("b < 9",)]
    assert found[1].text == "b > 2 or (c > 3 or not a > 5)"
    assert found[1].through[:, 0].tolist() == [False, False, True]


def test_a_condition_holds_where_all_of_its_gates_do() -> None:
    draws, n = Draws(1), np.arange(500)
    columns = {name: (draws.normal(name, n) + 1).tolist() for name in "abc"}
    seen = table(**columns)
    for text in ("a > 1 and b > c or c > 2", "(a > 1 or b > 1) and near(a, c, 1) and not b > 2", "a > 1"):
        held = np.logical_and.reduce([each.held for each in gates(text, seen)])
        assert (held == (Expression(text)(seen) == 1)).all()


def test_how_far_a_gate_is_from_holding_is_told_by_its_nearest_way() -> None:
    (found,) = gates("a > 10 or b > 10", table(a=[9, 1, 11, 0], b=[1, 5, 0, np.nan]))
    assert found.apart.tolist() == pytest.approx([0.1, 0.5, 0.0, 1.0])


def test_units_are_converted_before_anybody_gets_through() -> None:
    seen = table(v=[50.0, 70.0])
    seen = SignalTable(seen.cars, 0, seen.columns, seen.embedding, units={"v": "km/h"})
    found = gates("v > 17 m/s and v < 100 km/h", seen)
    assert [each.text for each in found] == ["v > 17 m/s", "v < 100 km/h"]
    assert found[0].held.tolist() == [False, True]


def test_an_evaluator_tells_gates_of_cars_that_when_keeps_out_too() -> None:
    spec = TriggerSpec.model_validate(
        {"name": "some", "kind": "expression", "params": {"fire_when": "b > 1 or c > 1"}, "when": "a > 1"}
    )
    columns: dict[str, type] = {"a": float, "b": float, "c": float}
    found: dict[str, Callable[[], list[Clause]]] = {}
    evaluator = Evaluator([spec], Memory(0, 3), tick_us=100_000, columns=columns, backbone="")
    evaluator.observe(table(a=[2, 0, 2], b=[2, 2, 0], c=[0, 0, 0]), found)
    when, score = found["some"]()
    assert when.held.tolist() == [True, False, True]
    assert score.through.tolist() == [[True, False, False], [False, False, False]]
    assert len(score.apart) == 3
