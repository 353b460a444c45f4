"""The exam of a user's own encounters: figures, slices, what scores tell, and what it all says of the requirements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fleet.exam.forecast import hours_to
from fleet.exam.grading import SHOWN, Graded, Scored, Slice, graded, sliced, thin_because
from fleet.exam.own_data import Own, own_of
from triggers import estimate

FEW_CLUSTERS = "the encounters are from fewer than ten drives or cars, which says little of others"


@dataclass(frozen=True, slots=True, eq=False)
class Snap:
    """An encounter worth a look; sort: right, wrong, missed or borderline; pictures: what cameras saw, JPEGs."""

    sort: str
    about: str
    score: float
    pictures: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OwnExam:
    """What came out.

    trigger: its name; source: where the encounters are from; threshold: from which on a score fires
    clusters: drives or cars that the encounters are from, None where nobody says; remarks: what must be known
    cars, wanted: of the forecast
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

    @property
    def doubt(self) -> str:
        """Why the figures cannot be believed, "" where they can."""
        if self.figures.thin:
            return thin_because(self.figures)
        return FEW_CLUSTERS if self.clusters is not None and self.clusters < estimate.FEW else ""

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


def examine_scores(
    file: Path, *, threshold: float, require: str = "", slice_by: Sequence[str] = (), trigger: str = "",
    cars: int = 1000, wanted: int = 10_000,
) -> OwnExam:  # fmt: skip
    """From a file of frames; threshold: from which score on a frame fires. Raises BadScores, BadRequirement."""
    own = own_of(file, threshold=threshold, slice_by=slice_by)
    return examine_own(own, file, threshold=threshold, require=require, trigger=trigger, cars=cars, wanted=wanted)


def examine_own(
    own: Own, source: Path, *, threshold: float, require: str, trigger: str, cars: int, wanted: int
) -> OwnExam:
    """From encounters that were gathered. Raises BadRequirement."""
    required = estimate.parse_requirements(require, tuple(own.slices)) if require else []
    figures = estimate.figures_of(own.sample)
    if own.cluster is not None:
        figures = estimate.clustered(figures, own.sample, own.cluster)
    clusters = None if own.cluster is None else len(np.unique(own.cluster))
    event, scored = own.sample.event, Scored(own.sample, own.score)
    found = OwnExam(
        trigger, source, threshold, own, figures, clusters, tuple(sliced(own.sample, own.slices, None, own.cluster)),
        graded(scored, threshold, {"labelled yes": event, "labelled no": ~event}), (), cars, wanted,
        tuple(_snaps(own, threshold)),
    )  # fmt: skip
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


def _judged(each: estimate.Requirement, found: OwnExam) -> estimate.Verdict:
    figures, nothing = found.figures, estimate.Interval(float("nan"), 0.0, float("inf"))
    part = next((part for part in found.slices if part.name == each.where), None)
    of = {
        "precision": figures.precision, "recall": figures.recall, "fires_per_car_day": figures.fires,
        "false_fires_per_car_day": figures.wrong, "upload_mb_per_car_day": found.mb_per_car_day or nothing,
    }  # fmt: skip
    interval = of[each.name]
    if each.where:
        interval = getattr(part, each.name) if part else nothing
    doubt = found.doubt if each.name == "precision" or found.doubt == FEW_CLUSTERS else ""
    if interval is nothing:
        doubt = f"too few encounters are {each.where}" if each.where else "nothing says what a clip weighs (column mb)"
    elif each.name.endswith("_per_car_day") and not found.own.rates:
        doubt = "nothing says how many a car meets in a day (column weight)"
    return estimate.judge(each, interval, believed=not doubt, doubt=doubt)
