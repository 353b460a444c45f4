"""Radial distortion: how far from the middle of the image a lens puts what a pinhole would put at a given radius.

Brown's radial terms ("Decentering distortion of lenses", Photogrammetric Engineering 32, 1966), as OpenCV and
Argoverse 2 write them: a radius r, in focal lengths, becomes r (1 + k1 r^2 + k2 r^4 + k3 r^6). Such a polynomial fits
the lens inside its image only. Further out it may turn and come back, and what lies far aside would show up in the
picture a second time; so from where it stops growing it goes on as a straight line of slope one.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Terms = tuple[float, float, float]
"""k1, k2, k3 of a lens; zeros for a pinhole."""

_HALVINGS = 60


def reach(terms: Terms) -> float:
    """The radius up to which the polynomial grows, focal lengths; infinite where it always does."""
    k1, k2, k3 = terms
    turns = np.roots([7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])  # of its slope, in r^2
    real = turns.real[(np.abs(turns.imag) < 1e-9) & (turns.real > 0.0)]
    return float(np.sqrt(real.min())) if len(real) else np.inf


def bent(radius: Floats, terms: Terms) -> Floats:
    """Where a lens puts a pinhole's radii, focal lengths both; grows with the radius everywhere."""
    edge = reach(terms)
    inside = np.minimum(radius, edge)
    square = inside * inside
    k1, k2, k3 = terms
    return np.asarray(inside * (1.0 + square * (k1 + square * (k2 + square * k3))) + (radius - inside))


def straightened(radius: Floats, terms: Terms) -> Floats:
    """The inverse of `bent`, by halving: exact to the last bits."""
    wanted = np.asarray(radius, np.float64)
    if not any(terms):
        return wanted
    low, high = np.zeros_like(wanted), np.maximum(wanted, 1e-9)
    while (short := bent(high, terms) < wanted).any():
        high = np.where(short, 2.0 * high, high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        under = bent(middle, terms) < wanted
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return np.asarray(0.5 * (low + high))
