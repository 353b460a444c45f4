"""Intervals for shares, counts, weighted counts, and for sums and ratios of such.

Levels are two-sided: 0.95 leaves 2.5 % on either side. Of what nobody has seen, an
interval is as wide as it can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, NaN where there is none, and the interval around it."""

    estimate: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of what lies between the ends."""
        return (self.high - self.low) / 2

    def times(self, factor: float) -> "Interval":
        """The interval of so many times the quantity; factor > 0."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)

    def told(self) -> dict[str, float | None]:
        """Plain numbers for JSON, None where one is not finite."""
        named = {"estimate": self.estimate, "low": self.low, "high": self.high}
        return {name: float(value) if math.isfinite(value) else None for name, value in named.items()}


def normal_quantile(level: float) -> float:
    """Below which a standard normal draw stays so far that `level` lies between it and its mirror image."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def t_quantile(level: float, degrees: float) -> float:
    """The same of Student's t; for less than one degree of freedom that of one."""
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees, 1.0), 0.5 + level / 2))


def wilson(hits: float, of: float, level: float = LEVEL) -> Interval:
    """A share after `hits` of `of` (Wilson, 1927); both may be effective counts, with fractions."""
    if of <= 0:
        return Interval(math.nan, 0.0, 1.0)
    z = normal_quantile(level)
    share, spread = min(max(hits / of, 0.0), 1.0), z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / of / 4) / (1 + spread)
    return Interval(
        share, 0.0 if hits <= 0 else max(middle - half, 0.0), 1.0 if hits >= of else min(middle + half, 1.0)
    )


def clopper_pearson(hits: float, of: float, level: float = LEVEL) -> Interval:
    """A share, never covered less often than promised (Clopper & Pearson, 1934)."""
    if of <= 0:
        return Interval(math.nan, 0.0, 1.0)
    return _beta(hits, of, hits / of, (hits, of - hits + 1), (hits + 1, of - hits), level)


def jeffreys(hits: float, of: float, level: float = LEVEL) -> Interval:
    """A share, by the beta posterior with half a hit and half a miss before it (Brown, Cai & DasGupta, 2001).

    For one sample. Summed over strata with large weights it is wrong: the half hit outweighs what was seen.
    """
    if of <= 0:
        return Interval(math.nan, 0.0, 1.0)
    shape = (hits + 0.5, of - hits + 0.5)
    return _beta(hits, of, hits / of, shape, shape, level)


def _beta(
    hits: float, of: float, share: float, low: tuple[float, float], high: tuple[float, float], level: float
) -> Interval:
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    return Interval(
        share,
        0.0 if hits <= 0 else float(betaincinv(*low, tail)),
        1.0 if hits >= of else float(betaincinv(*high, 1 - tail)),
    )


def garwood(count: float, level: float = LEVEL) -> Interval:
    """The mean of a Poisson count (Garwood, 1936)."""
    tail = (1 - level) / 2
    return Interval(count, _gamma(count, 1.0, tail), _gamma(count + 1.0, 1.0, 1 - tail))


def fay_feuer(weights: ArrayLike, heaviest: float, level: float = LEVEL, *, variance: float | None = None) -> Interval:
    """The sum of the weights of hits (Fay & Feuer, 1997): honest with few hits, or none.

    weights: of each hit, (k,); heaviest: the largest weight that a hit could have had
    variance: of the sum; without it, that of Poisson hits. From a stratified sample it is less, for where half of a
        stratum is hit, its hits are no Poisson count
    """
    total, below, above = _gammas(weights, heaviest, variance)
    tail = (1 - level) / 2
    return Interval(total, _gamma(*below, tail), _gamma(*above, 1 - tail))


def fay_kim(weights: ArrayLike, heaviest: float, level: float = LEVEL, *, variance: float | None = None) -> Interval:
    """The same with the mid-p rule (Fay & Kim, 2017): about as often right as promised, not more often.

    The limits are quantiles of an even mixture of the two gamma distributions of Fay and Feuer.
    """
    total, below, above = _gammas(weights, heaviest, variance)
    tail = (1 - level) / 2
    return Interval(total, _mixed(below, above, tail), _mixed(below, above, 1 - tail))


