"""The trigger engine for one car in plain words, and random triggers to hold the real one against it.

A condition is a tree: an operator, then what it is made of, last a number of seconds where it looks back.
"""

import datetime as dt
import itertools
from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import strategies as st

Tree = tuple[Any, ...]
DAY_TICKS = 864_000


class PlainCondition:
    """A tree over a car's signals, None where undefined; it keeps every sample since the last pause."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.past: dict[Any, list[Any]] = defaultdict(list)

    def see(self, now: int, row: dict[str, Any]) -> Any:
        self.now, self.row = now, row
        return self.value(self.tree, ())

    def value(self, tree: Tree, path: tuple[int, ...]) -> Any:
        op, *parts = tree
        if op == "signal":
            return self.row[parts[0]]
        if op == "number":
            return np.float32(parts[0])
        known = [self.value(part, (*path, i)) for i, part in enumerate(parts) if isinstance(part, tuple)]
        if op in LOOKS_BACK:
            return self.back(op, known[0], parts[-1], self.past[path])
        if op == "defined":
            return known[0] is not None
        return None if None in known else PLAIN[op](*known)

    def back(self, op: str, value: Any, seconds: float, past: list[Any]) -> Any:
        if value is not None or op in ("was", "for"):
            past.append((self.now, value))
        if op == "was":
            old = [value for at, value in past if self.now - at >= seconds * 10]
            return old[-1] if old else None
        if op == "since":
            true = [at for at, value in past if value]
            return np.float32((self.now - true[-1]) / 10) if true else None
        if op == "for":
            began = [at for at, _ in past[len(past) - held(past) :]]
            return None if value is None else bool(began) and self.now - began[0] >= seconds * 10
        recent = [(at, value) for at, value in past if self.now - at <= seconds * 10]
        if op == "count" and recent:
            turns = [at for (_, was), (at, now) in itertools.pairwise(past) if now and not was]
            return np.float32(sum(self.now - at <= seconds * 10 for at in turns))
        return WINDOWS[op]([value for _, value in recent], recent) if recent else None


def held(past: list[Any]) -> int:
    """How many of the last looks were all true."""
    return next((i for i, (_, value) in enumerate(reversed(past)) if not value), len(past))


def rate(_: list[Any], recent: list[Any]) -> Any:
    (began, first), (ended, last) = recent[0], recent[-1]
    return np.float32((float(last) - float(first)) / ((ended - began) / 10)) if len(recent) > 1 else None


WINDOWS = {
    "min": lambda values, _: min(values),
    "max": lambda values, _: max(values),
    "mean": lambda values, _: np.float32(sum(float(each) for each in reversed(values)) / len(values)),
    "median": lambda values, _: sorted(values)[-(-len(values) // 2) - 1],
    "changed": lambda values, _: len(set(values)) > 1,
    "rate": rate,
}
LOOKS_BACK = (*WINDOWS, "count", "was", "since", "for")
PLAIN = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
    "abs": abs,
    "lesser": min,
    "greater": max,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "near": lambda a, b: abs(a - b) <= np.float32(0.5),
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
}
SPELT = {
    "lesser": "min({}, {})",
    "greater": "max({}, {})",
    "near": "near({}, {}, 0.5)",
    "abs": "abs({})",
    "not": "(not {})",
}
SPELT |= {
    "median": "percentile({} over {} s, 50)",
    "was": "was({}, {} s)",
    "since": "(since({}) * 1)",
    "for": "({} for {} s)",
}
SPELT |= {op: op + "({} over {} s)" for op in ("min", "max", "mean", "changed", "rate", "count")}
SPELT |= {"signal": "{}", "number": "{}", "defined": "defined({})"}


def written(tree: Tree) -> str:
    """The tree as a condition in text."""
    op, *parts = tree
    inner = [written(part) if isinstance(part, tuple) else part for part in parts]
    return SPELT[op].format(*inner) if op in SPELT else f"({inner[0]} {op} {inner[1]})"


class PlainTrigger:
    """From conditions to reasons for one car; times in tenths of a second."""

    def __init__(self, spec: dict[str, Any], when: Tree | None, fire_when: Tree) -> None:
        self.fire, self.limits = spec["fire"], spec["limits"]
        self.when, self.condition = when and PlainCondition(when), PlainCondition(fire_when)
        self.held, self.since, self.fired, self.last = True, None, None, None
        self.high, self.fires = self.fire["edge"] != "falling", defaultdict[int, int](int)

    def see(self, now: int, row: dict[str, Any], first_day: dt.date) -> str:
        if first_day + dt.timedelta(days=now // DAY_TICKS) > self.limits["expires"]:
            return "EXPIRED"
        if self.last is not None and now - self.last > 600:
            self.since = None
            for each in (self.when, self.condition):
                if each:
                    each.past.clear()
        self.last = now
        gate = self.when.see(now, row) if self.when else True
        score = self.condition.see(now, row)
        return self.judge(now, gate, score)

    def judge(self, now: int, gate: Any, score: Any) -> str:
        falling = self.fire["edge"] == "falling"
        if gate is None:
            self.since = None
            return "UNDEFINED"
        if not gate:
            self.high, self.held, self.since = False, falling, None
            return "GATED"
        if score is None:
            self.since = None
            return "UNDEFINED"
        return self.act(now, bool(score), falling=falling)

    def act(self, now: int, high: bool, *, falling: bool) -> str:
        self.high = high
        if self.high == falling:
            self.held, self.since = False, None
            return "BELOW"
        self.since = now if self.since is None else self.since
        if self.held and self.fire["edge"] != "always":
            return "HELD"
        if now - self.since < self.fire["dwell_s"] * 10:
            return "DWELLING"
        self.held = True
        return self.spend(now)

    def spend(self, now: int) -> str:
        if self.fired is not None and now - self.fired < self.fire["cooldown_s"] * 10:
            return "COOLDOWN"
        if self.fires[now // DAY_TICKS] >= self.limits["per_car_day"]:
            return "QUOTA"
        self.fired = now
        self.fires[now // DAY_TICKS] += 1
        return "FIRED"


SECONDS = st.sampled_from([0.1, 0.5, 1, 2.5, 6])
SIGNALS = st.sampled_from(["x", "y"]).map(lambda name: ("signal", name))
CONSTANTS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.25]).map(lambda value: ("number", value))
LEAVES = st.one_of(SIGNALS, SIGNALS, CONSTANTS)
FLAG = st.just(("signal", "c"))


def numbers(flags: st.SearchStrategy[Tree], inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Trees that give a number."""
    return st.one_of(
        LEAVES,
        st.tuples(st.sampled_from(["+", "-", "*", "/", "lesser", "greater"]), inner, inner),
        st.tuples(st.just("abs"), inner),
        st.tuples(st.sampled_from(["min", "max", "mean", "median", "rate", "was"]), inner, SECONDS),
        st.tuples(st.sampled_from(["count", "mean"]), flags, SECONDS),
        st.tuples(st.just("since"), flags),
    )


