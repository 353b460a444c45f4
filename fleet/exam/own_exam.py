"""The exam of a user's own encounters: figures, slices, what scores tell, and what it all says of the requirements."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fleet.exam.changes import Versus, differing, refuse_changes
from fleet.exam.forecast import hours_to
from fleet.exam.grading import SHOWN, Graded, Scored, Slice, graded, sliced, thin_because
from fleet.exam.judging import interval_of
from fleet.exam.own_data import Own, own_of
from fleet.exam.own_versus import Other, matched, versus
from triggers import estimate

FEW_CLUSTERS = "the encounters are from fewer than ten drives or cars, which says little of others"
_NOTHING = estimate.Interval(float("nan"), 0.0, float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of encounters of any origin.

    require: what must hold, "" for nothing; slice_by: columns; cars, wanted: of the forecast
    """

    require: str = ""
    slice_by: tuple[str, ...] = ()
    cars: int = 1000
    wanted: int = 10_000


@dataclass(frozen=True, slots=True)
class ScoreOrder(Asked):
    """What to examine in which files of frames.

    threshold: from which score on a frame fires; trigger: its name
    versus: a file of another version's frames at the same encounters, None for none; versus_threshold: None: the same
    """

    file: Path
    threshold: float = 0.5
    trigger: str = ""
    versus: Path | None = None
    versus_threshold: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Snap:
    """An encounter worth a look.

    sort: right, wrong, missed or borderline, or as in `differing`; pictures: what cameras saw, JPEGs
    """

    sort: str
    about: str
    score: float
    pictures: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OwnExam:
    """What came out.

    trigger: its name; source: where the encounters are from; threshold: from which on a score fires
    clusters: drives or cars that the encounters are from, None where nobody says; remarks: what must be known
    cars, wanted: of the forecast; other, versus: another version, and what this one gains and loses against it
    """

    trigger: str
    source: Path
    threshold: float
    own: Own
    figures: estimate.Figures
    clusters: int | None
    slices: tuple[Slice, ...]
    graded: Graded
    verdicts: tuple[estimate.Verdict, ...]
    cars: int
    wanted: int
    snaps: tuple[Snap, ...] = ()
    remarks: tuple[str, ...] = ()
    other: Other | None = None
    versus: Versus | None = None

    @property
    def few(self) -> str:
        """Why not even what was hit often can be believed, "" where it can."""
        return FEW_CLUSTERS if self.clusters is not None and self.clusters < estimate.FEW else ""

    @property
    def doubt(self) -> str:
        """Why the figures cannot be believed, "" where they can."""
        return thin_because(self.figures) if self.figures.thin else self.few

    @property
    def compared(self) -> tuple[str, ...]:
        """Figures of whose change the data says something, by the names that requirements have for them."""
        if not (self.own.rates and self.versus):
            return estimate.SHARES
        return estimate.NAMES[:-1] if np.isnan(self.versus.mb.estimate) else estimate.NAMES

    @property
    def verdict(self) -> estimate.Outcome:
        """Of all requirements; without any, whether the figures can be believed."""
        if self.verdicts:
            return estimate.verdict_of(self.verdicts)
        return "inconclusive" if self.doubt else "pass"

    @property
    def mb_per_car_day(self) -> estimate.Interval | None:
        """Before cooldown and limits, which single encounters know nothing of; None where nobody says."""
        return self.figures.fires.times(self.own.mb) if self.own.rates and np.isfinite(self.own.mb) else None

    @property
    def first(self) -> estimate.Interval | None:
        """Hours of the fleet to so many right fires."""
        return hours_to(self.wanted, self.figures.right.times(self.cars)) if self.own.rates else None


def examine_scores(order: ScoreOrder) -> OwnExam:
    """From a file of frames. Raises BadScores, BadRequirement, NothingToCompare."""
    own, other = own_of(order.file, threshold=order.threshold, slice_by=order.slice_by), None
    if order.versus is not None:
        least = order.threshold if order.versus_threshold is None else order.versus_threshold
        theirs = own_of(order.versus, threshold=least)
        other = Other(order.versus.stem, None, matched(own, theirs, order.file, order.versus))
    return examine_own(own, order.file, order, trigger=order.trigger, threshold=order.threshold, other=other)


