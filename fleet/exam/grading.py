"""What encounters and their scores say beyond yes and no: slices, the precision-recall curve, reliability.

It knows encounters that were sampled and nothing of pictures or worlds, so painted encounters and a user's own are
graded by the same lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from triggers import estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHOWN = 4  # clips, or encounters, of a sort
LEAST = 8  # events of a slice that is listed
THRESHOLDS, BINS = 16, 8


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """n encounters, or stretches of driving, and the highest score of each.

    sample: what they came to; score: (n,), NaN for none; rest: the stratum of ordinary driving, None without one
    floor: below it ordinary driving's scores say nothing, for what they were given to was not looked up
    """

    sample: estimate.Sample
    score: Floats
    rest: int | None = None
    floor: float = -np.inf

    def reaching(self, threshold: float) -> estimate.Sample:
        """The sample, had the trigger this threshold."""
        reaches = np.nan_to_num(self.score, nan=-np.inf) >= threshold
        event = self.sample.event
        return estimate.Sample(
            self.sample.stratum, self.sample.weight, event, event & reaches, (reaches & ~event).astype(np.float64)
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the world; intervals hold for all slices together.

    events: looked at; worse: whether recall is surely below that elsewhere, Holm over all slices
    """

    name: str
    events: int
    precision: estimate.Interval
    recall: estimate.Interval
    worse: bool

    def told(self) -> dict[str, object]:
        """For JSON."""
        return {
            "slice": self.name,
            "events": self.events,
            "precision": self.precision.told(),
            "recall": self.recall.told(),
            "worse": self.worse,
        }


