import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from scenarios import Draws
from triggers import estimate
from triggers.estimate.paired import pairs_for, sign_test


def test_the_exact_test_is_mcnemars() -> None:
    assert sign_test(59, 121) == pytest.approx(4.4345e-6, rel=1e-4)
    assert sign_test(59, 121) == pytest.approx(mcnemar([[101, 121], [59, 33]], exact=True).pvalue)
    assert sign_test(0, 0) == 1


@pytest.mark.parametrize(
    ("split", "difference", "pairs"),
    [
        (0.05, 0.01, 3923),
        (0.10, 0.02, 1960),
        (0.10, 0.05, 312),
        (0.20, 0.05, 626),
        (0.20, 0.10, 155),
        (0.40, 0.10, 312),
    ],
)
def test_the_sample_sizes_are_those_of_connor_1987(split: float, difference: float, pairs: int) -> None:
    assert np.ceil(pairs_for(split, difference)) == pytest.approx(pairs, abs=1)
    assert estimate.smallest_difference(pairs, split) == pytest.approx(difference, rel=0.01)


def test_two_versions_that_are_alike_seldom_differ_and_a_better_one_does() -> None:
    same = [_compared(rep, 0.6, 0.6).p <= 0.05 for rep in range(300)]
    better = [_compared(rep, 0.6, 0.75).p <= 0.05 for rep in range(100)]
    assert np.mean(same) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(better) >= 0.8


def test_the_difference_in_recall_is_covered() -> None:
    hits = [(found := _compared(rep, 0.6, 0.7).recall).low <= 0.1 <= found.high for rep in range(400)]
    assert 0.92 < np.mean(hits) < 0.98


def test_differences_in_precision_and_in_what_is_kept_of_the_fires_are_covered() -> None:
    """Both versions are tried on the same events and near misses; half of what fires is kept."""
    truth = 0.7 / (0.7 + 0.3 * 5) - 0.6 / (0.6 + 0.4 * 5)
    covered = np.zeros(2)
    for rep in range(400):
        before, after = _with_near_misses(rep)
        found = estimate.compare(before, after).precision
        rates = [estimate.figures_of(each).fires.estimate for each in (before, after)]
        half = estimate.rates_apart(before, after, (0.5, 0.5), 0.5 * (rates[1] - rates[0]))
        covered += [found.low <= truth <= found.high, half.low <= 0.5 * (2.2 - 2.6) <= half.high]
    assert ((covered / 400 > 0.92) & (covered / 400 < 0.98)).all()


def test_versions_that_never_differ_are_not_told_apart() -> None:
    before, _ = _with_near_misses(1)
    found = estimate.compare(before, before)
    assert found.precision.estimate == found.recall.estimate == 0
    assert found.precision.low < 0 < found.precision.high


def test_where_nothing_differs_only_what_could_have_counts() -> None:
    """Not one of 400 events was met otherwise: at most three in 400, however much near misses weigh."""
    before, _ = _with_near_misses(1)
    found = estimate.compare(before, before).recall
    assert (found.low, found.high) == pytest.approx((np.log(0.05) / 400, -np.log(0.05) / 400))


def test_one_difference_more_never_makes_an_interval_wide_at_once() -> None:
    n = 300
    widths = []
    for lost in range(12):
        two = [np.ones(n, np.bool_), np.arange(n) >= lost]
        before, after = (
            estimate.Sample(np.zeros(n, np.int64), np.full(n, 1 / n), two[0], fired, np.zeros(n)) for fired in two
        )
        widths.append(estimate.compare(before, after).recall.half_width)
    assert widths == sorted(widths)
    assert max(np.diff(widths)) < 1 / n


def test_few_differences_are_covered() -> None:
    """About one event in fifty is met otherwise."""
    hits = []
    for rep in range(400):
        x = Draws(rep).uniform("met", np.arange(300))
        after, before = x < 0.6, (x < 0.595) | (x > 0.985)
        same = np.zeros(300, np.int64), np.full(300, 1 / 300), np.ones(300, np.bool_)
        found = estimate.compare(*(estimate.Sample(*same, each, np.zeros(300)) for each in (before, after))).recall
        hits.append(found.low <= -0.01 <= found.high)
    assert 0.93 < np.mean(hits) < 0.995


def test_what_a_car_gains_counts_once() -> None:
    """Thirty events of three cars gained are no more than three, and one car alone says nothing."""
    n = np.arange(120)
    every, no = np.ones(120, np.bool_), np.zeros(120)
    before, after = (
        estimate.Sample(np.zeros(120, np.int64), np.full(120, 1 / 120), every, fired, no) for fired in (n >= 30, every)
    )
    plain, cars, one = (estimate.compare(before, after, cluster=each) for each in (None, n // 10, n * 0))
    assert (cars.gained, cars.lost) == (plain.gained, plain.lost) == (30, 0)
    assert plain.p < 1e-8
    assert cars.p == 0.25
    assert plain.recall.low > 0.15
    assert cars.recall.low < 0.1
    assert cars.smallest > 2 * plain.smallest
    assert (one.recall.low, one.recall.high) == (-1, 1)
    alone = estimate.compare(before, after, cluster=n).recall
    assert alone.half_width == pytest.approx(plain.recall.half_width, rel=0.03)


def test_versions_on_other_encounters_are_not_compared() -> None:
    one, other = _sample(1, 0.5, 0.5, 100), _sample(1, 0.5, 0.5, 99)
    with pytest.raises(ValueError, match="same encounters"):
        estimate.compare(one[0], other[0])


def _compared(rep: int, before: float, after: float) -> estimate.Comparison:
    return estimate.compare(*_sample(rep, before, after, 300))


def _sample(rep: int, before: float, after: float, n: int) -> list[estimate.Sample]:
    hard = Draws(rep).normal("hard", np.arange(n))
    yes = np.ones(n, np.bool_)
    found = []
    for number, chance in enumerate((before, after)):
        own = Draws(rep).normal("own", np.arange(n), number)
        from scipy.stats import norm

        fired = np.sqrt(0.7) * hard + np.sqrt(0.3) * own < norm.ppf(chance)
        found.append(estimate.Sample(np.zeros(n, np.int64), np.full(n, 1 / n), yes, fired, np.zeros(n)))
    return found


def _with_near_misses(rep: int, n: int = 400) -> list[estimate.Sample]:
    """n events and n near misses that are five times as frequent; the second version is better at both."""
    events, misses = _sample(rep, 0.6, 0.7, n), _sample(rep + 10_000, 0.4, 0.3, n)
    stratum, weight = np.repeat([0, 1], n), np.repeat([1 / n, 5 / n], n)
    event, no = stratum == 0, np.zeros(n)
    return [
        estimate.Sample(
            stratum, weight, event, np.concatenate([one.right, no > 0]), np.concatenate([no, two.right.astype(float)])
        )
        for one, two in zip(events, misses, strict=True)
    ]
