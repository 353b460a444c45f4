"""Passes are driven by the car's own code, `Onboard.tick`: what a car would see, judge and keep, and what was there."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fleet.exam.aims import Aim
from fleet.exam.crew import Alone, Fitting, Hands, Studio
from fleet.exam.gates import Gates, ways_of
from fleet.exam.grounds import Passes
from fleet.simulation.examiner import PIXELS, SHARE
from scenarios import Truth, staging
from triggers import Clause, Evaluator, Reason, SignalTable, Verdicts
from vehicle import Onboard

NEAR_M = 60.0
"""How near a thing must be to have been what a trigger fired at."""
ORIGIN = 3000  # the tick of the first look: before it there is room for what a clip shows and privacy asks
TOGETHER = 64  # passes driven side by side: a job of a few seconds, so that cores end together
TRUTHS = 256  # moments a call: truth is wide

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fire:
    """A fire that was kept.

    row: the pass; look: which of its looks; trigger: which of the specs
    site: at what it was aimed, -1 for nothing; name: the encounter there, "" for none
    """

    row: int
    look: int
    trigger: int
    site: int
    name: str


@dataclass(slots=True, eq=False)
class Marks:
    """What n passes came to, for k triggers.

    early: (k, n) whether one fired before looks count, in the lead
    score, best: (k, n) the highest score while what was put there was in view (without anything put there: of all
        looks), NaN for none; and the look at which
    seen: (n,) whether what was put there was ever in view; view, pixels: (n,) the look that shows most of it, and how
        much
    depth: (k, n) how many gates it got through at the look at which it got furthest, -1 for none that counts; apart:
        how far it was from passing the next one then, 0..1; way: which way it took, by number
    reasons: (k, len(Reason)) counts; fires: those that count, by pass and look; frames: looked at
    gates, ways: their names, by trigger; empty where nothing was looked at
    judged_s: CPU time that the triggers took; spent_s: CPU time of all of it
    """

    early: Bools
    score: Floats
    best: Ints
    seen: Bools
    view: Ints
    pixels: Floats
    depth: Ints
    apart: Floats
    way: Ints
    reasons: Ints
    fires: list[Fire] = field(default_factory=list)
    gates: list[tuple[str, ...]] = field(default_factory=list)
    ways: list[tuple[str, ...]] = field(default_factory=list)
    frames: int = 0
    judged_s: float = 0.0
    spent_s: float = 0.0

    @classmethod
    def blank(cls, k: int, n: int, **where: Any) -> Self:
        """Of passes that nobody has driven yet."""
        return cls(
            np.zeros((k, n), np.bool_), np.full((k, n), np.nan), np.zeros((k, n), np.int64), np.zeros(n, np.bool_),
            np.zeros(n, np.int64), np.zeros(n), np.full((k, n), -1), np.ones((k, n)), np.zeros((k, n), np.int64),
            np.zeros((k, len(Reason)), np.int64), **where,
        )  # fmt: skip

    def take(self, rows: Ints, part: "Marks") -> None:
        """Some of the passes, driven apart; rows: (m,) which they are."""
        for each in ("early", "score", "best", "seen", "view", "pixels", "depth", "apart", "way"):
            getattr(self, each)[..., rows] = getattr(part, each)
        self.reasons += part.reasons
        self.gates, self.ways = part.gates or self.gates, part.ways or self.ways
        self.fires += [replace(fire, row=int(rows[fire.row])) for fire in part.fires]
        self.fires.sort(key=lambda fire: (fire.row, fire.look, fire.trigger))
        self.frames += part.frames
        self.judged_s += part.judged_s
        self.spent_s += part.spent_s


@dataclass(slots=True, eq=False, kw_only=True)
class Driven(Marks):
    """The same, and where it was.

    world: in which pass i is car i; step: camera ticks from one look to the next
    """

    world: staging.StagedWorld
    passes: Passes
    step: int

    def tick(self, look: int | Ints) -> Any:
        """The staged world's tick of a look."""
        return ORIGIN + look * self.step