def examine_own(
    own: Own, source: Path, asked: Asked, *, trigger: str, threshold: float, other: Other | None = None
) -> OwnExam:
    """From encounters that were gathered; other: the same, as another version met them.

    Raises BadRequirement, NothingToCompare.
    """
    required = estimate.parse_requirements(asked.require, tuple(own.slices)) if asked.require else []
    if other is None:
        refuse_changes(required)
    figures = estimate.figures_of(own.sample)
    if own.cluster is not None:
        figures = estimate.clustered(figures, own.sample, own.cluster)
    clusters = None if own.cluster is None else len(np.unique(own.cluster))
    event, scored = own.sample.event, Scored(own.sample, own.score)
    found = OwnExam(
        trigger, source, threshold, own, figures, clusters, tuple(sliced(own.sample, own.slices, None, own.cluster)),
        graded(scored, threshold, {"labelled yes": event, "labelled no": ~event}), (), asked.cars, asked.wanted,
        tuple(_snaps(own, threshold)), (), other,
    )  # fmt: skip
    if other is not None:
        apart = tuple(_apart(own, other.own))
        found = replace(found, versus=versus(own, other), snaps=(*found.snaps, *apart))
    return replace(found, verdicts=tuple(_judged(each, found) for each in required))


def told_own(exam: OwnExam) -> dict[str, Any]:
    """For JSON; rates are in the weights' own unit."""
    figures, mb = exam.figures, exam.mb_per_car_day
    return {
        "trigger": exam.trigger,
        "verdict": exam.verdict,
        "requirements": estimate.told(exam.verdicts),
        "precision": figures.precision.told(),
        "recall": figures.recall.told(),
        "fires_per_car_day": figures.fires.told(),
        "false_fires_per_car_day": figures.wrong.told(),
        "events_per_car_day": figures.events.told(),
        "upload_mb_per_car_day": None if mb is None else mb.told(),
        "slices": [each.told() for each in exam.slices],
        "encounters": figures.encounters,
        "clusters": exam.clusters,
        "frames": exam.own.frames,
        "thin": bool(exam.doubt),
        "remarks": list(exam.remarks),
        "versus": exam.versus and exam.versus.told(),
    }


def _snaps(own: Own, threshold: float) -> list[Snap]:
    """Up to `SHOWN` encounters of each sort: surest first, missed ones with the lowest score first."""
    sample, score = own.sample, np.nan_to_num(own.score, nan=-1.0)
    wrong = sample.wrong > 0
    high = np.argsort(-score, kind="stable")
    sorts = {
        "right": high[sample.right[high]],
        "wrong": high[wrong[high]],
        "missed": high[::-1][(sample.event & ~sample.right)[high[::-1]]],
        "borderline": np.argsort(np.abs(own.score - threshold), kind="stable")[: int(np.isfinite(own.score).sum())],
    }
    return [
        Snap(sort, str(own.names[row]), float(own.score[row]))
        for sort, rows in sorts.items()
        for row in rows[:SHOWN].tolist()
    ]


def _apart(own: Own, other: Own) -> list[Snap]:
    """Encounters at which two versions differ, with the score of the one that fired."""
    return [
        Snap(sort, str(own.names[row]), float((other if sort.startswith("other") else own).score[row]))
        for sort, rows in differing(own.sample, other.sample).items()
        for row in rows
    ]


def _judged(each: estimate.Requirement, found: OwnExam) -> estimate.Verdict:
    mb = found.mb_per_car_day or _NOTHING
    interval = interval_of(each, found.figures, found.slices, found.versus, mb, _NOTHING)
    doubt = _unsaid(each, found, interval) or (found.doubt if each.name == "precision" else found.few)
    return estimate.judge(each, interval, believed=not doubt, doubt=doubt)


def _unsaid(each: estimate.Requirement, found: OwnExam, interval: estimate.Interval) -> str:
    """Why there is no such figure."""
    if each.where and all(part.name != each.where for part in found.slices):
        return f"too few encounters are {each.where}"
    if each.figure.endswith("_per_car_day") and not found.own.rates:
        return "nothing says how many a car meets in a day (column weight)"
    if each.figure == "upload_mb_per_car_day" and np.isnan(interval.estimate):
        return "nothing says what a clip weighs (column mb)"
    return ""
