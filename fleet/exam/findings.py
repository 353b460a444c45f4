"""What the passes say beyond yes and no: slices, how score and truth go together, which clips to show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.exam.driving import Driven, aimed_at
from fleet.exam.painted import Painted
from scenarios import slices_of
from triggers import estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LEAST = 8  # events, or alerts, of a slice that is listed
THRESHOLDS, BINS = 16, 8
ASKED = 400  # of ordinary driving's highest scores, whose aim is looked up
SHOWN = 4  # clips of a sort


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n passes of the fresh look, in the order of the sample.

    sample: what they came to; driven, row: where each is kept, (n,); score: (n,), NaN for none
    moment: (n,) the look that stands for it: at which it fired, else that shows most of what was put there
    fired: (n,) whether it did, at what it is about
    """

    sample: estimate.Sample
    driven: Driven
    score: Floats
    moment: Ints
    fired: Bools


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

    histogram: sort to shares by score, (20,) each; edges: (21,)
    """

    curve: tuple[Point, ...] = ()
    reliability: tuple[Bin, ...] = ()
    histogram: Mapping[str, Floats] = field(default_factory=dict)
    edges: Floats = field(default_factory=lambda: np.zeros(0))


def rows_of(painted: Painted, sample: estimate.Sample, driven: Driven, trigger: int = 0) -> Rows:
    """The passes of the fresh look; a natural encounter that a stratum stands for takes no part in ordinary scores."""
    fired, moment = np.zeros(len(sample), np.bool_), driven.view.copy()
    blank = driven.passes.sites < 0
    moment[blank] = np.minimum(driven.best[trigger], driven.passes.looks - 1)[blank]
    for fire in driven.fires:
        about = fire.site == driven.passes.sites[fire.row] or (blank[fire.row] and fire.name not in painted.apart)
        if fire.trigger == trigger and about and not fired[fire.row]:
            fired[fire.row], moment[fire.row] = True, fire.look
    score = driven.score[trigger].copy()
    asked = np.flatnonzero(blank & np.isfinite(score))
    asked = asked[np.argsort(-score[asked], kind="stable")[:ASKED]]
    if len(asked):
        aims = aimed_at(driven.world, asked.astype(np.uint32), driven.tick(driven.best[trigger, asked]), painted.aim)
        score[asked[[name in painted.apart for _, name in aims]]] = np.nan
    return Rows(sample, driven, score, moment, fired & ((sample.right) | (sample.wrong > 0)))


def slices(rows: Rows, rest: int, level: float = estimate.LEVEL) -> list[Slice]:
    """Every slice with enough to say, intervals at a level that holds for all of them together."""
    inside = {name: held for name, held in _slices(rows).items() if _enough(rows, held)}
    joint = 1.0 - (1.0 - level) / max(len(inside), 1)
    figures = {
        name: estimate.figures_of(rows.sample, rest=rest, level=joint, rows=held) for name, held in inside.items()
    }
    worse = estimate.holm([_p_worse(rows.sample, held) for held in inside.values()])
    return [
        Slice(name, int((rows.sample.event & inside[name]).sum()), each.precision, each.recall, bool(low))
        for (name, each), low in zip(figures.items(), worse, strict=True)
    ]


def graded(rows: Rows, rest: int, threshold: float) -> Graded:
    """Curve, reliability and histogram; empty where the trigger only says yes or no."""
    known = np.isfinite(rows.score)
    if len(np.unique(rows.score[known])) <= 2:
        return Graded()
    top = rows.score[known & rows.sample.event]
    places = np.quantile(top, np.linspace(0.05, 0.95, THRESHOLDS)) if len(top) else np.zeros(0)
    floor = _floor(rows)
    wanted = np.unique(np.concatenate([places[places > floor], [threshold]]))
    return Graded(
        tuple(_point(rows, float(each), rest) for each in wanted), _reliability(rows), *_histogram(rows),
    )  # fmt: skip


def _floor(rows: Rows) -> float:
    """Below it ordinary driving's aims were not looked up."""
    ordinary = np.sort(rows.score[(rows.driven.passes.sites < 0) & np.isfinite(rows.score)])
    return float(ordinary[-ASKED]) if len(ordinary) > ASKED else -np.inf


