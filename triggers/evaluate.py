"""Every trigger of a loadout over every car of a table, with the reason for each yes and no."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import structlog
from numpy.typing import NDArray

from triggers.clauses import Clause, Passed
from triggers.errors import BadExpression, BadKind, UnknownSignal, UnknownTrigger
from triggers.explain import Explanation, Looked, remembered
from triggers.expression import Expression, Part
from triggers.gating import DAY_US, NEVER, PAUSE_US, Reason, Sight, Terms, step
from triggers.kinds import Trigger, build, threshold_of
from triggers.language.past import Moment, Past
from triggers.memory import Memory
from triggers.probe import check_backbone
from triggers.spec import TriggerSpec, check, parse
from triggers.table import Column, SignalTable

log = structlog.get_logger()

Told = dict[str, Callable[[], list[Clause]]]
"""By trigger, what tells its gates."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A spec made ready: its gate, its score, and the terms on which the score becomes a fire."""

    spec: TriggerSpec
    gate: Expression | None
    score: Trigger
    terms: Terms
    graded: bool


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

    def observe(self, table: SignalTable, gates: Told | None = None) -> Verdicts:
        """What each trigger says of each car of the table; remembers it and counts the reasons.

        gates: takes, by trigger, a function that tells what each gate of `when` and then of a condition came to for
        every car.
        Raises ForeignBackbone if the table's embedding is not of the backbone promised.
        """
        if self._pinned and table.backbone != self._backbone:
            check_backbone(self._backbone, table.backbone, f"the table of tick {table.tick}")
        rows = self._memory.rows(table.cars)
        reasons = np.zeros((len(rows), len(self._rules)), np.uint8)
        scores = np.full(reasons.shape, np.nan, np.float32)
        for i, rule in enumerate(self._rules):
            parts = None if gates is None else Parts(None, None, [])
            if parts is not None and gates is not None:
                gates[rule.spec.name] = parts.told
            reasons[:, i] = self._judge(rule, table, rows, scores[:, i], parts)
            self._memory.count(rule.spec.name, rows, reasons[:, i])
        self._memory.seen_tick[rows] = table.tick
        return Verdicts(table.cars, table.tick, reasons, scores)

    def explain(self, table: SignalTable, trigger: str) -> Explanation:
        """What one trigger says of the one car of a table, with all that decided; nothing is counted.

        Its memory moves on as if it had observed: ask an evaluator over a copy. Raises UnknownTrigger.
        """
        self._known(trigger)
        rule = next(rule for rule in self._rules if rule.spec.name == trigger)
        rows, score = self._memory.rows(table.cars), np.full(1, np.nan, np.float32)
        latch, when, score_of = self._memory.latch(trigger), list[Part](), list[Part]()
        before = remembered(latch, int(rows[0]))
        reason = Reason(int(self._judge(rule, table, rows, score, Parts(when, score_of))[0]))
        return Looked(
            rule.spec, reason, float(score[0]), rule.terms.threshold, rule.graded, when, score_of,
            before, remembered(latch, int(rows[0])), table.tick * self._tick_us,
        ).explained()  # fmt: skip

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
        self,
        rule: _Rule,
        table: SignalTable,
        rows: NDArray[np.intp],
        scores: NDArray[np.float32],
        parts: "Parts | None" = None,
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
        sight = _look(rule, table, Moment(past, rows, table.tick, self._tick_us), parts)
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of a gate and of a condition are noted for an explanation, and their gates for an exam."""

    when: list[Part] | None
    score_of: list[Part] | None
    gates: list[Passed] | None = None

    def told(self) -> list[Clause]:
        """The gates, in order."""
        return [clause for each in self.gates or () for clause in each.told()]


_NOWHERE = Parts(None, None)


def _look(rule: _Rule, table: SignalTable, moment: Moment, parts: Parts | None) -> Sight:
    """The gate over all rows, the score over those it lets in; one that looks back watches behind the gate too."""
    n, parts = len(table), parts or _NOWHERE
    if rule.gate is None:
        score = _score(rule, table, moment, parts)
        return Sight(score, np.zeros(n, np.bool_), np.isnan(score))
    gate = rule.gate(table, moment.at("when"), parts.when, parts.gates)
    gated = gate == 0
    score = np.full(n, np.nan, np.float32)
    inside = np.flatnonzero(gate == 1)
    if inside.size == n or _looks_back(rule.score):
        score[inside] = _score(rule, table, moment, parts)[inside]
    elif inside.size or parts.gates is not None:
        before = len(parts.gates or ())
        score[inside] = _score(rule, table.select(inside), moment, parts)
        if parts.gates is not None:
            parts.gates[before:] = [replace(each, rows=inside, of=n) for each in parts.gates[before:]]
    return Sight(score, gated, np.isnan(score) & ~gated)


def _score(rule: _Rule, table: SignalTable, moment: Moment, parts: Parts) -> NDArray[np.float32]:
    """The trigger's scores as float32, (n,), NaN where a signal that it read is undefined.

    An expression, and what looks back, say themselves where they are undefined: a window skips such samples.
    """
    if isinstance(rule.score, Expression):
        return rule.score(table, moment.at("score"), parts.score_of, parts.gates)
    if _looks_back(rule.score):
        return _called(rule.spec, rule.score, table, moment).astype(np.float32, copy=False)
    noted = _Noted(table.columns)
    score = _called(rule.spec, rule.score, replace(table, columns=noted), moment).astype(np.float32)
    for name in noted.read:
        score[~table.defined(name)] = np.nan
        if parts.score_of is not None:
            parts.score_of.append(_signal(table, name))
    return score


def _signal(table: SignalTable, name: str) -> Part:
    """A signal of the first car, as an explanation tells it."""
    value = float(table[name][0]) if table.defined(name)[0] else None
    return Part("name", name, value, table.units.get(name, ""))


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
        numbers = _called(spec, score, nobody, never).dtype == np.float32
    graded = bool(numbers and getattr(score, "graded", True))
    if spec.fire.hysteresis and not graded:
        raise spec.refusal(("fire", "hysteresis"), "this kind says yes or no; nothing lies between")
    threshold = _threshold(spec, score) if graded else 0.5
    return _Rule(spec, gate, score, Terms(threshold, spec.fire, spec.limits), graded)


def _threshold(spec: TriggerSpec, score: Trigger) -> float:
    threshold = threshold_of(score, spec.params)
    if threshold is None:
        raise BadKind(f"{spec.name}: kind '{spec.kind}'", "a kind that gives float32 needs a parameter `threshold`")
    return threshold


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Say where in the spec the mistake is."""
    try:
        yield
    except BadExpression as error:
        raise BadExpression(error.text, error.position, error.problem, where) from None
    except UnknownSignal as error:
        raise UnknownSignal(error.name, error.known, where) from None
