"""The loosest threshold that keeps a budget, with a stated chance of being wrong.

A threshold t is kept if it can be shown, at level delta, that a car-day uploads no more than the budget at t. Walking
from the strictest threshold to the loosest and stopping at the first that cannot be shown costs nothing for looking
many times: "learn then test" with a fixed sequence (Angelopoulos et al., 2021, section 2.2). The test bets against the
budget being exceeded (Waudby-Smith & Ramdas, 2024, "Estimating means of bounded random variables by betting").
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def betting_p(losses: Floats, mean: float, delta: float = 0.1) -> float:
    """How surely the mean of losses in [0, 1] is shown to be below `mean`: a p-value, valid for any law.

    losses: (n,), in an order that does not depend on them
    """
    if not len(losses) or mean <= 0.0:
        return 1.0
    if mean >= 1.0:
        return 0.0
    n = np.arange(1, len(losses) + 1)
    middle = (0.5 + np.cumsum(losses)) / (n + 1)
    spread = (0.25 + np.cumsum((losses - middle) ** 2)) / (n + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    stake = np.minimum(1.0 / (1.0 - mean), np.sqrt(2.0 * math.log(1.0 / delta) / (len(losses) * before)))
    # A whole loss must not end the game: one never stakes all.
    grown = np.cumsum(np.log1p(-np.minimum(stake, 0.99 / (1.0 - mean)) * (losses - mean)))
    return min(1.0, math.exp(-float(grown.max())))


def hoeffding_bentkus_p(mean: float, n: int, bound: float) -> float:
    """The same from the mean of n losses alone (Bates et al., 2021); the yardstick for the bet."""
    from scipy.special import bdtr

    low = min(mean, bound)
    first = low * math.log(low / bound) if low > 0 else 0.0
    second = (1 - low) * math.log((1 - low) / (1 - bound)) if low < 1 else 0.0
    return min(math.exp(-n * (first + second)), math.e * float(bdtr(math.ceil(n * mean), n, bound)), 1.0)


def strictest_first(losses: Floats, budget: float, *, cap: float, delta: float = 0.1) -> int:
    """Index of the loosest threshold that keeps the budget, walking from the strictest; -1 if not even that one does.

    losses: (thresholds, car-days), strictest first, what each car-day uploads at each; cap: the most one can upload
    """
    kept = -1
    for i, row in enumerate(losses):
        if betting_p(np.clip(row / cap, 0.0, 1.0), budget / cap, delta) > delta:
            break
        kept = i
    return kept
