"""Two versions of a trigger on the same encounters."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.intervals import LEVEL, Interval, normal_quantile, t_quantile
from triggers.estimate.sample import Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a candidate differs from what there is.

    precision, recall: differences, candidate less present; wrong, fires: differences per car-day, of false fires and
        of all fires
    gained, lost: events that only the candidate caught, only the present version; p: of a sign test of these, two-sided
    smallest: difference in recall that so many events would have shown with power 0.8
    """

    precision: Interval
    recall: Interval
    wrong: Interval
    fires: Interval
    gained: int
    lost: int
    p: float
    smallest: float


def compare(present: Sample, candidate: Sample, level: float = LEVEL) -> Comparison:
    """Two samples of the same encounters, row by row; a difference within an encounter counts once.

    Raises ValueError where the rows are not of the same encounters.
    """
    if (
        len(present) != len(candidate)
        or (present.stratum != candidate.stratum).any()
        or not np.allclose(present.weight, candidate.weight)
    ):
        raise ValueError("the two samples are not of the same encounters")
    event = present.event & candidate.event
    caught = candidate.right.astype(np.float64) - present.right
    whole, _ = present.total(event)
    gained, lost = int(((caught > 0) & event).sum()), int(((caught < 0) & event).sum())
    recall = _difference(present, np.where(event, caught, 0.0), level, scale=whole)
    wrong = _difference(present, candidate.wrong - present.wrong, level)
    fires = _difference(present, candidate.wrong - present.wrong + caught, level)
    events = int(event.sum())
    split = (gained + lost) / events if events else 0.0
    return Comparison(
        _precision(present, candidate, level), recall, wrong, fires, gained, lost, sign_test(gained, lost),
        smallest_difference(events, split),
    )  # fmt: skip


def rates_apart(
    present: Sample, candidate: Sample, slopes: tuple[float, float], apart: float, level: float = LEVEL
) -> Interval:
    """How much a function of the rate of fires differs between two versions on the same encounters (delta method).

    slopes: of the function at the rate of each, present first; apart: its value at the candidate's less the present's
    """
    each = slopes[1] * (candidate.right + candidate.wrong) - slopes[0] * (present.right + present.wrong)
    found = _difference(present, each, level)
    return Interval(apart, apart + found.low - found.estimate, apart + found.high - found.estimate)


def _precision(present: Sample, candidate: Sample, level: float) -> Interval:
    """The difference of two ratios over the same encounters, by the residuals of both (Binder, 1983)."""
    shares, residuals = [], []
    for each in (present, candidate):
        alerts = each.right + each.wrong
        whole = each.total(alerts)[0]
        if whole <= 0:
            return Interval(math.nan, -1.0, 1.0)
        shares.append(each.total(each.right)[0] / whole)
        residuals.append((each.right - shares[-1] * alerts) / whole)
    apart = shares[1] - shares[0]
    if not (residuals[1] != residuals[0]).any():
        scale = present.total(present.right + present.wrong)[0]
        most = min(float(present.weight.max(initial=0.0)) * 3.0 / scale, 1.0)
        return Interval(apart, -most, most)
    found = _difference(present, residuals[1] - residuals[0], level)
    return Interval(apart, max(apart - found.half_width, -1.0), min(apart + found.half_width, 1.0))


def sign_test(gained: int, lost: int) -> float:
    """The exact McNemar test: how likely a split at least so uneven is where either way is as likely."""
    from scipy.special import bdtr

    n = gained + lost
    return min(2.0 * float(bdtr(min(gained, lost), n, 0.5)), 1.0) if n else 1.0


def smallest_difference(pairs: int, split: float, power: float = 0.8, level: float = LEVEL) -> float:
    """The difference that so many pairs show with this power (Connor, 1987); split: share of pairs that differ.

    1 where even the greatest would not be shown.
    """
    from scipy.special import ndtri

    if pairs < 1:
        return 1.0
    discordant = max(split, 1.0 / pairs)
    z_a, z_b = normal_quantile(level), float(ndtri(power))
    low, high = 0.0, discordant
    if pairs_for(discordant, high, z_a, z_b) > pairs:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if pairs_for(discordant, middle, z_a, z_b) > pairs else (low, middle)
    return high


def pairs_for(split: float, difference: float, z_a: float = 1.959964, z_b: float = 0.841621) -> float:
    """How many pairs show a difference (Connor, 1987, equation 3); infinite for none."""
    if difference <= 0:
        return math.inf
    return (z_a * math.sqrt(split) + z_b * math.sqrt(max(split - difference**2, 0.0))) ** 2 / difference**2


def _difference(sample: Sample, each: NDArray[np.float64], level: float, *, scale: float = 1.0) -> Interval:
    """A weighted sum that may be negative, over `scale`."""
    if scale <= 0:
        return Interval(math.nan, -math.inf, math.inf)
    estimate, variance = sample.total(each)
    hits = float((each != 0).sum())
    if not hits:  # what is as good as never seen: the rule of three
        most = float(sample.weight.max(initial=0.0)) * 3.0 / scale
        return Interval(0.0, -most, most)
    far = t_quantile(level, hits - 1) * math.sqrt(variance)
    return Interval(estimate / scale, (estimate - far) / scale, (estimate + far) / scale)
