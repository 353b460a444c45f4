"""Encounters of one drive, or of one car, resemble each other: their figures' intervals, made wider by as much.

What one cluster says is one word, however many encounters it has. An interval is stretched on its own scale (logit for
shares, log for rates) by how much more the clusters' sums vary than independent encounters would, and by Student's t at
one less than so many clusters. Of a share that is 0 or 1 nothing varies; there each cluster counts once.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.figures import Figures
from triggers.estimate.intervals import LEVEL, Interval, normal_quantile, t_quantile, wilson
from triggers.estimate.sample import Sample

FEW = 10
"""Clusters below which nothing can be said of how they vary."""

Floats = NDArray[np.float64]


def clustered(figures: Figures, sample: Sample, cluster: NDArray[np.int64], level: float = LEVEL) -> Figures:
    """The figures of a sample whose rows (n,) belong to clusters; cluster: (n,) of each."""
    event, right = sample.event.astype(np.float64), sample.right.astype(np.float64)
    alerts = right + sample.wrong
    return replace(
        figures,
        precision=_share(figures.precision, sample, cluster, right, alerts, level),
        recall=_share(figures.recall, sample, cluster, right, event, level),
        fires=_rate(figures.fires, sample, cluster, alerts, level),
        right=_rate(figures.right, sample, cluster, right, level),
        wrong=_rate(figures.wrong, sample, cluster, sample.wrong, level),
        events=_rate(figures.events, sample, cluster, event, level),
    )


def _share(
    interval: Interval, sample: Sample, cluster: NDArray[np.int64], top: Floats, of: Floats, level: float
) -> Interval:
    share = interval.estimate
    if math.isnan(share):
        return interval
    if not 0 < share < 1:
        met = len(np.unique(cluster[of > 0]))
        alone = wilson(share * met, met, level)
        return Interval(share, min(alone.low, interval.low), max(alone.high, interval.high))
    far = _stretch(sample, cluster, top - share * of, level)
    middle = math.log(share / (1 - share))
    low, high = (
        _logistic(middle + far * (_logit(end) - middle)) if 0 < end < 1 else end
        for end in (interval.low, interval.high)
    )
    return Interval(share, low, high)


def _rate(interval: Interval, sample: Sample, cluster: NDArray[np.int64], values: Floats, level: float) -> Interval:
    if not interval.estimate > 0:
        return interval.times(len(sample) / max(len(np.unique(cluster)), 1))
    # What differs from cluster to cluster is also how much of the sample it holds, so residuals are per encounter.
    mean = float((sample.weight * values).sum() / sample.weight.sum())
    far = _stretch(sample, cluster, values - mean, level)
    low = interval.estimate * (interval.low / interval.estimate) ** far if interval.low > 0 else 0.0
    return Interval(interval.estimate, low, interval.estimate * (interval.high / interval.estimate) ** far)


def _stretch(sample: Sample, cluster: NDArray[np.int64], residuals: Floats, level: float) -> float:
    """How many times as wide: the root of the design effect, never below 1, and t for z."""
    each = sample.weight * residuals
    _, row = np.unique(cluster, return_inverse=True)
    sums = np.bincount(row, each)
    m = len(sums)
    if m < 2:
        return math.inf
    together = m / (m - 1) * float(((sums - sums.mean()) ** 2).sum())
    alone = sample.total(residuals)[1]
    effect = together / alone if alone > 0 else 1.0
    return math.sqrt(max(effect, 1.0)) * t_quantile(level, m - 1) / normal_quantile(level)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _logistic(value: Any) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(float(value), -700.0), 700.0)))
