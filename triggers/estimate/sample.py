"""Encounters that were looked at, what each stands for, and sums and ratios over them.

The sample is stratified: so many encounters of each stratum were decided on beforehand, so variance is what is left
within strata (Cochran, 1977, chapter 5). With weights from several proposals, a stratum is a proposal.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.intervals import LEVEL, Interval, kish, normal_quantile, t_quantile

Floats = NDArray[np.float64]
ENOUGH = 10.0
"""Effective hits from which on a normal limit may be trusted, with Student's t."""


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

    def total(self, values: NDArray[Any]) -> tuple[float, float]:
        """The weighted sum of values (n,), and its variance."""
        return _total(self.stratum, self.weight * values)


def joined(parts: list[Sample]) -> Sample:
    """Samples one after the other; their strata must have numbers of their own."""
    return Sample(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Sample)))


def _total(stratum: NDArray[np.int64], each: Floats) -> tuple[float, float]:
    if not len(each):
        return 0.0, 0.0
    _, row, n = np.unique(stratum, return_inverse=True, return_counts=True)
    sums, squares = np.bincount(row, each), np.bincount(row, each**2)
    # Of a stratum with one encounter all that is known of its spread is the encounter itself.
    spread = np.where(n > 1, n / np.maximum(n - 1, 1) * (squares - sums**2 / n), squares)
    return float(sums.sum()), float(np.maximum(spread, 0.0).sum())


def effective(weighted: Floats) -> float:
    """How many equal hits say as much as these, (n,) with zeros where nothing was hit."""
    return kish(weighted[weighted > 0])


def log_interval(sample: Sample, values: NDArray[Any], level: float = LEVEL) -> Interval:
    """The weighted sum of values, its interval even on a log scale, by t at half the effective hits less one."""
    estimate, variance = sample.total(values)
    if estimate <= 0:
        return Interval(estimate, 0.0, math.inf)
    far = t_quantile(level, effective(sample.weight * values) / 2 - 1) * math.sqrt(variance) / estimate
    return Interval(estimate, estimate * math.exp(-far), estimate * math.exp(far))


def logit_interval(sample: Sample, top: NDArray[Any], of: NDArray[Any], level: float = LEVEL) -> Interval:
    """The ratio of two weighted sums, a share, its interval even on a logit scale (delta method).

    top, of: (n,), top no more than of. The variance is that of the residuals top - share * of within strata.
    """
    whole, _ = sample.total(of)
    if whole <= 0:
        return Interval(math.nan, 0.0, 1.0)
    share = sample.total(top)[0] / whole
    if not 0 < share < 1:
        return Interval(share, 0.0, 1.0)
    _, variance = sample.total(top - share * of)
    fewer = min(effective(sample.weight * top), effective(sample.weight * (of - top)))
    far = t_quantile(level, fewer / 2 - 1) * math.sqrt(variance) / whole / (share * (1 - share))
    middle = math.log(share / (1 - share))
    return Interval(share, 1 / (1 + math.exp(far - middle)), 1 / (1 + math.exp(-far - middle)))


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
