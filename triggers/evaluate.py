"""Every trigger of a loadout over every car of a table, with the reason for each yes and no."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np
import structlog
from numpy.typing import NDArray

from triggers.errors import BadExpression, BadKind, ForeignMemory, UnknownSignal, UnknownTrigger
from triggers.expression import Expression
from triggers.gating import DAY_US, NEVER, PAUSE_US, Latch, Reason, Sight, Terms, step
from triggers.kinds import Trigger, build
from triggers.language.past import Moment, Past
from triggers.probe import check_backbone
from triggers.spec import TriggerSpec, check, parse
from triggers.table import Column, SignalTable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What k triggers say of n cars at one tick.

    cars:    (n,) uint32
    tick:    camera tick
    reasons: (n, k) uint8, a Reason each
    scores:  (n, k) float32, NaN where none was computed or it is undefined
    """

    cars: NDArray[np.uint32]
    tick: int
    reasons: NDArray[np.uint8]
    scores: NDArray[np.float32]

    def fires(self) -> NDArray[np.intp]:
        """(m, 2): row and trigger of every fire, by row."""
        return np.argwhere(self.reasons == Reason.FIRED)


class Memory:
    """What the triggers of a cohort remember, by name, so that it outlives a change of loadout; row i is car first + i.

    Shared by all evaluators of the cohort; saved with `state`, brought back with `restore`.
    """

    def __init__(self, first_car: int, cars: int) -> None:
        self.first_car, self.cars = first_car, cars
        self.seen_tick: NDArray[np.int64] = np.full(cars, NEVER, np.int64)
        self.closed: set[str] = set()
        self.suspended: set[str] = set()
        self._latches: dict[str, Latch] = {}
        self._counts: dict[str, NDArray[np.uint32]] = {}
        self._pasts: dict[str, Past] = {}

    def latch(self, trigger: str) -> Latch:
        """What the trigger of this name remembers."""
        if trigger not in self._latches:
            self._latches[trigger] = Latch.fresh(self.cars)
        return self._latches[trigger]

    def past(self, trigger: str, version: int) -> Past:
        """What the windows of this version of a trigger remember."""
        return self._pasts.setdefault(f"{trigger}/{version}", Past(self.cars))

    def rows(self, cars: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Rows of these cars, (n,). Raises ValueError unless they ascend and belong to the cohort."""
        rows = cars.astype(np.intp) - self.first_car
        if len(rows) and not (rows[0] >= 0 and rows[-1] < self.cars and (rows[1:] > rows[:-1]).all()):
            raise ValueError(f"cars must ascend within {self.first_car} … {self.first_car + self.cars - 1}")
        return rows

    def count(self, trigger: str, rows: NDArray[np.intp], reasons: NDArray[np.uint8]) -> None:
        """Count a reason for each of these cars."""
        if trigger not in self._counts:
            self._counts[trigger] = np.zeros((self.cars, len(Reason)), np.uint32)
        self._counts[trigger][rows, reasons] += 1

    def amend(self, trigger: str, cars: NDArray[np.uint32], was: Reason, now: Reason) -> None:
        """Count another reason for these cars after all: a fire, say, whose clip turned out to be PRIVATE."""
        rows = self.rows(cars)
        self._counts[trigger][rows, was] -= np.uint32(1)
        self._counts[trigger][rows, now] += np.uint32(1)

    def take_counts(self) -> dict[str, NDArray[np.uint32]]:
        """Trigger → (cars, reasons) uint32, how often each reason was given since the last take."""
        counts, self._counts = self._counts, {}
        return counts

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as plain arrays under flat names."""
        out: dict[str, NDArray[Any]] = {"cohort": np.array([self.first_car, self.cars], np.int64)}
        out["seen_tick"] = self.seen_tick.copy()
        for name in ("closed", "suspended"):
            out[name] = np.array(sorted(getattr(self, name)), np.str_)
        for name, latch in self._latches.items():
            out |= {f"{name}/{each.name}": getattr(latch, each.name).copy() for each in fields(Latch)}
        for name, past in self._pasts.items():
            out |= {f"{name}/past/{key}": values for key, values in past.state().items()}
        return out | {f"{name}/counts": counts.copy() for name, counts in self._counts.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Back to a saved state. Raises ForeignMemory if it is of other cars."""
        first_car, cars = (int(each) for each in state["cohort"])
        if (first_car, cars) != (self.first_car, self.cars):
            raise ForeignMemory((first_car, cars), (self.first_car, self.cars))
        self.seen_tick = state["seen_tick"].copy()
        self.closed, self.suspended = ({str(each) for each in state[name]} for name in ("closed", "suspended"))
        names = sorted({key.partition("/")[0] for key in state if key.endswith("/held")})
        self._latches = {
            name: Latch(**{each.name: state[f"{name}/{each.name}"].copy() for each in fields(Latch)}) for name in names
        }
        self._pasts = _pasts_of(state, cars)
        counted = [key for key in state if key.endswith("/counts")]
        self._counts = {key.removesuffix("/counts"): state[key].copy() for key in counted}


def _pasts_of(state: Mapping[str, NDArray[Any]], cars: int) -> dict[str, Past]:
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    for key, values in state.items():
        name, found, cell = key.partition("/past/")
        if found:
            parts.setdefault(name, {})[cell] = values
    return {name: Past.of(cars, each) for name, each in parts.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A spec made ready: its gate, its score, and the terms on which the score becomes a fire."""

    spec: TriggerSpec
    gate: Expression | None
    score: Trigger
    terms: Terms


class Evaluator:
    """All triggers of a loadout, over any cars of a cohort, one tick at a time.

    specs: the triggers, in the order of a verdict's columns; memory: the cohort's, shared with other evaluators;
    tick_us: length of a tick; columns: name → type (bool, float, int) of every signal the tables will have, units:
    name → unit of those that have one;
    backbone: sha256 of the network whose embeddings they will have; today: the date of simulated midnight before
    tick 0, against which specs expire (None: they do not).

    Raises, before anything runs: BadSpec, UnknownKind, BadExpression, UnknownSignal, BadKind, and of probes
    MissingWeights, BadWeights and ForeignBackbone.
    """

    def __init__(
        self,
        specs: Sequence[TriggerSpec],
        memory: Memory,
        *,
        tick_us: int,
        columns: Mapping[str, type],
        backbone: str,
        units: Mapping[str, str] | None = None,
        today: dt.date | None = None,
    ) -> None:
        self.specs = tuple(specs)
        self._memory, self._tick_us, self._today = memory, tick_us, today
        self._refuse_namesakes()
        nobody = _empty_table(columns, units or {}, backbone)
        self._rules = tuple(_ready(spec, nobody) for spec in self.specs)
        self._pinned = any(hasattr(rule.score, "backbone") for rule in self._rules)
        self._backbone = backbone

    def observe(self, table: SignalTable) -> Verdicts:
        """What each trigger says of each car of the table; remembers it and counts the reasons.

        Raises ForeignBackbone if the table's embedding is not of the backbone promised.
        """
        if self._pinned and table.backbone != self._backbone:
            check_backbone(self._backbone, table.backbone, f"the table of tick {table.tick}")
        rows = self._memory.rows(table.cars)
        reasons = np.zeros((len(rows), len(self._rules)), np.uint8)
        scores = np.full(reasons.shape, np.nan, np.float32)
        for i, rule in enumerate(self._rules):
            reasons[:, i] = self._judge(rule, table, rows, scores[:, i])
            self._memory.count(rule.spec.name, rows, reasons[:, i])
        self._memory.seen_tick[rows] = table.tick
        return Verdicts(table.cars, table.tick, reasons, scores)

    def amend(self, trigger: str, cars: NDArray[np.uint32], was: Reason, now: Reason) -> None:
        """Count another reason for these cars' last verdict after all; cars (n,)."""
        self._memory.amend(trigger, cars, was, now)

    def close(self, trigger: str) -> None:
        """The fleet has enough of this trigger: nothing fires until `open`, for the whole cohort."""
        self._known(trigger)
        self._memory.closed.add(trigger)
        log.info("trigger_closed", trigger=trigger)

    def suspend(self, trigger: str) -> None:
        """The fleet's circuit breaker stops this trigger: nothing fires until `open`, for the whole cohort."""
        self._known(trigger)
        self._memory.suspended.add(trigger)
        log.info("trigger_suspended", trigger=trigger)

    def open(self, trigger: str) -> None:
        """Undo `close` and `suspend`; every car counts as having just taken the trigger up."""
        self._known(trigger)
        self._memory.closed.discard(trigger)
        self._memory.suspended.discard(trigger)
        log.info("trigger_opened", trigger=trigger)

    def _judge(
        self, rule: _Rule, table: SignalTable, rows: NDArray[np.intp], scores: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        now_us = table.tick * self._tick_us
        if (stopped := self._stopped(rule.spec, now_us)) is not None:
            return np.full(len(rows), stopped, np.uint8)
        latch, past = self._memory.latch(rule.spec.name), self._memory.past(rule.spec.name, rule.spec.version)
        seen = self._memory.seen_tick[rows]
        taken = latch.deploy(rows, rule.spec.version, seen, rule.spec.fire.edge)
        paused = rows[(table.tick - seen) * self._tick_us > PAUSE_US]
        latch.since_us[paused] = NEVER
        for forgotten in (taken, paused):
            past.forget(forgotten)
        latch.seen_tick[rows] = table.tick
        sight = _look(rule, table, Moment(past, rows, table.tick, self._tick_us))
        scores[:] = sight.score
        return step(latch, rows, sight, rule.terms, now_us)

    def _stopped(self, spec: TriggerSpec, now_us: int) -> Reason | None:
        day = None if self._today is None else self._today + dt.timedelta(days=now_us // DAY_US)
        if day and spec.limits.expires and day > spec.limits.expires:
            return Reason.EXPIRED
        if spec.name in self._memory.suspended:
            return Reason.SUSPENDED
        return Reason.FLEET_QUOTA if spec.name in self._memory.closed else None

    def _known(self, trigger: str) -> None:
        names = [spec.name for spec in self.specs]
        if trigger not in names:
            raise UnknownTrigger(trigger, names)

    def _refuse_namesakes(self) -> None:
        names = [spec.name for spec in self.specs]
        for i, spec in enumerate(self.specs):
            if spec.name in names[:i]:
                raise spec.refusal(("name",), f"two triggers of one loadout are called '{spec.name}'")


def _look(rule: _Rule, table: SignalTable, moment: Moment) -> Sight:
    """The gate over all rows, the score over those it lets in; one that looks back watches behind the gate too."""
    n = len(table)
    if rule.gate is None:
        score = _score(rule, table, moment)
        return Sight(score, np.zeros(n, np.bool_), np.isnan(score))
    gate = rule.gate(table, moment.at("when"))
    gated = gate == 0
    score = np.full(n, np.nan, np.float32)
    inside = np.flatnonzero(gate == 1)
    if inside.size == n or _looks_back(rule.score):
        score[inside] = _score(rule, table, moment)[inside]
    elif inside.size:
        score[inside] = _score(rule, table.select(inside), moment)
    return Sight(score, gated, np.isnan(score) & ~gated)


def _score(rule: _Rule, table: SignalTable, moment: Moment) -> NDArray[np.float32]:
    """The trigger's scores as float32, (n,), NaN where a signal that it read is undefined.

    An expression, and what looks back, say themselves where they are undefined: a window skips such samples.
    """
    if isinstance(rule.score, Expression) or _looks_back(rule.score):
        return _called(rule.spec, rule.score, table, moment).astype(np.float32, copy=False)
    noted = _Noted(table.columns)
    score = _called(rule.spec, rule.score, replace(table, columns=noted), moment).astype(np.float32)
    for name in noted.read:
        score[~table.defined(name)] = np.nan
    return score


def _looks_back(score: Trigger) -> bool:
    return bool(getattr(score, "windows", ()))


def _called(spec: TriggerSpec, score: Any, table: SignalTable, moment: Moment) -> Column:
    """What the trigger gives, (n,) float32 or bool. Raises BadKind if it gives anything else."""
    value = score(table, moment.at("score")) if _looks_back(score) else score(table)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", type(value).__name__)
    if shape != (len(table),) or dtype not in (np.bool_, np.float32):
        where = f"{spec.name}: kind '{spec.kind}'"
        raise BadKind(where, f"a score is float32 or bool of shape ({len(table)},), and this is {dtype} {shape or ''}")
    return cast("Column", value)


class _Noted(Mapping[str, Column]):
    """Columns that note which of them are read."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self.read: dict[str, None] = {}

    def __getitem__(self, name: str) -> Column:
        column = self._columns[name]
        self.read[name] = None
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns


def _empty_table(columns: Mapping[str, type], units: Mapping[str, str], backbone: str) -> SignalTable:
    dtypes = {bool: np.bool_, np.bool_: np.bool_, int: np.int64}
    return SignalTable(
        cars=np.zeros(0, np.uint32),
        tick=0,
        columns={name: np.zeros(0, dtypes.get(sort, np.float32)) for name, sort in columns.items()},
        embedding=np.zeros((0, 0), np.float32),
        backbone=backbone,
        units=units,
    )


def _ready(spec: TriggerSpec, nobody: SignalTable) -> _Rule:
    """The rule of a spec, tried on a table of no cars, which finds every unknown name and wrong type."""
    check(spec)
    gate = None if spec.when is None else parse(spec.when, spec.where("when"))
    score = build(spec.kind, spec.params, spec.folder)
    if isinstance(pinned := getattr(score, "backbone", None), str):
        check_backbone(pinned, nobody.backbone, getattr(score, "file", spec.name))
    never = Moment(Past(0), np.zeros(0, np.intp), 0, 1)
    if gate is not None:
        with _located(spec.where("when")):
            gate(nobody, never.at("when"))
    with _located(spec.where("params")):
        graded = _called(spec, score, nobody, never).dtype == np.float32 and getattr(score, "graded", True)
    if spec.fire.hysteresis and not graded:
        raise spec.refusal(("fire", "hysteresis"), "this kind says yes or no; nothing lies between")
    threshold = _threshold(spec, score) if graded else 0.5
    return _Rule(spec, gate, score, Terms(threshold, spec.fire, spec.limits))


def _threshold(spec: TriggerSpec, score: Trigger) -> float:
    threshold = getattr(score, "threshold", spec.params.get("threshold"))
    if isinstance(threshold, int | float):
        return float(threshold)
    raise BadKind(f"{spec.name}: kind '{spec.kind}'", "a kind that gives float32 needs a parameter `threshold`")


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Say where in the spec the mistake is."""
    try:
        yield
    except BadExpression as error:
        raise BadExpression(error.text, error.position, error.problem, where) from None
    except UnknownSignal as error:
        raise UnknownSignal(error.name, error.known, where) from None
