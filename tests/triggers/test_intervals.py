"""Intervals against published numbers, and against scipy and statsmodels where they have them."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson, confint_poisson_2indep

from scenarios import Draws
from triggers import estimate
from triggers.estimate.intervals import normal_quantile, t_quantile


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_numbers_of_newcombe_1998(hits: int, of: int, low: float, high: float) -> None:
    found = estimate.wilson(hits, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(0, 10, 0.0, 0.3085), (5, 50, 0.0333, 0.2181)])
def test_clopper_pearson_gives_the_tables_numbers(hits: int, of: int, low: float, high: float) -> None:
    found = estimate.clopper_pearson(hits, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(81, 263, 0.2545, 0.3656), (15, 148, 0.0604, 0.1576)])
def test_jeffreys_gives_the_tables_numbers(hits: int, of: int, low: float, high: float) -> None:
    found = estimate.jeffreys(hits, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        (0, 0.0, 3.689), (1, 0.025, 5.572), (2, 0.242, 7.225), (3, 0.619, 8.767), (5, 1.623, 11.668),
        (10, 4.795, 18.390), (20, 12.217, 30.888), (100, 81.364, 121.627),
    ],
)  # fmt: skip
def test_garwood_gives_the_tables_numbers(count: int, low: float, high: float) -> None:
    found = estimate.garwood(count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize("method", ["wilson", "beta", "jeffreys"])
def test_shares_agree_with_statsmodels(method: str) -> None:
    ours = {"wilson": estimate.wilson, "beta": estimate.clopper_pearson, "jeffreys": estimate.jeffreys}[method]
    for hits, of in ((1, 7), (3, 40), (39, 40), (250, 1000)):
        found = ours(hits, of, 0.9)
        assert (found.low, found.high) == pytest.approx(proportion_confint(hits, of, alpha=0.1, method=method))


def test_quantiles_agree_with_scipy() -> None:
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert t_quantile(0.9, 7) == pytest.approx(stats.t.ppf(0.95, 7))
    assert t_quantile(0.95, -3) == pytest.approx(stats.t.ppf(0.975, 1))


def test_fay_feuer_of_equal_weights_is_garwood() -> None:
    for count in (0, 1, 10, 40):
        weighted, plain = estimate.fay_feuer(np.full(count, 0.25), 0.25), estimate.garwood(count)
        assert (weighted.low, weighted.high) == pytest.approx((0.25 * plain.low, 0.25 * plain.high))
    assert estimate.fay_feuer(np.ones(10), 1.0).high == pytest.approx(18.39036, abs=1e-5)
    assert estimate.fay_feuer(np.ones(10), 1.0).low == pytest.approx(4.79539, abs=1e-5)


DOWNS = {"cases": [0, 8, 63, 112, 262, 295], "births": [327, 30666, 123419, 149919, 104088, 34392],
         "standard": [319933, 931318, 786511, 488235, 237863, 61313]}  # fmt: skip
"""Fleiss (1981), table 14.4: children of mothers with five or more, by age."""


@pytest.mark.parametrize(
    ("method", "low", "high"), [(estimate.fay_feuer, 67.70212, 188.30017), (estimate.fay_kim, 59.71632, 173.08170)]
)
def test_gamma_limits_give_the_published_numbers_for_births(method: Any, low: float, high: float) -> None:
    cases, births, standard = (np.array(DOWNS[name]) for name in ("cases", "births", "standard"))
    weights = 1e5 * standard / standard.sum() / births
    found = method(np.repeat(weights, cases), weights.max())
    assert found.estimate == pytest.approx(75.52901, abs=1e-5)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-5)


def test_gamma_limits_with_the_variance_of_poisson_hits_are_those_without_one_and_narrow_with_less() -> None:
    weights = np.array([0.1, 0.4, 0.4, 1.0])
    plain = estimate.fay_kim(weights, 1.0)
    assert estimate.fay_kim(weights, 1.0, variance=float((weights**2).sum())) == plain
    narrow = estimate.fay_kim(weights, 1.0, variance=0.7 * float((weights**2).sum()))
    assert plain.low < narrow.low < 1.9 < narrow.high < plain.high


def test_the_mid_p_rule_lies_within_fay_feuer_and_halves_the_tail() -> None:
    weights = np.array([0.1, 0.4, 0.4, 1.0])
    narrow, wide = estimate.fay_kim(weights, 1.0), estimate.fay_feuer(weights, 1.0)
    assert narrow.estimate == pytest.approx(1.9)
    assert wide.low < narrow.low < 1.9 < narrow.high < wide.high
    nothing = estimate.fay_kim([], 1.0)
    assert nothing.low == 0
    assert 0.5 + 0.5 * stats.gamma.cdf(nothing.high, 1) == pytest.approx(0.975)


def test_weighted_counts_are_covered_at_least_as_often_as_promised() -> None:
    weights, means = np.array([1.0, 0.2, 0.05]), np.array([0.3, 4.0, 20.0])
    truth, reps = float(weights @ means), 1500
    drawn = Draws(4).uniform("counts", np.arange(reps)[:, None], np.arange(3))
    counts = stats.poisson.ppf(drawn, means).astype(int)
    hits = {estimate.fay_feuer: 0, estimate.fay_kim: 0}
    for row in counts:
        for method in hits:
            found = method(np.repeat(weights, row), 1.0)
            hits[method] += found.low <= truth <= found.high
    assert hits[estimate.fay_feuer] > hits[estimate.fay_kim] > 0.94 * reps


def test_a_sum_of_wilson_intervals_is_newcombes() -> None:
    parts = [estimate.wilson(56, 70), estimate.wilson(48, 80)]
    found = estimate.sum_of(parts)
    assert found.estimate == pytest.approx(0.8 + 0.6)
    below = math.hypot(0.8 - parts[0].low, 0.6 - parts[1].low)
    assert found.low == pytest.approx(1.4 - below)


def test_a_quotient_holds_what_the_gamma_quotient_holds() -> None:
    top, bottom = estimate.garwood(40), estimate.garwood(160)
    found = estimate.ratio_of(top, bottom)
    exact = proportion_confint(40, 200, method="beta")  # given the sum, a Poisson ratio is a binomial share
    assert found.estimate == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx(tuple(p / (1 - p) for p in exact), rel=0.02)


def test_a_quotient_agrees_with_statsmodels() -> None:
    for top, bottom in ((40, 160), (7, 30), (3, 12)):
        found = estimate.ratio_of(*(estimate.Interval(k, *confint_poisson(k, 1, "exact-c")) for k in (top, bottom)))
        theirs = confint_poisson_2indep(top, 1, bottom, 1, method="mover", method_mover="exact-c")
        assert (found.low, found.high) == pytest.approx(theirs)


def test_a_quotient_of_correlated_even_intervals_is_fiellers() -> None:
    (t, s), (b, r), rho, z = (3.0, 0.4), (5.0, 0.5), -0.6, normal_quantile(0.95)
    found = estimate.ratio_of(*(estimate.Interval(x, x - z * d, x + z * d) for x, d in ((t, s), (b, r))), rho)
    roots = np.roots([b**2 - (z * r) ** 2, -2 * (t * b - rho * z**2 * s * r), t**2 - (z * s) ** 2])
    assert (found.low, found.high) == pytest.approx(tuple(sorted(roots)))


def test_a_sum_of_correlated_even_intervals_is_the_textbooks() -> None:
    found = estimate.sum_of([estimate.Interval(3.0, 1.0, 5.0), estimate.Interval(5.0, 2.0, 8.0)], -0.5)
    assert found.high - 8.0 == pytest.approx(math.sqrt(4 + 9 - 2 * 0.5 * 2 * 3))
    assert 8.0 - found.low == pytest.approx(found.high - 8.0)


def test_a_quotient_of_nothing_seen_begins_at_zero_and_ends_somewhere() -> None:
    found = estimate.ratio_of(estimate.garwood(0), estimate.garwood(50))
    assert found.estimate == found.low == 0
    assert 3.689 / 66 < found.high < 3.689 / 37


def test_kish_counts_equal_weights() -> None:
    assert estimate.kish(np.array([1, 1, 1, 1, 6.0])) == pytest.approx(2.5)
    assert estimate.kish(np.zeros(0)) == 0


def test_the_design_effect_of_twenty_frames_is_twelve() -> None:
    assert estimate.design_effect(20, 0.6) == pytest.approx(12.4)


def test_holm_and_benjamini_hochberg_give_the_example_of_1995() -> None:
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    assert estimate.benjamini_hochberg(p).sum() == 4
    assert estimate.holm(p).sum() == 3


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 20, 0.5313, 0.8881), (0, 0, 0, 1)]
)
def test_wilson_gives_the_published_intervals(hits: int, of: int, low: float, high: float) -> None:
    found = estimate.wilson(hits, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)
