"""A threshold that keeps a promise about false fires, in any finite sample and whatever the features.

It is an order statistic of the highest scores of encounters that had no part in fitting, chosen by its binomial tail
(Clopper and Pearson 1934; the umbrella of Tong, Feng and Li 2018, "Neyman-Pearson classification algorithms and NP
receiver operating characteristics", Proposition 1): of n null scores the k-th smallest, where k is the least with
P(Binomial(n, 1 - rate) >= k) <= 1 - confidence. A promise about encounters like those given, no others.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def threshold_for(negatives: NDArray[np.floating[Any]], rate: float, confidence: float) -> tuple[float, dict[str, Any]]:
    """The lowest threshold at which, with this confidence, at most this share of negatives fires (score >= threshold).

    negatives: (g,) highest score of each negative encounter. With fewer than `needed` of them nothing can be
    promised: the threshold then lies above all of them, and `upper_bound` says what is known.
    """
    from scipy.stats import beta, binom

    g, delta = len(negatives), 1 - confidence
    allowed = int(binom.ppf(delta, g, rate))
    while allowed >= 0 and binom.cdf(allowed, g, rate) > delta:
        allowed -= 1
    above = max(allowed, 0)
    ordered = np.sort(negatives.astype(np.float32))
    # Ties at the threshold fire neither, so fewer than `above` may.
    threshold = float(np.nextafter(ordered[g - 1 - above], np.float32(2))) if g else 0.5
    return threshold, {
        "target": rate,
        "confidence": confidence,
        "upper_bound": float(beta.ppf(confidence, above + 1, g - above)) if g else 1.0,
        "observed": float((ordered >= np.float32(threshold)).mean()) if g else 0.0,
        "negatives": g,
        "needed": int(np.ceil(np.log(delta) / np.log1p(-rate))),
        "promised": allowed >= 0,
    }
