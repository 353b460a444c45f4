"""What looks back: each window against one car in plain words, and what it remembers through everything."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers import Evaluator, Memory, Reason, SignalTable, TriggerSpec
from triggers.errors import BadExpression
from triggers.expression import Expression
from triggers.language.past import Moment, Past

Tables = Callable[..., SignalTable]
Look = tuple[int, float | None]

TICK_US = 100_000


def told(expression: Expression, looks: Sequence[Look], table: Tables, *, flags: bool = False) -> list[float | None]:
    """What an expression over the column `x` (or `c`, a condition) is at each look, a tick and a value each."""
    past, out = Past(1), list[float | None]()
    for tick, value in looks:
        known = [value is not None]
        column = {"c": [bool(value)]} if flags else {"x": [float(value or 0)]}
        cars = table(tick=tick, valid={"c": known, "x": known}, **column)
        got = float(expression(cars, Moment(past, np.arange(1), tick, TICK_US))[0])
        out.append(None if math.isnan(got) else got)
    return out


def each_second(values: Sequence[float | None]) -> list[Look]:
    return [(10 * i, value) for i, value in enumerate(values)]


class OneCar:
    """The same windows for one car in plain words: `seen` is every look so far, the newest last."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.now = looks[-1][0]
        self.seen = [(tick, value) for tick, value in looks if value is not None]
        self.looks = list(looks)

    def within(self, seconds: float) -> list[Look]:
        return [(tick, value) for tick, value in self.seen if self.now - tick <= seconds * 10]

    def values(self, seconds: float) -> list[float]:
        return [value for _, value in self.within(seconds) if value is not None]

    def mean(self, seconds: float) -> float | None:
        values = self.values(seconds)
        return float(np.float32(sum(reversed(values)) / len(values))) if values else None

    def percentile(self, seconds: float, percent: int) -> float | None:
        values = sorted(self.values(seconds))
        return values[max(-(-percent * len(values) // 100), 1) - 1] if values else None

    def rate(self, seconds: float) -> float | None:
        within = self.within(seconds)
        if len(within) < 2:
            return None
        (began, first), (ended, last) = within[0], within[-1]
        return float(np.float32((last - first) / ((ended - began) / 10)))  # type: ignore[operator]

    def count(self, seconds: float) -> float | None:
        turns = [now for (_, was), (now, value) in zip(self.seen, self.seen[1:], strict=False) if value and not was]
        return sum(self.now - tick <= seconds * 10 for tick in turns) if self.values(seconds) else None

    def was(self, seconds: float) -> float | None:
        old = [value for tick, value in self.looks if self.now - tick >= seconds * 10]
        return old[-1] if old else None

    def since(self) -> float | None:
        true = [tick for tick, value in self.seen if value]
        return float(np.float32((self.now - true[-1]) / 10)) if true else None

    def held(self, seconds: float) -> float | None:
        if self.looks[-1][1] is None:
            return None
        began = self.now + 1
        for tick, value in reversed(self.looks):
            if not value:
                break
            began = tick
        return float(self.now - began >= seconds * 10)


LOOKS = st.lists(
    st.tuples(
        st.integers(1, 25), st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.0, -3.5, 7.25, float(np.float32(0.1))]))
    ),
    min_size=1,
    max_size=40,
).map(lambda steps: list(zip(np.cumsum([gap for gap, _ in steps]).tolist(), [v for _, v in steps], strict=True)))
SECONDS = st.sampled_from([0.1, 0.5, 1, 2, 7.5, 20])

NUMBERS: dict[str, Callable[[OneCar, float], float | None]] = {
    "min(x over {} s)": lambda car, s: min(car.values(s), default=None),
    "max(x over {} s)": lambda car, s: max(car.values(s), default=None),
    "mean(x over {} s)": OneCar.mean,
    "percentile(x over {} s, 30)": lambda car, s: car.percentile(s, 30),
    "percentile(x over {} s, 0)": lambda car, s: car.percentile(s, 0),
    "percentile(x over {} s, 100)": lambda car, s: car.percentile(s, 100),
    "rate(x over {} s)": OneCar.rate,
    "was(x, {} s)": OneCar.was,
    "was(x)": lambda car, _: car.was(0.1),
}
CONDITIONS: dict[str, Callable[[OneCar, float], float | None]] = {
    "mean(c over {} s)": OneCar.mean,
    "count(c over {} s)": OneCar.count,
    "since(c)": lambda car, _: car.since(),
    "max(mean(c over 0.1 s) over {} s)": lambda car, s: max(map(float, map(bool, car.values(s))), default=None),
}
YES_OR_NO: dict[str, Callable[[OneCar, float], float | None]] = {
    "changed(c over {} s)": lambda car, s: float(len(set(car.values(s))) > 1) if car.values(s) else None,
    "was(c, {} s)": OneCar.was,
    "c for {} s": OneCar.held,
}


@pytest.mark.parametrize("text", [*NUMBERS, *CONDITIONS, *YES_OR_NO])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(looks=LOOKS, seconds=SECONDS)
def test_a_window_says_what_one_car_says_in_plain_words(
    *, table: Tables, text: str, looks: list[Look], seconds: float
) -> None:
    flags = text not in NUMBERS
    if flags:
        looks = [(tick, None if value is None else float(value > 0)) for tick, value in looks]
    plain = (NUMBERS | CONDITIONS | YES_OR_NO)[text]
    expected = [plain(OneCar(looks[: i + 1]), seconds) for i in range(len(looks))]
    expression = Expression(text.format(seconds), threshold=None if text in YES_OR_NO else 0)
    assert told(expression, looks, table, flags=flags) == expected


