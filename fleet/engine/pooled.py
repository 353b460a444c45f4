"""Pooled shares such as intersection over union, and what may be said of them, of their mean, difference and ratio.

A pooled share is a ratio of two sums over routes, and moments of one route depend on one another. So its spread comes
from routes, by linearising the ratio (the delta method over clusters: Cochran, "Sampling Techniques", 1977, section
6.3; Deng, Knoblich and Lu, KDD 2018, section 3). What each route adds to the error is kept, so that two models on the
same routes are compared in pairs: what both find hard cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A figure over m routes.

    value: the figure; nan where nothing could be counted
    pulls: (m,) how much each route pulls it off its expectation, to first order; they sum to 0
    on_log: whether value and pulls are of its logarithm
    """

    value: float
    pulls: Floats
    on_log: bool = False

    @classmethod
    def share(cls, part: Floats, whole: Floats) -> Self:
        """Sum of `part` over sum of `whole`, (m,) each, a number a route."""
        total = float(whole.sum())
        if total <= 0:
            return cls(float("nan"), np.full(len(whole), np.nan))
        value = float(part.sum()) / total
        return cls(value, (part - value * whole) / total)

    @classmethod
    def mean(cls, figures: Sequence["Pooled"]) -> Self:
        """The plain mean of figures over the same routes, without those that could not be counted."""
        counted = [each for each in figures if np.isfinite(each.value)] or list(figures)
        return cls(float(np.mean([each.value for each in counted])), np.mean([each.pulls for each in counted], axis=0))

    def minus(self, other: "Pooled") -> "Pooled":
        """The paired difference to another figure over the same routes."""
        return Pooled(self.value - other.value, self.pulls - other.pulls)

    def over(self, other: "Pooled") -> "Pooled":
        """The paired ratio to another figure over the same routes; its interval is symmetric in the logarithm."""
        if not self.value > 0 or not other.value > 0:
            return Pooled(float("nan"), np.full(len(self.pulls), np.nan), on_log=True)
        pulls = self.pulls / self.value - other.pulls / other.value
        return Pooled(self.value / other.value, pulls, on_log=True)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, by Student's t with one degree of freedom fewer than routes that have a say."""
        routes = int(np.count_nonzero(self.pulls))
        if routes < 2 or not np.isfinite(self.value):
            return float("nan"), float("nan")
        spread = float(np.sqrt(routes / (routes - 1) * np.square(self.pulls).sum()))
        reach = float(student.ppf(0.5 + CONFIDENCE / 2, routes - 1)) * spread
        if self.on_log:
            return self.value * float(np.exp(-reach)), self.value * float(np.exp(reach))
        return self.value - reach, self.value + reach


def per_route(values: NDArray[np.number], routes: NDArray[np.integer]) -> Floats:
    """Values (n, ...) summed over the moments of each route; routes: (n,) numbers from 0 on."""
    out = np.zeros((int(routes.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(out, routes, values)
    return out
