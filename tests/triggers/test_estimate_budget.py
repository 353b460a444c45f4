import numpy as np
import pytest

from scenarios import Draws
from triggers import estimate


@pytest.mark.parametrize(
    ("mean", "n", "bound", "p"),
    [
        (0.05, 100, 0.1, 0.1565102),
        (0.08, 500, 0.1, 0.2041139),
        (0.02, 1000, 0.05, 2.08189e-6),
        (0, 50, 0.1, 0.00515378),
    ],
)
def test_hoeffding_bentkus_gives_the_references_numbers(mean: float, n: int, bound: float, p: float) -> None:
    assert estimate.hoeffding_bentkus_p(mean, n, bound) == pytest.approx(p, rel=1e-5)


def test_the_bet_is_seldom_won_where_the_budget_is_exceeded() -> None:
    won = [estimate.betting_p(_losses(rep, 1000, 0.1), 0.1) <= 0.1 for rep in range(400)]
    assert np.mean(won) <= 0.1


def test_the_bet_is_surer_than_the_mean_alone() -> None:
    losses = _losses(1, 1000, 0.08)
    assert estimate.betting_p(losses, 0.1) < estimate.hoeffding_bentkus_p(float(losses.mean()), 1000, 0.1)


def test_the_walk_keeps_the_budget_and_uses_four_fifths_of_it_at_a_thousand_car_days() -> None:
    budget, cap, thresholds = 0.4, 4.0, np.linspace(0.05, 0.2, 31)
    exceeded, used = [], []
    for rep in range(120):
        losses = np.array([cap * _losses(rep, 1000, mean) for mean in thresholds])
        kept = estimate.strictest_first(losses, budget, cap=cap)
        mean = cap * thresholds[kept] if kept >= 0 else 0.0
        exceeded.append(mean > budget + 1e-9)
        used.append(mean / budget)
    assert np.mean(exceeded) <= 0.1
    assert np.mean(used) >= 0.8


def test_a_budget_that_not_even_the_strictest_keeps_is_said_to_be_none() -> None:
    assert estimate.strictest_first(np.full((3, 200), 2.0), 1.0, cap=4.0) == -1


def _losses(rep: int, n: int, mean: float) -> np.ndarray:
    """Car-days, most of them without any upload."""
    drawn = Draws(rep).uniform("losses", np.arange(n), np.arange(4)[:, None])
    return np.asarray((drawn < mean).mean(axis=0))