def test_a_window_skips_what_is_undefined(table: Tables) -> None:
    assert told(Expression("max(x over 2 s)", threshold=0), each_second([3, None, None, None, 1]), table) == [
        3,
        3,
        3,
        None,
        1,
    ]


def test_the_previous_look_may_be_asked_for_an_edge(table: Tables) -> None:
    rising = Expression("c and not was(c)")
    past, got = Past(1), []
    for tick, value in enumerate([False, True, True, False, True]):
        got.append(rising(table(tick=tick, c=[value]), Moment(past, np.arange(1), tick, TICK_US))[0])
    assert [None if math.isnan(each) else bool(each) for each in got] == [None, True, False, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean(x) > 1", "`mean` looks at a window; write `mean(… over 2 s)`"),
        ("percentile(x over 2 s) > 1", "which: write `percentile(… over 2 s, 90)`"),
        ("percentile(x over 2 s, 101) > 1", "a number from 0 to 100"),
        ("max(x over 2) > 1", "a time needs its unit: `2 s`"),
        ("max(x over 2 m) > 1", "a time needs its unit"),
        ("max(x over x) > 1", "a number of seconds is missing"),
        ("max(x over 0 s) > 1", "must be more than 0 s and at most 300 s"),
        ("max(x over 301 s) > 1", "must be more than 0 s and at most 300 s"),
        ("max(max(max(x over 5 min) over 5 min) over 1 s) > 1", "add up to at most 600 s"),
        ("near(x over 2 s, 1, 1)", "`near` looks at one moment"),
        ("count(x over 2 s) > 1", "`count` takes true or false, and this is a number"),
        ("changed(x over 2 s)", "`changed` takes integers, or true or false, and this is a number"),
        ("x for 2 s", "`for` takes true or false, and this is a number"),
        ("was() > 1", "`was` takes 1 value"),
    ],
)
def test_a_window_that_cannot_be_is_named(text: str, said: str) -> None:
    with pytest.raises(BadExpression) as error:
        Expression(text).check({"x": np.dtype(np.float32)})
    assert said in str(error.value)


def condition(text: str, **more: object) -> TriggerSpec:
    return TriggerSpec.model_validate({"name": "t", "kind": "expression", "params": {"fire_when": text}, **more})


def watch(memory: Memory, *specs: TriggerSpec) -> Evaluator:
    return Evaluator(specs, memory, tick_us=TICK_US, columns={"x": float, "c": bool}, backbone="ab" * 32)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    courses=st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), min_size=5, max_size=5), max_size=20),
    away=st.lists(st.integers(0, 31), min_size=20, max_size=20),
    at=st.integers(0, 20),
)
def test_windows_do_not_depend_on_company_nor_on_a_checkpoint(
    *, table: Tables, courses: list[list[float]], away: list[int], at: int
) -> None:
    text = "mean(x over 2 s) > 0.7 or rate(x over 1 s) < 0 or count(x > 0.5 over 3 s) >= 2 or (x > 1 for 0.3 s)"
    spec = condition(text, when="was(c, 0.2 s) or since(c) < 1 s", fire={"edge": "always"})
    whole, memory, alone = Memory(0, 5), Memory(0, 5), [Memory(i, 1) for i in range(5)]
    for tick, course in enumerate(courses):
        cars = table(tick=tick, x=course, c=[value > 0 for value in course])
        cars = cars.select(np.flatnonzero([not away[tick] >> i & 1 for i in range(5)]))
        if tick == at:
            saved = memory.state()
            memory = Memory(0, 5)
            memory.restore(saved)
        expected = watch(whole, spec).observe(cars).reasons
        assert np.array_equal(watch(memory, spec).observe(cars).reasons, expected)
        for i, car in enumerate(cars.cars.tolist()):
            assert watch(alone[car], spec).observe(cars.select(np.array([i]))).reasons[0] == expected[i]


def reasons(evaluator: Evaluator, table: Tables, looks: Sequence[Look]) -> list[int]:
    return [int(evaluator.observe(table(tick=tick, x=[x], c=[x > 0])).reasons[0, 0]) for tick, x in looks]  # type: ignore[operator]


def test_after_a_pause_of_more_than_a_minute_windows_are_empty(table: Tables) -> None:
    spec = condition("was(x, 1 s) > 0", fire={"edge": "always"})
    short = reasons(watch(Memory(0, 1), spec), table, [(0, 1), (10, 0), (610, 0)])
    long = reasons(watch(Memory(0, 1), spec), table, [(0, 1), (10, 1), (611, 0)])
    assert short == [Reason.UNDEFINED, Reason.FIRED, Reason.BELOW]
    assert long == [Reason.UNDEFINED, Reason.FIRED, Reason.UNDEFINED]


def test_windows_watch_behind_a_closed_gate(table: Tables) -> None:
    spec = condition("max(x over 5 s) > 1.5", when="x < 1", fire={"edge": "always"})
    got = reasons(watch(Memory(0, 1), spec), table, [(0, 0), (10, 2), (20, 0)])
    assert got == [Reason.BELOW, Reason.GATED, Reason.FIRED]


def test_a_ring_grows_no_further_than_its_window(table: Tables) -> None:
    memory = Memory(0, 1)
    evaluator = watch(memory, condition("max(x over 1 s) > 5"))
    reasons(evaluator, table, [(tick, 0.0) for tick in range(200)])
    assert memory.past("t", 1).ring("score.1").ticks.shape == (1, 16)


def test_a_number_may_be_the_score(table: Tables) -> None:
    graded = Expression("max(x over 1 s) - x", threshold=2)
    assert graded(table(x=[1.5]), Moment(Past(1), np.arange(1), 0, TICK_US)).tolist() == [0]
    with pytest.raises(BadExpression, match="a condition, not a number"):
        Expression("x > 1", threshold=2)(table(x=[1.5]))
