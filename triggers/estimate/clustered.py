"""Encounters of one drive, or of one car, resemble each other: their figures' intervals, made wider by as much.

What one cluster says is one word, however many encounters it has. An interval is stretched on its own scale (logit for
shares, log for rates) by how much more the clusters' sums vary than independent encounters would, and by Student's t at
one less than so many clusters. Of a share that is 0 or 1 nothing varies; there each cluster counts once.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from triggers.estimate.figures import Figures
from triggers.estimate.intervals import LEVEL, Interval, normal_quantile, t_quantile, wilson
from triggers.estimate.sample import Floats, Ints, Sample

FEW = 10
"""Clusters below which nothing can be said of how they vary."""


def clustered(figures: Figures, sample: Sample, cluster: Ints, level: float = LEVEL) -> Figures:
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


def _share(interval: Interval, sample: Sample, cluster: Ints, top: Floats, of: Floats, level: float) -> Interval:
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


def _rate(interval: Interval, sample: Sample, cluster: Ints, values: Floats, level: float) -> Interval:
    if not interval.estimate > 0:
        return interval.times(len(sample) / max(len(np.unique(cluster)), 1))
    # What differs from cluster to cluster is also how much of the sample it holds, so residuals are per encounter.
    mean = float((sample.weight * values).sum() / sample.weight.sum())
    far = _stretch(sample, cluster, values - mean, level)
    low = interval.estimate * (interval.low / interval.estimate) ** far if interval.low > 0 else 0.0
    return Interval(interval.estimate, low, interval.estimate * (interval.high / interval.estimate) ** far)


def effect_of(sample: Sample, cluster: Ints, values: Floats) -> float:
    """How many times as much the sum of values (n,) varies as that of independent encounters would; never below 1."""
    alone = sample.total(values)[1]
    return sample.total(values, cluster)[1] / alone if alone > 0 else 1.0


def wider(clusters: int, level: float = LEVEL) -> float:
    """Student's t for z, at one less than so many clusters; infinite for one."""
    return t_quantile(level, clusters - 1) / normal_quantile(level) if clusters > 1 else math.inf


def _stretch(sample: Sample, cluster: Ints, residuals: Floats, level: float) -> float:
    """How many times as wide: the root of the design effect, and t for z."""
    return math.sqrt(effect_of(sample, cluster, residuals)) * wider(len(np.unique(cluster)), level)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _logistic(value: Any) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(float(value), -700.0), 700.0)))