def _point(rows: Rows, threshold: float, rest: int) -> Point:
    reaches = np.nan_to_num(rows.score, nan=-np.inf) >= threshold
    event = rows.sample.event
    at = estimate.Sample(
        rows.sample.stratum, rows.sample.weight, event, event & reaches, (reaches & ~event).astype(np.float64)
    )
    figures = estimate.figures_of(at, rest=rest)
    return Point(threshold, figures.precision, figures.recall, figures.fires)


def _reliability(rows: Rows) -> tuple[Bin, ...]:
    """Bins with as many events each at base rates; of every score that some event or near miss reaches."""
    known = np.isfinite(rows.score)
    score, weight = rows.score[known], rows.sample.weight[known]
    event, stratum = rows.sample.event[known], rows.sample.stratum[known]
    if not event.any():
        return ()
    edges = np.unique(np.quantile(score[event], np.linspace(0, 1, BINS + 1)))
    found = []
    for low, high in pairwise(edges):
        inside = (score >= low) & ((score < high) | (high == edges[-1]))
        part = estimate.Sample(stratum, weight, event, event & inside, (inside & ~event).astype(np.float64))
        promised = float((weight * score)[inside].sum() / max(weight[inside].sum(), 1e-300))
        found.append(Bin(float(low), float(high), promised, estimate.figures_of(part).precision))
    return tuple(found)


def _histogram(rows: Rows) -> tuple[dict[str, Floats], Floats]:
    known = np.isfinite(rows.score)
    low, high = (float(end) for end in (rows.score[known].min(), rows.score[known].max()))
    edges = np.linspace(min(low, 0.0), max(high, 1.0) if high <= 1 else high, 21)
    blank = rows.driven.passes.sites < 0
    sorts = {"to be caught": rows.sample.event, "near misses": ~rows.sample.event & ~blank, "ordinary driving": blank}
    found = {}
    for name, inside in sorts.items():
        counts, _ = np.histogram(rows.score[known & inside], edges, weights=rows.sample.weight[known & inside])
        found[name] = counts / max(counts.sum(), 1e-300)
    return found, edges


def _slices(rows: Rows) -> dict[str, Bools]:
    """Slice to which passes belong to it: of the moment, and for events of the thing."""
    n = len(rows.sample)
    cars, ticks = np.arange(n, dtype=np.uint32), rows.driven.tick(rows.moment)
    found = dict(slices_of(rows.driven.world.moments(cars, ticks)))
    events = np.flatnonzero(rows.sample.event)
    if len(events):
        columns = _things(rows, events)
        for name, held in slices_of(columns).items():
            if name not in found:
                found[name] = np.zeros(n, np.bool_)
                found[name][events] = held
    return found


def _things(rows: Rows, events: Ints) -> dict[str, NDArray[Any]]:
    """What slices may ask of what was put there, when most of it was seen; of the events, (m,) each."""
    from scenarios import staging

    parts = []
    for start in range(0, len(events), 256):
        who = events[start : start + 256]
        truth = rows.driven.world.truth(who.astype(np.uint32), rows.driven.tick(rows.driven.view[who]))
        mine = truth.valid & (staging.site_of(truth.encounter) == rows.driven.passes.sites[who][:, None])
        place = np.where(mine, truth.pixels.max(axis=1), -1.0).argmax(axis=1)
        parts.append(truth.things(np.arange(len(who)), place))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _enough(rows: Rows, held: Bools) -> bool:
    events = (rows.sample.event & held).sum()
    return bool(events >= LEAST and not held[rows.sample.event].all())


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