def flags(numbers: st.SearchStrategy[Tree], inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Trees that give true or false."""
    return st.one_of(
        FLAG,
        st.tuples(st.sampled_from(["<", "<=", ">", ">=", "near"]), numbers, numbers),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["for", "changed", "was"]), inner, SECONDS),
        st.tuples(st.just("defined"), st.one_of(numbers, inner)),
    )


FEW = numbers(FLAG, LEAVES)
SOME = flags(FEW, flags(LEAVES, FLAG))
OFTEN = st.one_of(  # what changes at every other look, so that edges, dwells and cooldowns have work to do
    FLAG,
    st.tuples(st.just("<"), st.just(("signal", "x")), st.sampled_from([("number", 0.5), ("number", 1.0)])),
    st.tuples(st.just("for"), FLAG, st.sampled_from([0.5, 1])),
)
CONDITIONS = st.one_of(OFTEN, flags(numbers(SOME, FEW), SOME), flags(numbers(SOME, FEW), SOME))
SPECS = st.fixed_dictionaries(
    {
        "fire": st.fixed_dictionaries(
            {
                "edge": st.sampled_from(["rising", "falling", "always"]),
                "dwell_s": st.sampled_from([0.0, 0.0, 0.5, 2.0]),
                "cooldown_s": st.sampled_from([0.0, 1.5, 5.0]),
            }
        ),
        "limits": st.fixed_dictionaries(
            {
                "per_car_day": st.sampled_from([1, 3, 100, 100]),
                "expires": st.sampled_from([dt.date(2027, 1, 1), dt.date(2027, 1, 2)]),
            }
        ),
    }
)
VALUES = st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.5, 3.25, 0.0, 1.0, None])
FLAGS = st.sampled_from([True, False, True, False, True, False, None])
GAPS = st.sampled_from([1, 5, 5, 10, 10, 10, 25, 601])
LOOKS = st.lists(st.tuples(GAPS, VALUES, VALUES, FLAGS), min_size=14, max_size=14)
