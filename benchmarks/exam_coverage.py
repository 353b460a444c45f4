"""How often an exam's intervals hold the truth, over many random triggers in the analytic world; one line of JSON.

200 triggers with prevalences from 1e-7 to 1e-4 a frame, thirty samples each: the exam's own pilot, allocation and
estimators; only pictures are missing (`fleet/exam/analytic.py`). By decade of prevalence, by how many false fires a
sample shows on average (`… false hits`), and for smaller and larger exams (`… frames`):

- `coverage_*`: share of 95 % intervals that hold the truth; low and high are two standard errors away, of the mean over
  triggers, for samples of one trigger resemble each other. `coverage_known` is that of precision, of the modes that the
  sampler knows, which is what an exam says where ordinary driving is not resolved
- `half_width`: median, of precision
- `saving`: frames that plain sampling would need for that half-width, over the frames of the exam, without the guard,
  whose power and cost `exam_guard.py` measures

`--triggers N --samples N --frames N --first SEED` for other sizes and other triggers. What the intervals are was chosen
on triggers 1000 to 1199 and is reported on those from 0.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fleet.exam.analytic import Analytic
from fleet.exam.trial import sample
from fleet.measured import Figure, told
from scenarios import Draws
from triggers import estimate

DECADES = ((-7.0, -6.0), (-6.0, -5.0), (-5.0, -4.0))
HITS = ((0.0, 3.0), (3.0, 10.0), (10.0, 30.0), (30.0, 100.0), (100.0, 1e9))
FIGURES = ("precision", "recall", "fires")
SIZES = (0.4, 4.0)
"""Frames of smaller and of larger exams, times those asked for."""


@dataclass(frozen=True, slots=True)
class Result:
    """One exam.

    trigger, prevalence: of which, and log10 of it; hits: false ones that show on average
    covered: which of FIGURES are; known: whether precision of the known modes is; the others: what it took
    """

    trigger: int
    prevalence: float
    hits: float
    covered: tuple[bool, ...]
    known: bool
    half_width: float
    saving: float


def prevalence_of(trigger: int) -> float:
    """Log10 of it, evenly from -7 to -4."""
    return -7.0 + 3.0 * float(Draws(5).uniform("prevalence", trigger))


def plain_frames(truth: dict[str, float], half_width: float) -> float:
    """Frames of plain sampling for that half-width of precision."""
    return 3.8415 * truth["precision"] * (1 - truth["precision"]) / half_width**2 / truth["fires"]


def examined(trigger: int, samples: int, frames: int) -> Iterator[Result]:
    """Some samples of one trigger."""
    log = prevalence_of(trigger)
    for draw in range(samples):
        field = Analytic(trigger, 10.0**log, draw=draw)
        sampled = sample(field, frames, pilot=40)
        found = estimate.figures_of(sampled.sample, rest=field.rest)
        truth, wide = field.truth, found.precision.half_width
        covered = tuple(_holds(getattr(found, name), truth[name]) for name in FIGURES)
        yield Result(
            trigger, log, field.false_hits(sampled.counts), covered,
            _holds(found.precision, truth["precision"] if found.resolved else field.known["precision"]),
            wide, plain_frames(truth, wide) / sampled.frames,
        )  # fmt: skip


def _holds(interval: estimate.Interval, truth: float) -> bool:
    return bool(interval.low <= truth <= interval.high)


def figures(results: Sequence[Result], others: dict[int, Sequence[Result]]) -> list[Figure]:
    """All of them; others: of exams with other numbers of frames."""
    found = []
    for low, high in DECADES:
        inside = [each for each in results if low <= each.prevalence < high]
        says = f"1e{low:.0f} to 1e{high:.0f}"
        found += _coverages(inside, says)
        for name, target in (("half_width", None), ("saving", 10.0 ** (-3 - low))):
            value = float(np.nanmedian([getattr(each, name) for each in inside]))
            found.append(_figure(f"{name}, {says}", value, target, len(inside), 0.0))
    for few, many in HITS:
        found += _coverages([each for each in results if few <= each.hits < many], f"{few:g} to {many:g} false hits")
    for frames, exams in others.items():
        found += _coverages(exams, f"{frames} frames")
    return found


def _coverages(results: Sequence[Result], says: str) -> list[Figure]:
    """Of each figure, with the error of a mean over triggers."""
    whats: dict[str, Callable[[Result], bool]] = {
        **{name: lambda each, i=i: each.covered[i] for i, name in enumerate(FIGURES)}, "known": lambda each: each.known,
    }  # fmt: skip
    found = []
    for name, what in whats.items():
        of = np.array([each.trigger for each in results])
        hit = np.array([what(each) for each in results], np.float64)
        if len(hit):
            _, row = np.unique(of, return_inverse=True)
            apart = np.bincount(row, hit - hit.mean())  # residuals of clusters: the error of a ratio of sums
            error = float(np.sqrt((apart**2).sum())) / len(hit)
            found.append(_figure(f"coverage_{name}, {says}", float(hit.mean()), 0.95, len(hit), 2.0 * error))
    return found


def _figure(name: str, value: float, target: float | None, runs: int, far: float) -> Figure:
    return Figure(name, value, target, "the truth in closed form", runs, value - far, value + far)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--triggers", type=int, default=200)
    asked.add_argument("--samples", type=int, default=30)
    asked.add_argument("--frames", type=int, default=2000)
    asked.add_argument("--first", type=int, default=0)
    sizes = asked.parse_args()
    triggers = range(sizes.first, sizes.first + sizes.triggers)

    def exams(frames: int) -> list[Result]:
        return [each for trigger in triggers for each in examined(trigger, sizes.samples, frames)]

    others = {frames: exams(frames) for frames in (round(times * sizes.frames) for times in SIZES)}
    print(json.dumps(told("exam_coverage", figures(exams(sizes.frames), others))))


if __name__ == "__main__":
    main()
