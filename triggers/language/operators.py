"""What can be done with values in a condition: which types it takes, what it gives, how units meet, and the arrays.

An operator over a window or a state also sees the past; its function is in `WINDOWS`.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from triggers.language.past import EMPTY, Moment

Flags = NDArray[np.bool_]
Answer = tuple[Any, Flags]
MOST = 2048  # operands; an expression is not longer

Meeting = Literal["alike", "times", "over", "keep", "rate", "seconds", "none"]


class Type(StrEnum):
    """What a value is; integers are kept apart because only they (and booleans) may be compared with `==`."""

    BOOL = "true or false"
    INT = "an integer"
    FLOAT = "a number"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator or function.

    accepts: the types of its operands; gives: its own, None = integer if all operands are
    run: on arrays; None where it needs the past, and then `WINDOWS` has it
    least, most: how many operands
    units: what becomes of them. alike: they must be convertible, and it is the first's; times, over: product, quotient
    """

    run: Callable[..., Any] | None
    accepts: tuple[Type, ...]
    gives: Type | None = None
    least: int = 1
    most: int = 1
    units: Meeting = "none"


_NUMBERS = (Type.INT, Type.FLOAT)
_LOGIC = (Type.BOOL,)
_ANY = (Type.BOOL, Type.INT, Type.FLOAT)


def _two(run: Callable[..., Any], gives: Type | None, units: Meeting, accepts: tuple[Type, ...] = _NUMBERS) -> Operator:
    return Operator(run, accepts, gives, 2, 2, units)


def _near(a: Any, b: Any, tolerance: Any) -> Any:
    return np.abs(a - b) <= tolerance


OPERATORS = {
    "or": _two(np.logical_or, Type.BOOL, "none", _LOGIC),
    "and": _two(np.logical_and, Type.BOOL, "none", _LOGIC),
    "not": Operator(np.logical_not, _LOGIC, Type.BOOL),
    "<": _two(operator.lt, Type.BOOL, "alike"),
    "<=": _two(operator.le, Type.BOOL, "alike"),
    ">": _two(operator.gt, Type.BOOL, "alike"),
    ">=": _two(operator.ge, Type.BOOL, "alike"),
    "==": _two(operator.eq, Type.BOOL, "alike", _ANY),
    "!=": _two(operator.ne, Type.BOOL, "alike", _ANY),
    "+": _two(operator.add, None, "alike"),
    "-": _two(operator.sub, None, "alike"),
    "*": _two(operator.mul, None, "times"),
    "/": _two(operator.truediv, Type.FLOAT, "over"),
    "negative": Operator(operator.neg, _NUMBERS, None, units="keep"),
    "near": Operator(_near, _NUMBERS, Type.BOOL, 3, 3, "alike"),
    "abs": Operator(np.abs, _NUMBERS, None, units="keep"),
    "min": Operator(lambda *values: reduce(np.minimum, values), _NUMBERS, None, 2, MOST, "alike"),
    "max": Operator(lambda *values: reduce(np.maximum, values), _NUMBERS, None, 2, MOST, "alike"),
    "defined": Operator(None, _ANY, Type.BOOL),
    "min over": Operator(None, _NUMBERS, None, units="keep"),
    "max over": Operator(None, _NUMBERS, None, units="keep"),
    "mean over": Operator(None, _ANY, Type.FLOAT, units="keep"),
    "percentile over": Operator(None, _NUMBERS, None, units="keep"),
    "rate over": Operator(None, _NUMBERS, Type.FLOAT, units="rate"),
    "count over": Operator(None, _LOGIC, Type.INT),
    "changed over": Operator(None, (Type.BOOL, Type.INT), Type.BOOL),
    "was": Operator(None, _ANY, units="keep"),
    "since": Operator(None, _LOGIC, Type.FLOAT, units="seconds"),
    "for": Operator(None, _LOGIC, Type.BOOL),
}
PLAIN = ("near", "abs", "min", "max", "defined", "was", "since")
OVER = ("min", "max", "mean", "percentile", "rate", "count", "changed")
FUNCTIONS = tuple(dict.fromkeys((*PLAIN, *OVER)))


@dataclass(frozen=True, slots=True)
class Window:
    """How far back an operator looks. name: unique in its expression; span_us: 0 is the previous tick; at: percent."""

    name: str
    span_us: int
    percent: float = 0.0


