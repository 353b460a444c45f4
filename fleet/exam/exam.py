"""An exam from a spec to a verdict: scout, sample, dry run, figures, forecast, requirements."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from fleet.exam.aims import Aim, aim_of
from fleet.exam.changes import Versus, refuse_changes, specs_of
from fleet.exam.clips import Clip, Eyes, clip_bytes, clips_of
from fleet.exam.crew import Crew, Hands, Kit, Studio
from fleet.exam.driving import Driven, drive
from fleet.exam.films import STREAM, Bill, Film, why_none
from fleet.exam.findings import held_by, rows_of, scored_of, sorts_of
from fleet.exam.forecast import Forecast, days_left, forecast
from fleet.exam.grading import Graded, Scored, Slice, graded, sliced
from fleet.exam.grounds import BLOCK, Grounds, lead_of, steps_of
from fleet.exam.judging import Evidence, judged, unanswered
from fleet.exam.modes import Modes, modes_of
from fleet.exam.painted import Painted, Scouted, alerts, scout
from fleet.exam.trial import Sampled, least, sample
from fleet.exam.versus import clips_apart, rows_too, theirs, versus
from scenarios import SLICES, Draws
from triggers import TriggerSpec, estimate

log = structlog.get_logger()

DAY_LOOKS = 86_400


@dataclass(frozen=True, slots=True)
class Order:
    """What to examine, and how hard.

    spec: name or file; world, seed: where; network, shadows: what the cars run; catches: instead of the name's own aim
    frames: to paint for the weighted sample; dry_frames: for the dry run; every_s: between two looks of a car
    require: what must hold, "" for nothing; cars, wanted: of the forecast; versus: another version, "" for none
    films: where the dry run's film is kept, None: nowhere; fresh_film: whether to begin another
    workers: processes that paint; what comes out is the same for any number
    start: the first day on which the trigger is out, for one that expires
    """

    spec: str
    world: str = "mixed_fleet"
    seed: int = 1
    network: str = "hydranet-v1"
    shadows: tuple[str, ...] = ()
    catches: tuple[str, ...] = ()
    frames: int = 40_000
    dry_frames: int = 40_000
    every_s: float = 1.0
    require: str = ""
    cars: int = 1000
    wanted: int = 10_000
    versus: str = ""
    films: Path | None = None
    fresh_film: bool = False
    workers: int = 1
    start: dt.date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """What came out; everything that the report and the JSON say.

    known: figures of the weighted sample alone, which the guard judges; figures: with the dry run's ordinary driving
    scored: every encounter and stretch of ordinary driving; held: slice to which of these lie in it
    """

    order: Order
    spec: TriggerSpec
    aim: Aim
    scouted: Scouted
    modes: Modes
    strata: tuple[tuple[str, float, int, int], ...]
    known: estimate.Figures
    figures: estimate.Figures
    guard: estimate.Guard
    forecast: Forecast
    slices: tuple[Slice, ...]
    graded: Graded
    verdicts: tuple[estimate.Verdict, ...]
    clips: tuple[Clip, ...]
    clip_mb: float
    cost: dict[str, float]
    bill: Bill
    versus: Versus | None
    scored: Scored
    held: dict[str, NDArray[np.bool_]]

    @property
    def verdict(self) -> estimate.Outcome:
        """Of all requirements; without any, whether the figures can be believed."""
        if self.verdicts:
            return estimate.verdict_of(self.verdicts)
        doubtful = self.figures.thin or self.alarming or not self.figures.resolved
        return "inconclusive" if doubtful else "pass"

    @property
    def alarming(self) -> bool:
        """Whether there is an alarm that the figures do not answer: what was missed is counted in where they can."""
        return unanswered(self.guard, self.figures)


Watch = Callable[[str, int, int], None]
"""Told what is being done, how many frames are done, and of how many."""


def examine(order: Order, watch: Watch = lambda *_: None) -> Exam:
    """Put a trigger through its exam. Raises TriggerError, ScenarioError, VehicleError, ExamError."""
    specs = specs_of(order.spec, order.versus)
    required = estimate.parse_requirements(order.require, tuple(SLICES)) if order.require else []
    if not order.versus:
        refuse_changes(required)
    aim, begun = aim_of(specs[0].name, order.catches), time.monotonic()
    kit = Kit(order.world, order.seed, order.network, order.shadows, specs, aim, steps_of(order.every_s))
    studio = kit.open()
    studio.fitting.loadout(1)  # a spec that does not fit is refused before anything is painted
    progress = _Progress(order, watch)
    progress.doing = "looking where the fleet drives"
    progress(0)
    grounds = Grounds(studio.world, Draws(order.seed), order.every_s, lead=lead_of(specs, order.every_s))
    with ExitStack() as stack:
        hands = stack.enter_context(Crew(kit, order.workers)) if order.workers > 1 else None
        scouted = _scouted(studio, grounds, progress, hands)
        painted = Painted(studio.world, grounds, studio.fitting, aim, scouted, watch=progress, hands=hands)
        progress.doing = "encounters"
        progress.all = scouted.frames + max(order.frames - scouted.frames, int(least(painted))) + order.dry_frames
        sampled = sample(painted, max(order.frames - scouted.frames, 0))
        sampled = replace(sampled, frames=scouted.frames + sampled.frames)
        dry, bill = _dry_run(studio, grounds, order, progress, hands)
    return _found(order, painted, sampled, dry, bill, required, time.monotonic() - begun)


def _scouted(studio: Studio, grounds: Grounds, progress: "_Progress", hands: Hands | None) -> Scouted:
    """Without an aim there are no near misses to tell from it: ordinary driving says all there is to say."""
    if not studio.aim.catches:
        return Scouted()
    progress.doing = "looking for modes of false fires"
    return scout(studio.world, grounds, studio.fitting, studio.aim, progress, hands)


def _dry_run(
    studio: Studio, grounds: Grounds, order: Order, progress: "_Progress", hands: Hands | None
) -> tuple[Driven, Bill]:
    """Painted, or read from a film where there is one; and what it cost."""
    blocks = max(order.dry_frames // (BLOCK + grounds.lead), 1)
    progress.doing = "dry run"
    if order.films is None:
        passes = grounds.blocks(STREAM, np.arange(blocks))
        dry = drive(studio.world, studio.fitting, passes, studio.aim, grounds.step, progress, hands=hands)
        return dry, Bill(painted=dry.frames, painted_s=dry.spent_s)
    why = why_none(order.films, studio, grounds)
    film = Film.find(order.films, studio, grounds, fresh=order.fresh_film)
    progress.doing = "dry run, painting its film" + (f" ({why})" if why else "")
    painted, painted_s = film.extend(studio, grounds, blocks, hands=hands, watch=progress)
    progress.doing = "dry run, from film"
    dry = film.show(studio, grounds, blocks, hands=hands)
    times, triggers = film.examined(studio.fitting.specs[0], dry.frames)
    return dry, Bill(painted, dry.frames, painted_s, dry.spent_s, *film.bill(), times, triggers, str(film.folder))


def pooled(painted: Painted, sampled: Sampled, dry: Driven, trigger: int = 0) -> estimate.Sample:
    """The weighted sample with the dry run's blocks among its ordinary driving."""
    rest, strays = painted.rest, painted.stray(dry, trigger)
    n, count = len(dry.passes), int((sampled.sample.stratum == rest).sum()) + len(dry.passes)
    nothing = np.zeros(n, np.bool_)
    more = estimate.Sample(np.full(n, rest, np.int64), np.ones(n), nothing, nothing, strays.astype(np.float64))
    whole = estimate.joined([sampled.sample, more])
    rate = painted.strata[rest].per_car_day
    weight = np.where(whole.stratum == rest, rate / count, whole.weight)
    return estimate.Sample(whole.stratum, weight, whole.event, whole.right, whole.wrong)


