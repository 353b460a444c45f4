"""An explanation says what the verdict says, with the values that it comes from."""

from collections.abc import Callable
from typing import Any

import pytest

from triggers import Evaluator, Explanation, Memory, Reason, SignalTable, TriggerSpec
from triggers.errors import UnknownTrigger

Tables = Callable[..., SignalTable]

COLUMNS = {"speed": float, "gap": float, "flag": bool, "lane.disagreement": float}
UNITS = {"speed": "km/h", "gap": "m"}


def evaluator(memory: Memory, **spec: Any) -> Evaluator:
    told = {"name": "t", "kind": "expression", **spec}
    specs = [TriggerSpec.model_validate(told)]
    return Evaluator(specs, memory, tick_us=100_000, columns=COLUMNS, units=UNITS, backbone="ab" * 32)


def explained(table: Tables, looks: list[dict[str, Any]], **spec: Any) -> Explanation:
    """The last of these looks, one a second, of one car."""
    memory = Memory(0, 1)
    for i, row in enumerate(looks):
        valid = {name: [value is not None] for name, value in row.items()}
        cars = table(tick=10 * i, valid=valid, **{name: [value or 0.0] for name, value in row.items()})
        if i == len(looks) - 1:
            copy = Memory(0, 1)
            copy.restore(memory.state())
            seen = evaluator(copy, **spec).explain(cars, "t")
            assert sum(int(counts.sum()) for counts in copy.take_counts().values()) == i
        reason = Reason(evaluator(memory, **spec).observe(cars).reasons[0, 0])
    assert seen.reason == reason.name
    return seen


def test_every_part_has_its_value_and_unit(table: Tables) -> None:
    seen = explained(
        table,
        [{"speed": 30.0, "gap": 12.0}, {"speed": 36.0, "gap": 15.0}],
        params={"fire_when": "gap / speed > 2 s and (max(speed over 5 s) - 6 > 8 m/s or defined(gap))"},
        when="speed > 20 km/h",
    )
    shown = {part.text: (part.value, part.unit) for part in seen.score_of}
    assert shown["gap"] == (15.0, "m")
    assert shown["max(speed over 5 s)"] == (36.0, "km/h")
    assert shown["max(speed over 5 s) - 6"] == (30.0, "km/h")
    assert shown["max(speed over 5 s) - 6 > 8 m/s"] == (True, "")
    assert shown["gap / speed > 2 s"] == (False, "")
    assert [(part.text, part.value) for part in seen.when] == [("speed", 36.0), ("speed > 20 km/h", True)]
    assert seen.reason == "BELOW"
    assert seen.gap[0] == 1


def test_what_is_left_of_dwell_cooldown_and_quota_is_told(table: Tables) -> None:
    rows = [{"speed": speed} for speed in (0.0, 50.0, 0.0, 50.0)]
    seen = explained(table, rows, params={"fire_when": "speed > 20"}, fire={"cooldown_s": 5}, limits={"per_car_day": 3})
    assert (seen.reason, seen.cooldown_left_s, seen.fires_today, seen.per_car_day) == ("COOLDOWN", 3, 1, 3)
    seen = explained(table, rows[:2], params={"fire_when": "speed > 20"}, fire={"dwell_s": 1.5})
    assert (seen.reason, seen.active_s, seen.dwell_left_s) == ("DWELLING", 0, 1.5)


def test_what_is_undefined_is_named(table: Tables) -> None:
    seen = explained(table, [{"speed": 50.0, "gap": None}], params={"fire_when": "speed > 20 and gap > 1"})
    assert seen.reason == "UNDEFINED"
    assert [name for name, part in seen.signals.items() if part.value is None] == ["gap"]


def test_a_score_is_told_beside_its_threshold(table: Tables) -> None:
    spec = {"kind": "disagreement", "params": {"task": "lane", "threshold": 0.5}, "fire": {"hysteresis": 0.1}}
    seen = explained(table, [{"lane__disagreement": 0.25}], **spec)
    assert (seen.reason, seen.score, seen.threshold, seen.hysteresis, seen.gap) == ("BELOW", 0.25, 0.5, 0.1, (1, 0.25))
    assert seen.signals["lane.disagreement"].value == 0.25


def test_a_trigger_that_is_not_there_is_refused(table: Tables) -> None:
    with pytest.raises(UnknownTrigger, match="unknown trigger 'u'"):
        evaluator(Memory(0, 1), params={"fire_when": "speed > 1"}).explain(table(speed=[1.0]), "u")