class Noting(Evaluator):
    """An evaluator that also keeps its last verdicts, what its gates came to, and how long they took."""

    def __init__(self, inner: Evaluator) -> None:
        self.specs, self._inner = inner.specs, inner
        self.last: Verdicts | None = None
        self.told: dict[str, Callable[[], list[Clause]]] = {}
        self.spent_s = 0.0

    def observe(self, table: SignalTable, gates: dict[str, Callable[[], list[Clause]]] | None = None) -> Verdicts:
        """As the evaluator within."""
        begun, self.told = time.thread_time(), {} if gates is None else gates
        self.last = self._inner.observe(table, self.told)
        self.spent_s += time.thread_time() - begun
        return self.last

    def amend(self, trigger: str, cars: NDArray[np.uint32], was: Reason, now: Reason) -> None:
        """As the evaluator within."""
        self._inner.amend(trigger, cars, was, now)


def drive(
    world: staging.DrawnWorld, fitting: Fitting, passes: Passes, aim: Aim, step: int,
    watch: Callable[[int], None] = lambda _: None, *, hands: Hands | None = None,
) -> Driven:  # fmt: skip
    """Drive the passes; watch is told how many frames more were looked at; hands: who does it, else this process."""
    driven = begun(world, len(fitting.specs), passes, step)
    order = np.argsort(-passes.looks, kind="stable")  # like with like, so that few are left at the end; longest first
    groups = [np.sort(order[start : start + TOGETHER]) for start in range(0, len(passes), TOGETHER)]
    hands = hands or Alone(Studio(world, fitting, aim, step))
    for group, marks in hands.each(drive_together, [passes.at(rows) for rows in groups]):
        driven.take(groups[group], marks)
        watch(marks.frames)
    return driven


def begun(world: staging.DrawnWorld, triggers: int, passes: Passes, step: int) -> Driven:
    """Passes that so many triggers are about to judge."""
    staged = staging.stage(world, passes.cars, passes.ticks - ORIGIN, passes.names, passes.keys)
    return Driven.blank(triggers, len(passes), world=staged, passes=passes, step=step)


def drive_together(studio: Studio, passes: Passes) -> Marks:
    """Drive passes side by side; their computers begin anew."""
    driven = begun(studio.world, len(studio.fitting.specs), passes, studio.step)
    loadout = studio.fitting.loadout(len(passes))
    judge(driven, Onboard(driven.world, [loadout], first_car=0, cars=len(passes)), studio)
    return marks_of(driven)


def marks_of(driven: Driven) -> Marks:
    """What came of passes, without the world in which it did."""
    return Marks(*(getattr(driven, each.name) for each in fields(Marks)))


def judge(driven: Driven, onboard: Onboard, studio: Studio) -> None:
    """What was there to see, and look after look what the triggers of one loadout say of all passes.

    fast path: truth costs some ten milliseconds a call, for one moment or for hundreds, so all looks are asked in one.
    """
    begun_s, passes = time.process_time(), driven.passes
    (loadout,) = onboard.loadouts
    noting, names = Noting(loadout.evaluator), [spec.name for spec in loadout.evaluator.specs]
    onboard.loadouts[0] = replace(loadout, evaluator=noting)
    gates = [Gates.of(spec) for spec in loadout.evaluator.specs]
    views = _in_view(driven, studio.aim)
    fires: list[tuple[int, int, int]] = []
    for look, view in enumerate(views):
        active = np.flatnonzero(passes.looks > look)
        cuts = onboard.tick(active.astype(np.uint32), np.zeros(len(active), np.uint16), driven.tick(look))
        fires += [(cut.car, look, names.index(cut.spec.name)) for cut in cuts]
        if noting.last is not None:  # which it never is after a tick
            _note(driven, look, active, noting.last, view[active])
            _note_gates(driven, active, gates, noting, view[active])
        driven.frames += len(active)
    _aimed(driven, fires, studio.aim)
    driven.judged_s += noting.spent_s
    driven.spent_s += time.process_time() - begun_s


def _note(driven: Driven, look: int, active: Ints, verdicts: Verdicts, view: Bools) -> None:
    """Reasons and best scores of one look; view: (m,) which of the active passes count for their best score."""
    for k in range(len(driven.early)):
        driven.reasons[k] += np.bincount(verdicts.reasons[:, k], minlength=len(Reason))
        score = verdicts.scores[:, k].astype(np.float64)
        better = view & (verdicts.reasons[:, k] != Reason.GATED) & np.isfinite(score)
        better &= ~(score <= driven.score[k, active])  # also where there was none
        driven.score[k, active[better]] = score[better]
        driven.best[k, active[better]] = look