def guarded(painted: Painted, sampled: Sampled, dry: Driven) -> estimate.Guard:
    """The dry run against the weighted sample."""
    days = len(dry.passes) / painted.grounds.blocks_per_car_day
    return estimate.guard_of(
        sampled.sample, painted.rest, car_days=days, alerts=int(alerts(dry, 0).sum()),
        strays=int(painted.stray(dry, 0).sum()),
    )  # fmt: skip


def _found(
    order: Order, painted: Painted, sampled: Sampled, dry: Driven, bill: Bill,
    required: Sequence[estimate.Requirement], spent_s: float,
) -> Exam:  # fmt: skip
    spec, grounds = painted.fitting.specs[0], painted.grounds
    driven = painted.looked[-1].driven
    whole = pooled(painted, sampled, dry)
    fresh, later = np.split(np.arange(len(whole)), [len(sampled.sample)])
    rows = rows_of(painted, whole.part(fresh), driven)
    parts = [rows, rows_of(painted, whole.part(later), dry)]
    scored, held, threshold = scored_of(parts, painted.rest), held_by(parts), spec.threshold()
    figures = estimate.figures_of(whole, rest=painted.rest)
    guard = guarded(painted, sampled, dry)
    clip_mb = clip_bytes(painted.fitting, rows) / 1e6
    told = forecast(
        spec, figures, cars=order.cars, wanted=order.wanted, driven_s=grounds.looks_per_car_day * grounds.step / 10,
        clip_mb=clip_mb, days=days_left(spec, order.start),
    )  # fmt: skip
    aimed, eyes, other = bool(painted.aim.catches), Eyes(order), None
    clips = clips_of(painted, rows, threshold, eyes)
    if len(painted.fitting.specs) > 1:
        there = pooled(painted, theirs(painted, sampled), dry, 1)
        both = rows, rows_too(painted, there, rows)
        other = versus(painted, whole, there, both, clip_mb=clip_mb, driven_s=told.driven_s)
        clips += clips_apart(painted, *both, eyes)
    slices = sliced(whole, held, painted.rest) if aimed else []
    frames = sampled.frames + bill.painted
    log.info("trigger_examined", trigger=spec.name, frames=frames, spent_s=round(spent_s, 1))
    return Exam(
        order, spec, painted.aim, painted.scouted, modes_of(painted, parts, eyes), _strata(painted, sampled),
        estimate.figures_of(sampled.sample, rest=painted.rest), figures, guard, told, tuple(slices),
        graded(scored, threshold, sorts_of(parts)) if aimed else Graded(),
        tuple(judged(required, Evidence(figures, guard, told, slices, other, grounds.looks_per_car_day, aimed))),
        tuple(clips), clip_mb, _cost(driven, dry, frames, spent_s, grounds), bill, other, scored, held,
    )  # fmt: skip


