"""Encounters that were looked at, what each stands for, and sums and ratios over them.

The sample is stratified: so many encounters of each stratum were decided on beforehand, so variance is what is left
within strata (Cochran, 1977, chapter 5). With weights from several proposals, a stratum is a proposal.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.intervals import LEVEL, kish, normal_quantile, t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ENOUGH = 10.0
"""Effective hits from which on figures may be believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """n encounters, or stretches of driving, each counted once however many frames it has.

    stratum: (n,) int64
    weight: (n,) float64, how many of its sort a car meets in a day for which this one stands
    event: (n,) bool, whether there was something to catch
    right: (n,) bool, whether the trigger fired at it
    wrong: (n,) float64, how often it fired at something else
    """

    stratum: NDArray[np.int64]
    weight: Floats
    event: NDArray[np.bool_]
    right: NDArray[np.bool_]
    wrong: Floats

    def __len__(self) -> int:
        return len(self.weight)

    def where(self, rows: NDArray[np.bool_]) -> "Sample":
        """The sample in which only these rows say anything; the others stay, for they were looked at, too."""
        return Sample(self.stratum, self.weight, self.event & rows, self.right & rows, np.where(rows, self.wrong, 0.0))

    def part(self, rows: NDArray[Any]) -> "Sample":
        """These rows alone."""
        return Sample(*(getattr(self, field.name)[rows] for field in fields(self)))

    def total(self, values: NDArray[Any], cluster: Ints | None = None) -> tuple[float, float]:
        """The weighted sum of values (n,), and its variance.

        cluster: (n,) of encounters that resemble each other, None where they do not; the variance is never below that
            of encounters that do not
        """
        each = self.weight * values
        alone = max(_covariance(self.stratum, each, each), 0.0)
        return float(each.sum()), alone if cluster is None else max(_between(self.stratum, each, each, cluster), alone)

    def correlation(self, one: NDArray[Any], other: NDArray[Any], cluster: Ints | None = None) -> float:
        """Of the weighted sums of one and other, (n,) each; 0 where either does not vary; cluster: as in `total`."""
        (_, first), (_, second) = self.total(one, cluster), self.total(other, cluster)
        if first <= 0 or second <= 0:
            return 0.0
        each = self.stratum, self.weight * one, self.weight * other
        found = _covariance(*each) if cluster is None else _between(*each, cluster)
        return min(max(found / math.sqrt(first * second), -1.0), 1.0)

    def mostly(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Rows of strata of which more than half is hit, (n,): there, misses are the fewer; values: 0 to 1.

        Not where weights differ within a stratum, for then the whole is not known either.
        """
        if not len(self):
            return np.zeros(0, np.bool_)
        _, first, row, n = np.unique(self.stratum, return_index=True, return_inverse=True, return_counts=True)
        even = np.bincount(row, (self.weight != self.weight[first][row]) | (values > 1)) == 0
        return np.asarray((even & (2.0 * np.bincount(row, values) > n) & (n > 1))[row])


def joined(parts: list[Sample]) -> Sample:
    """Samples one after the other; their strata must have numbers of their own."""
    return Sample(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Sample)))


def _covariance(stratum: NDArray[np.int64], one: Floats, other: Floats) -> float:
    """Of two sums over a stratified sample, from what is left within strata (Cochran, 1977, equation 5.13)."""
    if not len(one):
        return 0.0
    _, row, n = np.unique(stratum, return_inverse=True, return_counts=True)
    products = np.bincount(row, one * other)
    between = np.bincount(row, one) * np.bincount(row, other) / n
    # Of a stratum with one encounter all that is known of its spread is the encounter itself.
    return float(np.where(n > 1, n / np.maximum(n - 1, 1) * (products - between), products).sum())


def _between(stratum: Ints, one: Floats, other: Floats, cluster: Ints) -> float:
    """The same where only clusters are independent of each other: of their sums of what is left within strata."""
    _, row = np.unique(cluster, return_inverse=True)
    m = int(row.max(initial=-1)) + 1
    if m < 2:
        return math.inf
    first, second = (np.bincount(row, _left(stratum, each)) for each in (one, other))
    return m / (m - 1) * float(((first - first.mean()) * (second - second.mean())).sum())


def _left(stratum: Ints, each: Floats) -> Floats:
    """What lies off its stratum's mean; of a stratum with one encounter, all of it."""
    _, row, n = np.unique(stratum, return_inverse=True, return_counts=True)
    return np.where(n[row] > 1, each - (np.bincount(row, each) / n)[row], each)


def effective(weighted: Floats) -> float:
    """How many equal hits say as much as these, (n,) with zeros where nothing was hit."""
    return kish(weighted[weighted > 0])


def effective_share(sample: Sample, top: NDArray[Any], of: NDArray[Any]) -> tuple[float, float]:
    """A ratio of weighted sums as hits of a plain sample: effective hits, and of how many (Korn & Graubard, 1998)."""
    whole, _ = sample.total(of)
    if whole <= 0:
        return 0.0, 0.0
    share = min(sample.total(top)[0] / whole, 1.0)
    _, variance = sample.total(top - share * of)
    plain, most = kish((sample.weight * of)[np.asarray(of) > 0]), float((np.asarray(of) > 0).sum())
    inside = 0 < share < 1 and variance > 0
    n = min(share * (1 - share) * (whole**2 / variance), 2.0 * most) if inside else plain
    # t for z: fewer degrees of freedom, a wider interval
    n *= (normal_quantile(LEVEL) / t_quantile(LEVEL, max(n - 1, 1))) ** 2
    return share * n, n