@dataclass(frozen=True, slots=True)
class Point:
    """What another threshold would come to."""

    threshold: float
    precision: estimate.Interval
    recall: estimate.Interval
    fires: estimate.Interval


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores from low to high: what they promise on average, and which share is right at base rates."""

    low: float
    high: float
    promised: float
    right: estimate.Interval


@dataclass(frozen=True, slots=True, eq=False)
class Graded:
    """What only scores tell: the precision-recall curve, reliability, and how scores lie.

    histogram: sort to shares by score, (20,) each; edges: (21,); own: place in the curve of the trigger's threshold
    """

    curve: tuple[Point, ...] = ()
    reliability: tuple[Bin, ...] = ()
    histogram: Mapping[str, Floats] = field(default_factory=dict)
    edges: Floats = field(default_factory=lambda: np.zeros(0))
    own: int = 0


def thin_because(figures: estimate.Figures) -> str:
    """Why figures that are thin are so, and what it would take."""
    hits = sum(figures.hits)
    if hits <= 0:
        return "no alert was seen"
    if hits < estimate.ENOUGH:
        times = estimate.ENOUGH / hits
        return f"{hits:.1f} effective alerts are too few: about {times:.1f} times as many encounters would do"
    return f"one encounter makes {figures.heaviest:.0%} of all alerts: more encounters of its sort would do"


def sliced(
    sample: estimate.Sample, inside: Mapping[str, Bools], rest: int | None,
    cluster: NDArray[np.int64] | None = None, level: float = estimate.LEVEL,
) -> list[Slice]:  # fmt: skip
    """Every slice, (n,) bool each, with enough to say; intervals at a level that holds for all of them together.

    cluster: (n,) of encounters that resemble each other, None where they do not
    """
    listed = {name: held for name, held in inside.items() if _enough(sample, held)}
    joint = 1.0 - (1.0 - level) / max(len(listed), 1)

    def figures_in(held: Bools, level: float) -> estimate.Figures:
        found = estimate.figures_of(sample, rest=rest, level=level, rows=held)
        return found if cluster is None else estimate.clustered(found, sample.where(held), cluster, level)

    figures = [figures_in(held, joint) for held in listed.values()]
    worse = estimate.holm([
        _p_worse(sample, held) if cluster is None
        else _p_apart(*(figures_in(part, estimate.LEVEL).recall for part in (held, ~held)))
        for held in listed.values()
    ])  # fmt: skip
    return [
        Slice(name, int((sample.event & listed[name]).sum()), each.precision, each.recall, bool(low))
        for name, each, low in zip(listed, figures, worse, strict=True)
    ]


def graded(scored: Scored, threshold: float, sorts: Mapping[str, Bools]) -> Graded:
    """Curve, reliability and histogram, by sorts of encounters; empty where the trigger only says yes or no."""
    known = np.isfinite(scored.score)
    if len(np.unique(scored.score[known])) <= 2:
        return Graded()
    top = scored.score[known & scored.sample.event]
    places = np.quantile(top, np.linspace(0.05, 0.95, THRESHOLDS)) if len(top) else np.zeros(0)
    wanted = np.unique(np.concatenate([places[places > scored.floor], [threshold]]))
    curve = tuple(_point(scored, float(each)) for each in wanted)
    own = int(np.flatnonzero(wanted == threshold)[0])
    return Graded(curve, _reliability(scored), *_histogram(scored, sorts), own)


def _point(scored: Scored, threshold: float) -> Point:
    figures = estimate.figures_of(scored.reaching(threshold), rest=scored.rest)
    return Point(threshold, figures.precision, figures.recall, figures.fires)


def _reliability(scored: Scored) -> tuple[Bin, ...]:
    """Bins with as many events each at base rates; of every score that some event or near miss reaches."""
    known = np.isfinite(scored.score)
    score, sample = scored.score[known], scored.sample.part(known)
    if not sample.event.any():
        return ()
    edges = np.unique(np.quantile(score[sample.event], np.linspace(0, 1, BINS + 1)))
    found = []
    for low, high in pairwise(edges):
        inside = (score >= low) & ((score < high) | (high == edges[-1]))
        wrong = (inside & ~sample.event).astype(np.float64)
        part = estimate.Sample(sample.stratum, sample.weight, sample.event, sample.event & inside, wrong)
        weight = sample.weight[inside]
        promised = float((weight * score[inside]).sum() / max(weight.sum(), 1e-300))
        found.append(Bin(float(low), float(high), promised, estimate.figures_of(part).precision))
    return tuple(found)


def _histogram(scored: Scored, sorts: Mapping[str, Bools]) -> tuple[dict[str, Floats], Floats]:
    known = np.isfinite(scored.score)
    low, high = (float(end) for end in (scored.score[known].min(), scored.score[known].max()))
    edges = np.linspace(min(low, 0.0), max(high, 1.0) if high <= 1 else high, 21)
    found = {}
    for name, inside in sorts.items():
        counts, _ = np.histogram(scored.score[known & inside], edges, weights=scored.sample.weight[known & inside])
        found[name] = counts / max(counts.sum(), 1e-300)
    return found, edges


def _enough(sample: estimate.Sample, held: Bools) -> bool:
    return bool((sample.event & held).sum() >= LEAST and not held[sample.event].all())


def _p_worse(sample: estimate.Sample, held: Bools) -> float:
    """One-sided: that recall inside is below that outside, by two effective shares and a normal limit."""
    from scipy.special import ndtr

    inside, outside = (
        estimate.effective_share(
            sample, (sample.right & part).astype(np.float64), (sample.event & part).astype(np.float64)
        )
        for part in (held, ~held)
    )
    if min(inside[1], outside[1]) <= 0:
        return 1.0
    share = (inside[0] + outside[0]) / (inside[1] + outside[1])
    spread = np.sqrt(max(share * (1 - share), 1e-9) * (1 / inside[1] + 1 / outside[1]))
    return float(ndtr((inside[0] / inside[1] - outside[0] / outside[1]) / spread))


def _p_apart(inside: estimate.Interval, outside: estimate.Interval) -> float:
    """The same from two intervals of clustered encounters, each even on a logit scale."""
    from scipy.special import logit, ndtr

    ends = [np.clip([each.low, each.high], 1e-6, 1 - 1e-6) for each in (inside, outside)]
    middles, spreads = zip(
        *((float(logit(each).mean()), float(np.ptp(logit(each))) / 3.92) for each in ends), strict=True
    )
    return float(ndtr((middles[0] - middles[1]) / np.hypot(*spreads)))