def _strata(painted: Painted, sampled: Sampled) -> tuple[tuple[str, float, int, int], ...]:
    """Name, rate a car-day, encounters looked at, alerts among them."""
    fired = sampled.sample.right + sampled.sample.wrong
    hits = np.bincount(sampled.sample.stratum, fired, len(painted.strata)).astype(int).tolist()
    rows = zip(painted.strata, sampled.counts.tolist(), hits, strict=True)
    return tuple((each.name, each.per_car_day, count, hit) for each, count, hit in rows)


def _cost(driven: Driven, dry: Driven, frames: int, spent_s: float, grounds: Grounds) -> dict[str, float]:
    judged = driven.frames + dry.frames
    gated = (driven.reasons[0, 2] + dry.reasons[0, 2]) / max(judged, 1)
    return {
        "frames_painted": float(frames),
        "wall_s": round(spent_s, 1),
        "trigger_us_per_look": 1e6 * (driven.judged_s + dry.judged_s) / max(judged, 1),
        "gated_share": float(gated),
        "looks_per_car_day": grounds.looks_per_car_day,
    }


class _Progress:
    """Counts frames and says what they are for."""

    def __init__(self, order: Order, watch: Watch) -> None:
        self.doing, self._done, self._watch = "", 0, watch
        self.all = order.frames + order.dry_frames

    def __call__(self, frames: int) -> None:
        self._done += frames
        self._watch(self.doing, self._done, max(self.all, self._done))