def _gammas(
    weights: ArrayLike, heaviest: float, variance: float | None
) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """The total, and (shape, scale) of the gamma distributions below and above it."""
    each = np.asarray(weights, np.float64)
    total = float(each.sum())
    square = float((each**2).sum()) if variance is None else max(variance, total**2 * 1e-12)
    below = (total**2 / square, square / total) if total > 0 else (0.0, 1.0)
    most = max(heaviest, float(each.max(initial=0.0)))
    above = ((total + most) ** 2 / (square + most**2), (square + most**2) / (total + most)) if most > 0 else (0.0, 1.0)
    return total, below, above


def _gamma(shape: float, scale: float, share: float) -> float:
    from scipy.special import gammaincinv

    return float(gammaincinv(shape, share)) * scale if shape > 0 else 0.0


def _mixed(below: tuple[float, float], above: tuple[float, float], share: float) -> float:
    """The quantile of an even mixture of two gamma distributions; one of shape 0 is all at 0."""
    from scipy.special import gammainc

    def reached(value: float) -> float:
        parts = [float(gammainc(shape, value / scale)) if shape > 0 else 1.0 for shape, scale in (below, above)]
        return sum(parts) / 2

    low, high = 0.0, max(_gamma(*below, 1 - 1e-9), _gamma(*above, 1 - 1e-9))
    if reached(low) >= share:
        return 0.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < share else (low, middle)
    return high


def sum_of(parts: Sequence[Interval], correlation: float = 0.0) -> Interval:
    """The sum of quantities: each side's distances add up as squares (MOVER; Zou & Donner, 2008, section 2).

    correlation: of the estimates, any two; 0 for independent ones
    """
    estimate = sum(part.estimate for part in parts)
    below = _together([part.estimate - part.low for part in parts], correlation)
    above = _together([part.high - part.estimate for part in parts], correlation)
    return Interval(estimate, max(estimate - below, 0.0), estimate + above)


def less(one: Interval, other: Interval, correlation: float = 0.0) -> Interval:
    """One quantity less another (MOVER; Zou & Donner, 2008, equation 3); correlation: of the two estimates."""
    below = _together([one.estimate - one.low, other.high - other.estimate], -correlation)
    above = _together([one.high - one.estimate, other.estimate - other.low], -correlation)
    apart = one.estimate - other.estimate
    return Interval(apart, apart - below, apart + above)


def rest_of(whole: float, part: Interval) -> Interval:
    """What is left of a whole that is known."""
    return Interval(whole - part.estimate, max(whole - part.high, 0.0), whole - part.low)


def _together(far: Sequence[float], correlation: float) -> float:
    squares = sum(each**2 for each in far)
    return math.sqrt(max(squares + correlation * (sum(far) ** 2 - squares), 0.0))


def ratio_of(top: Interval, bottom: Interval, correlation: float = 0.0) -> Interval:
    """The quotient of two quantities that cannot be negative (MOVER-R; Donner & Zou, 2012, equation 9).

    The limits are those values of the quotient x for which 0 is a limit of top - x * bottom by MOVER, with the
    correlation of the two estimates (Zou & Donner, 2008, equation 3); equation 9 is the case of none.
    """
    t, b = top.estimate, bottom.estimate
    if not b > 0:
        return Interval(math.nan, 0.0, math.inf)
    low_t, high_t, low_b, high_b = (max(end, 0.0) for end in (top.low, top.high, bottom.low, bottom.high))
    down = t * b - correlation * (t - low_t) * (high_b - b)
    up = t * b - correlation * (high_t - t) * (b - low_b)
    under = down**2 - low_t * high_b * (2 * t - low_t) * (2 * b - high_b)
    over = up**2 - high_t * low_b * (2 * t - high_t) * (2 * b - low_b)
    below, above = high_b * (2 * b - high_b), low_b * (2 * b - low_b)
    low = (down - math.sqrt(max(under, 0.0))) / below if below else low_t * (2 * t - low_t) / (2 * down or 1)
    high = (up + math.sqrt(max(over, 0.0))) / above if above > 0 else math.inf
    return Interval(t / b, max(low, 0.0), high)


def kish(weights: NDArray[Any]) -> float:
    """How many equal weights say as much as these (Kish, 1965); 0 for none."""
    total = float(np.sum(weights))
    return total**2 / float(np.sum(np.square(weights))) if total else 0.0
