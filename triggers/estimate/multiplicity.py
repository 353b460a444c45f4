"""Many tests at once: which of them still say something."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses fall while no true one falls with more than this chance (Holm, 1979)."""
    values = np.asarray(p, np.float64)
    order, n = np.argsort(values, kind="stable"), len(values)
    passes = values[order] <= alpha / (n - np.arange(n))
    fallen = np.zeros(n, np.bool_)
    fallen[order] = np.logical_and.accumulate(passes)
    return fallen


def benjamini_hochberg(p: ArrayLike, rate: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses fall while of those that do so few are true, on average (Benjamini & Hochberg, 1995)."""
    values = np.asarray(p, np.float64)
    order, n = np.argsort(values, kind="stable"), len(values)
    passes = np.flatnonzero(values[order] <= rate * (np.arange(n) + 1) / max(n, 1))
    fallen = np.zeros(n, np.bool_)
    fallen[order[: passes[-1] + 1 if len(passes) else 0]] = True
    return fallen
