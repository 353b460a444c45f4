"""Kinds that look back: what swings, what comes and goes, and what disagrees."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from triggers import Evaluator, Memory, Reason, SignalTable, TriggerSpec
from triggers.errors import BadExpression

Tables = Callable[..., SignalTable]
COLUMNS = {"top": float, "lead": float, "main": float, "narrow": float}


def fires(table: Tables, kind: str, params: dict[str, Any], **courses: Sequence[float]) -> int:
    """How often one car fires over these courses, two looks a second."""
    spec = TriggerSpec(name="rule", kind=kind, params=params)
    evaluator = Evaluator([spec], Memory(0, 1), tick_us=100_000, columns=COLUMNS, backbone="")
    length = len(next(iter(courses.values())))
    silent = {name: [0.0] * length for name in COLUMNS} | courses
    tables = [table(tick=5 * i, **{name: [course[i]] for name, course in silent.items()}) for i in range(length)]
    return [evaluator.observe(each).reasons[0, 0] for each in tables].count(Reason.FIRED)


JITTER = {"signal": "top", "over_s": 2, "threshold": 3}


@pytest.mark.parametrize(
    ("course", "times"),
    [([20.0] * 10, 0), (list(np.linspace(20, 60, 10)), 0), ([20, 20, 20, 20, 20, 24, 20, 20, 20, 20], 1)],
)
def test_what_swings_has_jitter_and_what_moves_steadily_has_none(
    table: Tables, course: list[float], times: int
) -> None:
    assert fires(table, "jitter", JITTER, top=course) == times


FLICKER = {"signal": "lead", "above": 0.5, "times": 3, "over_s": 5}


@pytest.mark.parametrize(
    ("course", "times"), [([1.0] * 10, 0), ([0, 1, 1, 1, 0, 0, 0, 1, 1, 1], 0), ([0, 1, 0, 1, 0, 1, 0, 0, 0, 0], 1)]
)
def test_what_comes_and_goes_flickers(table: Tables, course: list[float], times: int) -> None:
    assert fires(table, "flicker", FLICKER, lead=course) == times


def test_two_signals_that_say_otherwise_are_a_mismatch(table: Tables) -> None:
    params = {"signal": "main", "against": "narrow", "threshold": 0.6}
    assert fires(table, "mismatch", params, main=[0.1, 0.9, 0.9], narrow=[0.1, 0.8, 0.2]) == 1
    assert fires(table, "mismatch", params, main=[0.1, 0.9, 0.9], narrow=[0.1, 0.8, 0.4]) == 0


def test_an_unknown_signal_is_named(table: Tables) -> None:
    with pytest.raises(BadExpression, match="unknown signal 'tops'; did you mean 'top'"):
        fires(table, "jitter", JITTER | {"signal": "tops"}, top=[0.0])
