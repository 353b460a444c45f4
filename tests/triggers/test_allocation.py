import numpy as np
import pytest

from triggers import estimate


def test_more_is_looked_at_where_more_hangs_on_it() -> None:
    n = estimate.neyman(
        np.array([1.0, 1.0, 0.01]), np.array([0.5, 0.2, 0.2]), np.array([True, False, False]),
        cost=np.ones(3), budget=1000, floor=20, most=np.full(3, 1e9),
    )  # fmt: skip
    assert n[2] == 20
    assert n[0] > n[1] > 100
    assert 990 <= n.sum() <= 1000


def test_what_there_is_few_of_is_not_looked_at_twice() -> None:
    n = estimate.neyman(
        np.array([1.0, 1.0]), np.array([0.5, 0.5]), np.array([True, False]),
        cost=np.array([1.0, 10.0]), budget=1000, floor=10, most=np.array([50.0, 1e9]),
    )  # fmt: skip
    assert n[0] == 50
    assert n[1] == pytest.approx(95, abs=1)


def test_the_allocation_narrows_precision_against_equal_shares() -> None:
    rates, fires = np.array([1.0, 1.0, 8.0, 0.1]), np.array([0.8, 0.5, 0.1, 0.5])
    events = np.array([True, True, False, False])
    n = estimate.neyman(rates, fires, events, cost=np.ones(4), budget=2000, floor=20, most=np.full(4, 1e9))
    right = (rates * fires)[events].sum() / (rates * fires).sum()
    sd = np.where(events, 1 - right, right) * np.sqrt(fires * (1 - fires))

    def variance(n: np.ndarray) -> float:
        return float((rates**2 * sd**2 / n).sum())

    assert variance(n) < 0.75 * variance(np.full(4, 500))
