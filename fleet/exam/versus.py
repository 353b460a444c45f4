"""Two versions of a trigger on the same painted encounters: how they differ, and where."""

import numpy as np

from fleet.exam.changes import Versus, differing, name_of
from fleet.exam.clips import Clip, Eyes, clip_bytes, painted_clip
from fleet.exam.findings import Rows, rows_of
from fleet.exam.forecast import kept
from fleet.exam.painted import Painted
from fleet.exam.trial import Sampled
from triggers import TriggerSpec, estimate


def theirs(painted: Painted, sampled: Sampled, trigger: int = 1) -> Sampled:
    """The same encounters as the other trigger met them, or another of those that were driven."""
    other, mine = painted.outcomes(painted.looked[-1], trigger), sampled.sample
    event, right, wrong = (
        np.concatenate([getattr(each, name) for each in other]) for name in ("event", "right", "wrong")
    )
    return Sampled(estimate.Sample(mine.stratum, mine.weight, event, right, wrong), sampled.counts, [], 0)


def versus(
    painted: Painted, mine: estimate.Sample, other: estimate.Sample, rows: tuple[Rows, Rows], *, clip_mb: float,
    driven_s: float,
) -> Versus:  # fmt: skip
    """mine, other: every encounter and all ordinary driving, as each met them; rows: of the fresh look, of each.

    clip_mb: of a clip of mine; driven_s: seconds a car drives in a day
    """
    specs, megabytes = painted.fitting.specs, (clip_mb, clip_bytes(painted.fitting, rows[1], 1) / 1e6)
    rates = [estimate.figures_of(each, rest=painted.rest).fires.estimate for each in (mine, other)]
    mb = [
        kept(rate, spec, driven_s, each) * each for rate, spec, each in zip(rates, specs, megabytes, strict=True)
    ]  # fmt: skip
    slopes = [
        _slope(rate, spec, driven_s, each) * each for rate, spec, each in zip(rates, specs, megabytes, strict=True)
    ]  # fmt: skip
    return Versus(
        name_of(specs[1]), specs[1].version, estimate.compare(other, mine),
        estimate.rates_apart(other, mine, (slopes[1], slopes[0]), mb[0] - mb[1]),
    )  # fmt: skip


def rows_too(painted: Painted, other: estimate.Sample, rows: Rows) -> Rows:
    """The fresh look as the other had it."""
    return rows_of(painted, other.part(np.arange(len(rows.sample))), rows.driven, 1)


def clips_apart(painted: Painted, mine: Rows, other: Rows, eyes: Eyes) -> list[Clip]:
    """Encounters at which the two differ, each at the moment at which the one that fired did."""
    return [
        painted_clip(painted, other if sort.startswith("other") else mine, sort, row, eyes)
        for sort, found in differing(mine.sample, other.sample).items()
        for row in found
    ]


def _slope(rate: float, spec: TriggerSpec, driven_s: float, clip_mb: float) -> float:
    """How much more is kept for an alert more."""
    if rate <= 0:
        return 1.0
    low, high = (kept(rate * factor, spec, driven_s, clip_mb) for factor in (0.99, 1.01))
    return (high - low) / (0.02 * rate)
