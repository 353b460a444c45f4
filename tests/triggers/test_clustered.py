"""Intervals of encounters that resemble each other within a car or drive."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from scenarios import Draws
from triggers import estimate

CARS, EACH, SHARE = 60, 8, 0.5


def sample_of(rep: int) -> tuple[estimate.Sample, np.ndarray]:
    """Every car catches with a chance of its own, even between 0 and 1; eight encounters each."""
    draws, n = Draws(rep), np.arange(CARS * EACH)
    right = draws.uniform("hit", n) < draws.uniform("ease", n // EACH)
    every = np.ones(len(n), np.bool_)
    return estimate.Sample(np.zeros(len(n), np.int64), np.full(len(n), 0.01), every, right, np.zeros(len(n))), n // EACH


def test_recall_is_covered_as_promised_and_is_not_without_the_cars() -> None:
    covered = {"cars": 0, "plain": 0}
    for rep in range(200):
        sample, cars = sample_of(rep)
        plain = estimate.figures_of(sample)
        for name, found in (("plain", plain), ("cars", estimate.clustered(plain, sample, cars))):
            covered[name] += found.recall.low <= SHARE <= found.recall.high
    assert covered["cars"] / 200 == pytest.approx(0.95, abs=0.035)
    assert covered["plain"] / 200 < 0.85


def test_encounters_that_do_not_resemble_each_other_keep_their_interval() -> None:
    sample, _ = sample_of(1)
    plain = estimate.figures_of(sample)
    alone = estimate.clustered(plain, sample, np.arange(len(sample)))
    assert alone.recall.half_width == pytest.approx(plain.recall.half_width, rel=0.01)


def test_how_a_cars_encounters_fall_into_strata_is_no_spread() -> None:
    """Cars meet events or near misses, hardly both; of each so many were decided on, and each is one of its own."""
    held, widths = 0, []
    for rep in range(200):
        draws, n = Draws(rep), np.arange(320)
        order = np.argsort(2 * draws.normal("car", n // 8) + draws.normal("own", n))
        event = np.isin(n, order[:160])
        fired = draws.uniform("hit", n) < np.where(event, 0.6, 0.2)
        sample = estimate.Sample(
            event.astype(np.int64), np.where(event, 0.01, 0.05), event, fired & event, (fired & ~event).astype(float)
        )
        plain = estimate.figures_of(sample)
        found = estimate.clustered(plain, sample, n // 8).precision
        held += found.low <= 0.006 / 0.016 <= found.high
        widths.append(found.half_width / plain.precision.half_width)
    assert held / 200 == pytest.approx(0.95, abs=0.04)
    assert np.median(widths) < 1.25


def test_where_every_encounter_is_caught_each_car_counts_once() -> None:
    sample, cars = sample_of(1)
    every = estimate.Sample(sample.stratum, sample.weight, sample.event, sample.event, sample.wrong)
    found = estimate.clustered(estimate.figures_of(every), every, cars).recall
    low, _ = proportion_confint(CARS, CARS, method="wilson")
    assert found.low == pytest.approx(low)


def test_one_cluster_says_nothing() -> None:
    sample, _ = sample_of(1)
    found = estimate.clustered(estimate.figures_of(sample), sample, np.zeros(len(sample), np.int64))
    assert (found.recall.low, found.recall.high) == pytest.approx((0.0, 1.0))
