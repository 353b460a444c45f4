"""Two versions of a trigger on the same encounters.

A difference is what one gains less what it loses against the other. Most encounters are met alike, so both are sums of
few: each has gamma limits (Fay & Kim, 2017), and their difference is by MOVER (Zou & Donner, 2008). One rule serves
few differences and many, and none.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.clustered import effect_of, wider
from triggers.estimate.intervals import LEVEL, Interval, fay_kim, less, normal_quantile
from triggers.estimate.sample import Floats, Ints, Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a candidate differs from what there is.

    precision, recall: differences, candidate less present; wrong, fires: differences per car-day, of false fires and
        of all fires
    gained, lost: events that only the candidate caught, only the present version; p: of a sign test of these, two-sided
        (of drives or cars, where encounters of one resemble each other)
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


def compare(present: Sample, candidate: Sample, level: float = LEVEL, *, cluster: Ints | None = None) -> Comparison:
    """Two samples of the same encounters, row by row; a difference within an encounter counts once.

    cluster: (n,) of encounters that resemble each other, None where they do not
    Raises ValueError where the rows are not of the same encounters.
    """
    if (
        len(present) != len(candidate)
        or (present.stratum != candidate.stratum).any()
        or not np.allclose(present.weight, candidate.weight)
    ):
        raise ValueError("the two samples are not of the same encounters")
    pairs, every = _Pairs(present, level, cluster), np.ones(len(present))
    event = present.event & candidate.event
    caught = candidate.right.astype(np.float64) - present.right
    wrong, told = candidate.wrong - present.wrong, np.where(event, caught, 0.0)
    gained, lost = int((told > 0).sum()), int((told < 0).sum())
    events = float(event.sum()) / pairs.effect(told)
    return Comparison(
        _precision(pairs, candidate), _share(pairs.apart(told, event, present.total(event)[0])),
        pairs.apart(wrong, every), pairs.apart(wrong + caught, every), gained, lost, sign_test(*pairs.sides(told)),
        smallest_difference(events, (gained + lost) / max(float(event.sum()), 1.0)),
    )  # fmt: skip


def rates_apart(
    present: Sample, candidate: Sample, slopes: tuple[float, float], apart: float, level: float = LEVEL, *,
    cluster: Ints | None = None,
) -> Interval:  # fmt: skip
    """How much a function of the rate of fires differs between two versions on the same encounters (delta method).

    slopes: of the function at the rate of each, present first; apart: its value at the candidate's less the present's
    cluster: as in `compare`
    """
    each = slopes[1] * (candidate.right + candidate.wrong) - slopes[0] * (present.right + present.wrong)
    found = _Pairs(present, level, cluster).apart(each, np.full(len(present), max(slopes)))
    return Interval(apart, apart + found.low - found.estimate, apart + found.high - found.estimate)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """n encounters that two versions met; cluster: (n,) of which only clusters are independent, None: each is."""

    sample: Sample
    level: float
    cluster: Ints | None

    def apart(self, each: Floats, able: NDArray[Any], scale: float = 1.0) -> Interval:
        """A weighted sum that may be negative, over `scale`; each, able: (n,), how much a row differs, and could."""
        if scale <= 0:
            return Interval(math.nan, -math.inf, math.inf)
        if self.clusters < 2:
            return Interval(self.sample.total(each)[0] / scale, -math.inf, math.inf)
        more, fewer = np.maximum(each, 0.0), np.maximum(-each, 0.0)
        heaviest = float((self.sample.weight * able).max(initial=0.0)) * self.effect(each)
        alike = self.sample.correlation(more, fewer, self.cluster)
        found = less(self._limits(more, heaviest), self._limits(fewer, heaviest), alike)
        far = 1.0 if self.cluster is None else wider(self.clusters, self.level)
        ends = (found.estimate + far * (end - found.estimate) for end in (found.low, found.high))
        return Interval(found.estimate, *ends).times(1.0 / scale)

    def effect(self, each: Floats) -> float:
        """How many encounters say as much as one would alone; where none differs, a cluster says as much as one."""
        if self.cluster is None:
            return 1.0
        if not each.any():
            return len(self.sample) / max(self.clusters, 1)
        return effect_of(self.sample, self.cluster, each)

    @property
    def clusters(self) -> int:
        """How many are independent of each other."""
        return len(self.sample) if self.cluster is None else len(np.unique(self.cluster))

    def sides(self, each: Floats) -> tuple[int, int]:
        """How many encounters, or clusters on the whole, are above 0 and below."""
        found = each if self.cluster is None else np.bincount(np.unique(self.cluster, return_inverse=True)[1], each)
        return int((found > 0).sum()), int((found < 0).sum())

    def _limits(self, part: Floats, heaviest: float) -> Interval:
        weighted, (_, variance) = self.sample.weight * part, self.sample.total(part, self.cluster)
        return fay_kim(weighted[weighted > 0], heaviest, self.level, variance=variance)


def _precision(pairs: _Pairs, candidate: Sample) -> Interval:
    """The difference of two ratios over the same encounters, by the residuals of both (Binder, 1983)."""
    shares, residuals, able = [], [], np.zeros(len(candidate))
    for each in (pairs.sample, candidate):
        alerts = each.right + each.wrong
        whole = each.total(alerts)[0]
        if whole <= 0:
            return Interval(math.nan, -1.0, 1.0)
        share = each.total(each.right)[0] / whole
        shares.append(share)
        residuals.append((each.right - share * alerts) / whole)
        able = np.maximum(able, np.where(each.event, 1.0 - share, share) / whole)
    found, apart = pairs.apart(residuals[1] - residuals[0], able), shares[1] - shares[0]
    return _share(Interval(apart, apart + found.low - found.estimate, apart + found.high - found.estimate))


def _share(found: Interval) -> Interval:
    """The difference of two shares."""
    return Interval(found.estimate, max(found.low, -1.0), min(found.high, 1.0))


def sign_test(gained: int, lost: int) -> float:
    """The exact McNemar test: how likely a split at least so uneven is where either way is as likely."""
    from scipy.special import bdtr

    n = gained + lost
    return min(2.0 * float(bdtr(min(gained, lost), n, 0.5)), 1.0) if n else 1.0


def smallest_difference(pairs: float, split: float, power: float = 0.8, level: float = LEVEL) -> float:
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
