"""Pooled shares: by hand, and against the truth of simulated fleets."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fleet.engine.pooled import Pooled, per_route
from scenarios import Draws

FLEETS, ROUTES = 600, 40
T_ONE = 12.7062047  # Student's t with one degree of freedom, 97.5 %


def share(part: list[float], whole: list[float]) -> Pooled:
    return Pooled.share(np.array(part), np.array(whole))


def test_a_share_of_two_routes_comes_out_as_by_hand() -> None:
    found = share([1, 3], [2, 4])
    assert found.value == pytest.approx(4 / 6)
    assert found.pulls == pytest.approx([-1 / 18, 1 / 18])
    low, high = found.interval
    assert (high - low) / 2 == pytest.approx(T_ONE / 9, rel=1e-6)  # sqrt(2 / 1 * 2 / 18^2) = 1 / 9


def test_a_ratio_of_two_shares_comes_out_as_by_hand() -> None:
    found = share([2, 3], [4, 5]).over(share([1, 1], [4, 5]))
    assert found.value == pytest.approx(2.5)
    pull = (2 - 4 * 5 / 9) / 5 - (1 - 4 * 2 / 9) / 2  # each route's error, over the sum of what is shared
    assert found.pulls == pytest.approx([pull, -pull])
    low, high = found.interval
    assert math.log(high / low) / 2 == pytest.approx(T_ONE * 2 * abs(pull))


def test_what_both_find_hard_cancels_in_a_pair() -> None:
    one, other = share([1, 8, 3, 6], [10, 10, 10, 10]), share([0, 7, 2, 6], [10, 10, 10, 10])
    apart, alone = one.minus(other), one
    assert apart.value == pytest.approx(0.075)
    assert np.ptp(apart.interval) < np.ptp(alone.interval) / 5


def test_a_mean_leaves_out_what_could_not_be_counted() -> None:
    nothing = share([0, 0], [0, 0])
    assert math.isnan(nothing.value)
    assert Pooled.mean([share([1, 3], [2, 4]), nothing]).value == pytest.approx(4 / 6)


def test_a_route_has_the_sum_of_its_moments() -> None:
    assert per_route(np.array([[1, 2], [3, 4], [5, 6]]), np.array([1, 0, 1])).tolist() == [[3, 4], [6, 8]]


def fleets(stream: str, skill: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(FLEETS, ROUTES) cells shared and cells of either; a route's hardness is the same for every stream."""
    draws, fleet, route = Draws(11), np.arange(FLEETS)[:, None], np.arange(ROUTES)
    hard = 0.3 * (draws.uniform("hard", fleet, route) - 0.5)
    either = 1.0 + np.floor(40 * draws.uniform("either", fleet, route) ** 2)
    return either * np.clip(skill + hard + 0.1 * (draws.uniform(stream, fleet, route) - 0.5), 0, 1), either


@pytest.mark.parametrize(
    ("figure", "truth"),
    [
        (lambda one, _: one, 0.5),
        (lambda one, other: one.minus(other), 0.1),
        (lambda one, other: one.over(other), 0.5 / 0.4),
        (lambda one, other: Pooled.mean([one, other]), 0.45),
    ],
    ids=["share", "difference", "ratio", "mean"],
)
def test_nineteen_of_twenty_intervals_hold_the_truth(figure: object, truth: float) -> None:
    assert callable(figure)
    one, other = fleets("one", 0.5), fleets("other", 0.4)
    held = 0
    for i in range(FLEETS):
        low, high = figure(Pooled.share(one[0][i], one[1][i]), Pooled.share(other[0][i], other[1][i])).interval
        held += low <= truth <= high
    assert 0.92 <= held / FLEETS <= 0.975  # the binomial spread of 600 is 0.009
