"""How many encounters of each stratum to look at, for the narrowest interval of a ratio at a given cost."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def neyman(
    rates: Floats, fires: Floats, events: NDArray[np.bool_], *, cost: Floats, budget: float, floor: int, most: Floats
) -> NDArray[np.int64]:
    """Encounters of each stratum, (h,), from what a pilot says.

    rates: how many a car meets in a day; fires: the share of them that fires, 0..1, smoothed so that none is 0
    events: whether there is something to catch; cost: frames an encounter; budget: frames; floor, most: encounters

    Neyman's rule for the precision R = TP / (TP + FP): n_h ~ rate_h * sd_h / sqrt(cost_h), where sd is that of
    fire * (event - R): (1 - R) sqrt(p (1 - p)) for events, R sqrt(p (1 - p)) for others; events get what recall wants,
    too, sqrt(p (1 - p)) times its share of the whole.
    """
    alerts = rates * fires
    right = float(alerts[events].sum() / max(alerts.sum(), 1e-300))
    spread = np.sqrt(fires * (1.0 - fires))
    met = max(float(rates[events].sum()), 1e-300)
    for_precision = rates * np.where(events, 1.0 - right, right) * spread / max(float(alerts.sum()), 1e-300)
    for_recall = np.where(events, rates * spread / met, 0.0)
    wanted = np.hypot(for_precision, for_recall) / np.sqrt(cost)
    least = np.minimum(np.full(len(rates), float(floor)), most)
    n, free = least.copy(), np.ones(len(rates), np.bool_)
    for _ in range(len(rates)):  # those that would get less than the floor keep it; the others share what is left
        left = budget - float((n * cost)[~free].sum())
        share = wanted * max(left, 0.0) / max(float((wanted * cost)[free].sum()), 1e-300)
        bound = free & ((share <= least) | (share >= most))
        n[free] = share[free]
        if not bound.any():
            break
        n[bound] = np.clip(share[bound], least[bound], most[bound])
        free &= ~bound
    whole: NDArray[np.int64] = np.clip(n, least, most).astype(np.int64)
    return whole