def _note_gates(driven: Driven, active: Ints, gates: Sequence[Gates], noting: Noting, view: Bools) -> None:
    """How far each pass got; view: as in `_note`."""
    clauses = [noting.told[spec.name]() if spec.name in noting.told else [] for spec in noting.specs]
    if not driven.gates:
        driven.gates = [each.names(some) for each, some in zip(gates, clauses, strict=True)]
        driven.ways = [ways_of(some) for some in clauses]
    for k, (each, some) in enumerate(zip(gates, clauses, strict=True)):
        if noting.last is None or not (some or not each.told):
            continue
        found = each.reached(some, noting.last, k)
        better = found.depth > driven.depth[k, active]
        better |= (found.depth == driven.depth[k, active]) & (found.apart < driven.apart[k, active])
        rows = np.flatnonzero(view & better)
        for name in ("depth", "apart", "way"):
            getattr(driven, name)[k, active[rows]] = getattr(found, name)[rows]


def _in_view(driven: Driven, aim: Aim) -> Bools:
    """Looks that count, (looks, n): in which what was put there is in view; all of those where nothing was."""
    passes = driven.passes
    at = np.arange(int(passes.looks.max(initial=0)))[:, None]
    view: Bools = (at >= passes.lead) & (at < passes.looks)
    pixels = np.zeros(view.shape)
    when, who = np.nonzero(view & (passes.sites >= 0))
    caught = np.array([name in aim.catches for name in passes.names], np.bool_)
    for start in range(0, len(who), TRUTHS):
        look, row = when[start : start + TRUTHS], who[start : start + TRUTHS]
        truth = driven.world.truth(row.astype(np.uint32), driven.tick(look))
        mine = shown(truth) & (staging.site_of(truth.encounter) == passes.sites[row][:, None])
        if aim.kind is not None:
            mine &= (truth.kind == aim.kind) | ~caught[row][:, None]
        view[look, row] = mine.any(axis=1)
        pixels[look, row] = np.where(mine, truth.pixels.max(axis=1), 0.0).max(axis=1, initial=0.0)
    if len(view):
        driven.seen[:] = view.any(axis=0) & (passes.sites >= 0)
        driven.view[:], driven.pixels[:] = pixels.argmax(axis=0), pixels.max(axis=0)
    return view


def shown(truth: Truth) -> Bools:
    """Which things somebody could point at, (n, K): near enough, and enough of them in one camera."""
    seen = ((truth.pixels >= PIXELS) & (truth.visible >= SHARE)).any(axis=1)
    return np.asarray(seen & truth.valid & (truth.distance_m <= NEAR_M))


def _aimed(driven: Driven, fires: Sequence[tuple[int, int, int]], aim: Aim) -> None:
    """Note fires, (pass, look, trigger) each, with what they were aimed at."""
    for start in range(0, len(fires), TRUTHS):
        some = fires[start : start + TRUTHS]
        rows, looks = (np.array([each[i] for each in some], np.int64) for i in (0, 1))
        aims = aimed_at(driven.world, rows.astype(np.uint32), driven.tick(looks), aim)
        for (row, look, trigger), (site, name) in zip(some, aims, strict=True):
            if look < driven.passes.lead[row]:
                driven.early[trigger, row] = True
            else:
                driven.fires.append(Fire(row, look, trigger, site, name))


def aimed_at(
    world: staging.StagedWorld, cars: NDArray[np.uint32], ticks: int | Ints, aim: Aim
) -> list[tuple[int, str]]:
    """At which site each of n cars' triggers fired, and what it holds: what the aim catches first, then the nearest."""
    truth = world.truth(cars, ticks)
    sites, names = world.met(cars, ticks)
    held = [dict(zip(row.tolist(), name.tolist(), strict=True)) for row, name in zip(sites, names, strict=True)]
    of, visible = staging.site_of(truth.encounter), shown(truth)
    found: list[tuple[int, str]] = []
    for i, around in enumerate(held):
        places = np.flatnonzero(visible[i] & (of[i] >= 0))
        ranked = sorted(
            (around.get(int(of[i, at]), "") not in aim.catches, float(truth.distance_m[i, at]), int(of[i, at]))
            for at in places
        )
        site = ranked[0][2] if ranked else -1
        found.append((site, around.get(site, "")))
    return found
