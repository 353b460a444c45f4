"""Two versions of a trigger on the same encounters: what one gains and loses against the other, and where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.exam.clips import Clip, Eyes, clip_bytes, painted_clip
from fleet.exam.findings import Rows, rows_of
from fleet.exam.forecast import kept
from fleet.exam.grading import SHOWN
from fleet.exam.painted import Painted
from fleet.exam.trial import Sampled
from triggers import TriggerSpec, estimate


@dataclass(frozen=True, slots=True, eq=False)
class Versus:
    """The trigger that is examined, less the other.

    spec: of the other; comparison: of the figures; mb: a car-day, after cooldown and limits
    clips: encounters at which they differ: `only_right`, `only_wrong` are this one's, `other_right`, `other_wrong` the
        other's
    """

    spec: TriggerSpec
    comparison: estimate.Comparison
    mb: estimate.Interval
    clips: tuple[Clip, ...]

    def change(self, figure: str) -> estimate.Interval:
        """Of a figure by the name that requirements have for it."""
        found = self.comparison
        return {
            "precision": found.precision, "recall": found.recall, "fires_per_car_day": found.fires,
            "false_fires_per_car_day": found.wrong, "upload_mb_per_car_day": self.mb,
        }[figure]  # fmt: skip


def theirs(painted: Painted, sampled: Sampled, trigger: int = 1) -> Sampled:
    """The same encounters as the other trigger met them, or another of those that were driven."""
    other, mine = painted.outcomes(painted.looked[-1], trigger), sampled.sample
    event, right, wrong = (
        np.concatenate([getattr(each, name) for each in other]) for name in ("event", "right", "wrong")
    )
    return Sampled(estimate.Sample(mine.stratum, mine.weight, event, right, wrong), sampled.counts, [], 0)


def versus(
    painted: Painted, mine: estimate.Sample, other: estimate.Sample, rows: Rows, eyes: Eyes, *, clip_mb: float,
    driven_s: float,
) -> Versus:  # fmt: skip
    """mine, other: every encounter and all ordinary driving, as each met them; rows: of the fresh look, mine.

    clip_mb: of a clip of mine; driven_s: seconds a car drives in a day
    """
    specs, fresh = painted.fitting.specs, np.arange(len(rows.sample))
    theirs_too = rows_of(painted, other.part(fresh), rows.driven, 1)
    megabytes = clip_mb, clip_bytes(painted.fitting, theirs_too, 1) / 1e6
    rates = [estimate.figures_of(each, rest=painted.rest).fires.estimate for each in (mine, other)]
    mb = [
        kept(rate, spec, driven_s, each) * each for rate, spec, each in zip(rates, specs, megabytes, strict=True)
    ]  # fmt: skip
    slopes = [
        _slope(rate, spec, driven_s, each) * each for rate, spec, each in zip(rates, specs, megabytes, strict=True)
    ]  # fmt: skip
    return Versus(
        specs[1], estimate.compare(other, mine),
        estimate.rates_apart(other, mine, (slopes[1], slopes[0]), mb[0] - mb[1]),
        tuple(_differing(painted, rows, theirs_too, eyes)),
    )  # fmt: skip


def _slope(rate: float, spec: TriggerSpec, driven_s: float, clip_mb: float) -> float:
    """How much more is kept for an alert more."""
    if rate <= 0:
        return 1.0
    low, high = (kept(rate * factor, spec, driven_s, clip_mb) for factor in (0.99, 1.01))
    return (high - low) / (0.02 * rate)


def _differing(painted: Painted, mine: Rows, other: Rows, eyes: Eyes) -> list[Clip]:
    """Up to `SHOWN` of each sort, the heaviest first; each at the moment at which the one that fired did."""

    def only(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> list[int]:
        found = np.flatnonzero(one & ~two)
        order = np.argsort(-mine.sample.weight[found], kind="stable")
        return [int(row) for row in found[order][:SHOWN]]

    right = mine.sample.right, other.sample.right
    wrong = mine.sample.wrong > 0, other.sample.wrong > 0
    sorts = {
        "only_right": (mine, only(*right)), "other_right": (other, only(*right[::-1])),
        "only_wrong": (mine, only(*wrong)), "other_wrong": (other, only(*wrong[::-1])),
    }  # fmt: skip
    return [painted_clip(painted, rows, sort, row, eyes) for sort, (rows, found) in sorts.items() for row in found]
