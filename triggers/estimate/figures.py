"""Precision, recall and rates of a trigger, each an interval, from a weighted sample of encounters."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.intervals import LEVEL, Interval, fay_feuer, fay_kim, ratio_of, rest_of, sum_of, wilson
from triggers.estimate.sample import ENOUGH, Sample, effective, effective_share

WORTH = 10.0
"""Alerts' worth of ordinary driving without a false fire, from which on it says something about precision."""
LOPSIDED = 0.5
"""Share of a figure that may come from one encounter; beyond, the figure is not to be believed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trigger does in a day of an average car.

    precision: share of alerts that are right; recall: share of events that it fires at
    fires, right, wrong, events: how many a car-day
    encounters: looked at; hits: effective numbers of right and of wrong alerts that were seen
    resolved: whether ordinary driving was looked at long enough to be part of precision; if not, precision holds for
        the modes of false fires that are known, and a dry run has to vouch for the rest
    heaviest: greatest share of all alerts that one encounter stands for
    """

    precision: Interval
    recall: Interval
    fires: Interval
    right: Interval
    wrong: Interval
    events: Interval
    encounters: int
    hits: tuple[float, float]
    resolved: bool
    heaviest: float

    @property
    def thin(self) -> bool:
        """Whether too little was hit for the figures to be believed."""
        return sum(self.hits) < ENOUGH or self.heaviest > LOPSIDED


def figures_of(
    sample: Sample, *, rest: int | None = None, level: float = LEVEL, rows: NDArray[np.bool_] | None = None,
    sure: bool = False,
) -> Figures:  # fmt: skip
    """The figures of a sample; rest: the stratum of ordinary driving, if there is one; rows: of one slice only.

    sure: rates that hold at least as often as promised, for where something is guaranteed by them; else they hold
        about as often (the mid-p rule)
    """
    seen = sample if rows is None else sample.where(rows)
    right, wrong, inside = seen.right.astype(np.float64), seen.wrong, _of(sample, rest)
    resolved, heaviest = _resolved(sample, right + wrong, inside)
    known = np.where(inside, 0.0, wrong)
    tp = _rate(seen, right, seen.event, level, sure=sure)
    false = [_rate(seen, known, ~seen.event & ~inside, level, sure=sure)]
    if inside.any() and resolved:
        false.append(_rate(seen, wrong - known, inside, level, sure=sure))
    else:
        wrong = known
    fp, alike = sum_of(false), seen.correlation(right, wrong)
    precision = _precision(tp, fp, alike)
    if not resolved and np.isin(sample.stratum[~inside], sample.stratum[sample.event]).all():
        precision = replace(precision, low=0.0)  # nothing was looked at that could have shown a false fire
    return Figures(
        precision=precision,
        recall=_recall(seen, right, level),
        fires=sum_of([tp, fp], alike),
        right=tp,
        wrong=fp,
        events=_rate(seen, seen.event.astype(np.float64), seen.event, level, sure=sure),
        encounters=len(sample) if rows is None else int(rows.sum()),
        hits=(effective(seen.weight * right), effective(seen.weight * wrong)),
        resolved=resolved,
        heaviest=heaviest,
    )


def foretold_by(sample: Sample, rest: int | None, level: float = LEVEL) -> Figures:
    """The figures of the strata that are known, for a dry run to be judged by.

    Ordinary driving counts among them where it fired often enough to be known; a stray hit or two do not foretell.
    """
    inside, known = _of(sample, rest), ordinary_known(sample, rest)
    return figures_of(sample if known else sample.part(~inside), rest=rest if known else None, level=level)


def ordinary_known(sample: Sample, rest: int | None) -> bool:
    """Whether ordinary driving fired so often that it is a mode like the others."""
    inside = _of(sample, rest)
    return effective(sample.weight[inside] * sample.wrong[inside]) >= ENOUGH


def _of(sample: Sample, rest: int | None) -> NDArray[np.bool_]:
    return np.zeros(len(sample), np.bool_) if rest is None else sample.stratum == rest


def _resolved(sample: Sample, alerts: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[bool, float]:
    """Whether ordinary driving has been looked at enough, and the greatest share of all alerts that one row makes."""
    each = sample.weight * alerts
    total = float(each.sum())
    heaviest = float(each.max(initial=0.0)) / total if total else 0.0
    if not inside.any() or alerts[inside].any():
        return True, heaviest
    return float(sample.weight[inside].max()) * WORTH <= total, heaviest


def _rate(
    sample: Sample, values: NDArray[np.float64], able: NDArray[np.bool_], level: float, *, sure: bool
) -> Interval:
    """Gamma limits with the variance of the sample, however many were hit; able: rows that could have been.

    A stratum that is hit nearly everywhere is as skewed as one that is hit nearly nowhere, the other way: there the
    misses are counted, and what is left is hit.
    """
    mostly = sample.mostly(values)
    return sum_of([
        _limits(sample, np.where(mostly, 0.0, values), able & ~mostly, level, sure=sure),
        rest_of(
            float(sample.weight[mostly].sum()),
            _limits(sample, np.where(mostly, 1.0 - values, 0.0), mostly, level, sure=sure),
        ),
    ])  # fmt: skip


def _limits(
    sample: Sample, values: NDArray[np.float64], able: NDArray[np.bool_], level: float, *, sure: bool
) -> Interval:
    each, (_, variance) = sample.weight * values, sample.total(values)
    method = fay_feuer if sure else fay_kim
    return method(each[each > 0], float(sample.weight[able].max(initial=0.0)), level, variance=variance)


def _precision(tp: Interval, fp: Interval, alike: float) -> Interval:
    """From the quotient of two rates; alike: the correlation of their estimates."""
    if tp.estimate + fp.estimate <= 0:
        return Interval(math.nan, 0.0, 1.0)
    if tp.estimate <= 0:
        return Interval(0.0, 0.0, tp.high / (tp.high + fp.low) if tp.high + fp.low > 0 else 1.0)
    odds = ratio_of(fp, tp, alike)
    return Interval(1 / (1 + odds.estimate), 1 / (1 + odds.high), 1 / (1 + odds.low))


def _recall(sample: Sample, right: NDArray[np.float64], level: float) -> Interval:
    """Of forced events: Wilson's, at the number of plain encounters that say as much as these."""
    return wilson(*effective_share(sample, right, sample.event.astype(np.float64)), level)
