"""From frames to encounters: frames of one encounter resemble each other and are never counted as independent."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.sample import Sample


def gathered(
    encounter: NDArray[Any], event: NDArray[np.bool_], fired: NDArray[np.bool_], *,
    stratum: NDArray[np.int64] | None = None, weight: NDArray[np.float64] | None = None,
) -> Sample:  # fmt: skip
    """Frames (n,) as one row an encounter: an event where any frame shows it, fired where any frame did.

    A fire counts as right if the encounter has an event. weight: of the encounter, as any frame of it says.
    Raises ValueError where frames of one encounter disagree on its weight or stratum.
    """
    _, first, row = np.unique(encounter, return_index=True, return_inverse=True)
    count = len(first)
    weights = np.ones(len(row)) if weight is None else np.asarray(weight, np.float64)
    strata = np.zeros(len(row), np.int64) if stratum is None else np.asarray(stratum, np.int64)
    for what, values in (("weight", weights), ("stratum", strata)):
        if (values != values[first][row]).any():
            raise ValueError(f"frames of one encounter have more than one {what}")
    there, hit = (np.bincount(row, values, count) > 0 for values in (event, fired))
    return Sample(strata[first], weights[first], there, there & hit, (hit & ~there).astype(np.float64))


def design_effect(frames_each: float, correlation: float) -> float:
    """How many times as many frames say as little as independent ones would (Kish, 1965): 1 + (m - 1) rho."""
    return 1.0 + (frames_each - 1.0) * correlation