def _over(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    """Adds today's sample where it is defined; values (m, size), and which lie in the window."""
    span = moment.ticks_in(window.span_us)
    ring = moment.ring(window.name)
    seen = np.flatnonzero(defined)
    ring.add(moment.rows[seen], np.broadcast_to(value, defined.shape)[seen], moment.tick, span)
    return ring.since(moment.rows, moment.tick - span)


def _some(inside: Flags) -> Flags:
    """Whether any sample lies in the window, (m,)."""
    some: Flags = np.asarray(inside.any(axis=1))
    return some


def _least(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, inside = _over(value, defined, window, moment)
    return np.where(inside, values, np.inf).min(axis=1), _some(inside)


def _most(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, inside = _over(value, defined, window, moment)
    return np.where(inside, values, -np.inf).max(axis=1), _some(inside)


def _ordered(value: Any, defined: Flags, window: Window, moment: Moment) -> tuple[Any, Any, Flags]:
    """Values, ticks and which lie in the window, (m, size) each, newest first."""
    _over(value, defined, window, moment)
    values, ticks = moment.ring(window.name).by_age(moment.rows)
    return values, ticks, ticks >= moment.tick - moment.ticks_in(window.span_us)


def _mean(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, _, inside = _ordered(value, defined, window, moment)
    # Added one by one from the newest on, so that the sum's bits do not depend on the size of the ring.
    total = np.where(inside, values, 0.0).cumsum(axis=1)[:, -1]
    return total / inside.sum(axis=1), _some(inside)


def _percentile(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, inside = _over(value, defined, window, moment)
    count = inside.sum(axis=1)
    rank = np.maximum(np.ceil(window.percent * count / 100).astype(np.intp), 1) - 1
    return np.take_along_axis(np.sort(np.where(inside, values, np.inf)), rank[:, None], 1)[:, 0], count > 0


def _rate(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, ticks, inside = _ordered(value, defined, window, moment)
    last = np.maximum(inside.sum(axis=1) - 1, 0)[:, None]
    oldest, began = (np.take_along_axis(each, last, 1)[:, 0] for each in (values, ticks))
    seconds = (ticks[:, 0].astype(np.int64) - began) * moment.tick_us / 1e6
    return (values[:, 0] - oldest) / seconds, last[:, 0] > 0


def _changed(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    values, inside = _over(value, defined, window, moment)
    span = np.where(inside, values, -np.inf).max(axis=1) - np.where(inside, values, np.inf).min(axis=1)
    return span > 0, _some(inside)


def _count(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    """A sample is 0, 1, or 2 where the condition has just become true."""
    true = np.broadcast_to(value, defined.shape)
    before, known = moment.ring(window.name).newest(moment.rows, moment.tick)
    became = true & known & (before == 0)
    values, inside = _over(true + became.astype(np.float64), defined, window, moment)
    return ((values == 2) & inside).sum(axis=1).astype(np.float64), _some(inside)


def _was(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    """Of the newest look that is old enough; a look at which the value was undefined is remembered as NaN."""
    span = max(-(-window.span_us // moment.tick_us), 1)
    ring = moment.ring(window.name)
    ring.add(moment.rows, np.where(defined, value, np.nan), moment.tick, span)
    values, found = ring.newest(moment.rows, moment.tick - span)
    return values, found & ~np.isnan(values)


def _since(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    mark = moment.mark(window.name)
    mark.ticks[moment.rows[np.broadcast_to(value, defined.shape) & defined]] = moment.tick
    last = mark.ticks[moment.rows]
    return (moment.tick - last) * moment.tick_us / 1e6, last != EMPTY


def _for(value: Any, defined: Flags, window: Window, moment: Moment) -> Answer:
    mark = moment.mark(window.name)
    holds = np.broadcast_to(value, defined.shape) & defined
    began = mark.ticks[moment.rows]
    began = np.where(holds, np.where(began == EMPTY, moment.tick, began), EMPTY)
    mark.ticks[moment.rows] = began
    return holds & ((moment.tick - began) * moment.tick_us >= window.span_us), defined


WINDOWS: dict[str, Callable[[Any, Flags, Window, Moment], Answer]] = {
    "min over": _least,
    "max over": _most,
    "mean over": _mean,
    "percentile over": _percentile,
    "rate over": _rate,
    "changed over": _changed,
    "count over": _count,
    "was": _was,
    "since": _since,
    "for": _for,
}


def either(types: Sequence[Type]) -> str:
    """The types that an operator takes, in a message."""
    if Type.FLOAT not in types and Type.INT in types:
        return "integers, or true or false"
    return "numbers, or true or false" if len(types) == len(_ANY) else "numbers" if Type.FLOAT in types else types[0]
