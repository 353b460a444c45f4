"""Numbers spread evenly over cars: a property of a car that depends on the seed and the car alone."""

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def spread(seed: int, what: int, cars: np.ndarray) -> np.ndarray:
    """One number per car, (n,) uint64, alike for equal (seed, what, car) and else unrelated.

    The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014, fig. 18).

    Args:
        seed: of the run
        what: which property of the car
        cars: (n,) whole numbers
    """
    with np.errstate(over="ignore"):
        key = _mix(_mix(np.uint64(seed % 2**64) + _GOLDEN) + np.uint64(what) * _GOLDEN)
        return np.asarray(_mix(key + (np.asarray(cars).astype(np.uint64) + np.uint64(1)) * _GOLDEN), np.uint64)


def _mix(z: np.ndarray | np.uint64) -> np.ndarray | np.uint64:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
