"""How far cars get through the gates of a trigger, and which way."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fleet.exam.gates import Gates, Reached, ways_of
from triggers import KINDS, Clause, Evaluator, Memory, SignalTable, TriggerSpec

COLUMNS: dict[str, type] = {"speed": float, "lamp": float, "hump": float, "rain.disagreement": float}
FIRE_WHEN = {"kind": "expression", "params": {"fire_when": "lamp > 0.5 or hump > 0.5"}, "when": "speed > 10"}


def reached(spec: TriggerSpec, looks: list[dict[str, list[float]]]) -> tuple[Gates, list[Clause], Reached]:
    """After the last of some looks at a few cars."""
    n = len(looks[0]["speed"])
    evaluator = Evaluator([spec], Memory(0, n), tick_us=100_000, columns=COLUMNS, backbone="")
    gates = Gates.of(spec)
    for tick, look in enumerate(looks):
        values = {name: np.array(look.get(name, [0.0] * n), np.float32) for name in COLUMNS}
        told: dict[str, Callable[[], list[Clause]]] = {}
        seen = SignalTable(np.arange(n, dtype=np.uint32), 10 * tick, values, np.zeros((n, 0), np.float32))
        verdicts = evaluator.observe(seen, told)
    clauses = told[spec.name]()
    return gates, clauses, gates.reached(clauses, verdicts, 0)


def spec(**fields: Any) -> TriggerSpec:
    return TriggerSpec.model_validate({"name": "some", **fields})


def test_each_car_gets_as_far_as_the_first_gate_that_stops_it() -> None:
    calm = {"speed": [20.0, 20, 20, 20]}
    now = {"speed": [20.0, 20, 20, 9], "lamp": [0.9, 0, 0.4, 0.9], "hump": [0.0, 0.8, 0, 0]}
    gates, clauses, found = reached(spec(**FIRE_WHEN), [calm, now])
    assert gates.names(clauses) == ("speed > 10", "lamp > 0.5 or hump > 0.5", "edge and cooldown")
    assert found.depth.tolist() == [3, 3, 1, 0]
    assert [ways_of(clauses)[way] for way in found.way[:2]] == ["lamp > 0.5", "hump > 0.5"]
    assert np.allclose(found.apart, [0, 0, 0.2, 0.1])


def test_what_holds_already_is_stopped_by_the_edge() -> None:
    now = {"speed": [20.0], "lamp": [0.9]}
    _, _, found = reached(spec(**FIRE_WHEN), [now, now])
    assert found.depth.tolist() == [2]
    assert found.apart.tolist() == [0.0]


def test_dwell_is_a_gate_of_its_own_name() -> None:
    calm, now = {"speed": [20.0]}, {"speed": [20.0], "lamp": [0.9]}
    gates, clauses, found = reached(spec(**FIRE_WHEN, fire={"dwell_s": 5.0}), [calm, now])
    assert gates.names(clauses)[-1] == "dwell, edge and cooldown"
    assert found.depth.tolist() == [2]


def test_a_score_is_a_gate_that_is_missed_by_a_share_of_its_threshold() -> None:
    assert "disagreement" in KINDS
    graded = spec(kind="disagreement", params={"task": "rain", "threshold": 0.8}, when="speed > 10")
    calm = {"speed": [20.0, 20.0]}
    gates, clauses, found = reached(graded, [calm, {**calm, "rain.disagreement": [0.6, 0.9]}])
    assert gates.names(clauses) == ("speed > 10", "score ≥ 0.8", "edge and cooldown")
    assert found.depth.tolist() == [1, 3]
    assert np.allclose(found.apart, [0.25, 0.0])


def test_what_flickers_has_the_times_it_must_for_its_threshold() -> None:
    flickers = spec(kind="flicker", params={"signal": "lamp", "above": 0.5, "times": 3, "over_s": 10})
    off, on = {"speed": [20.0, 20.0]}, {"lamp": [0.9, 0.9]}
    gates, clauses, found = reached(flickers, [off, on, off, on, off, {"lamp": [0.0, 0.9]}])
    assert flickers.threshold() == 3.0
    assert gates.names(clauses) == ("score ≥ 3", "edge and cooldown")
    assert found.depth.tolist() == [0, 2]
    assert np.allclose(found.apart, [1 / 3, 0.0])
