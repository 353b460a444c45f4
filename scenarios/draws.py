"""Chance that depends only on what it is for: counter-based draws, named by stream.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3): a keyed bijection of
a 128-bit counter. The key is the seed; the counter is (car, tick, stream). Nothing is remembered between calls, so a
draw is the same in any cohort, shard or order, and a new stream leaves the others alone.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10


def philox(counter: tuple[NDArray[np.uint64], ...], key: tuple[int, int]) -> tuple[NDArray[np.uint64], ...]:
    """Philox4x32-10 of four counter words (uint64 arrays holding 32 bits, of one shape): four words alike."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        first, second = _MULTIPLIERS[0] * a, _MULTIPLIERS[1] * c
        a, b, c, d = (
            (second >> _HALF) ^ b ^ np.uint64(k0),
            second & _LOW,
            (first >> _HALF) ^ d ^ np.uint64(k1),
            first & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


@dataclass(frozen=True, slots=True)
class Draws:
    """The only source of chance in a run.

    seed: up to 64 bits
    """

    seed: int

    def four(self, stream: str, cars: ArrayLike, tick: ArrayLike = 0) -> tuple[NDArray[np.float64], ...]:
        """Four independent uniform draws in [0, 1) with 32 bits each, of the broadcast shape of cars and tick."""
        return tuple(np.asarray(word * 2.0**-32, np.float64) for word in self._words(stream, cars, tick))

    def several(self, streams: Sequence[str], cars: ArrayLike, tick: ArrayLike = 0) -> tuple[NDArray[np.float64], ...]:
        """What `four` gives for each of several streams, drawn at once, which is cheaper.

        Each is of the broadcast shape of cars and tick, whose first axis goes through the streams.
        """
        codes = np.array([zlib.crc32(stream.encode()) for stream in streams], np.uint64)
        depth = max(np.ndim(cars), np.ndim(tick))
        words = self._counted(codes.reshape(-1, *[1] * (depth - 1)), cars, tick)
        return tuple(np.asarray(word * 2.0**-32, np.float64) for word in words)

    def uniform(self, stream: str, cars: ArrayLike, tick: ArrayLike = 0) -> NDArray[np.float64]:
        """Uniform draws in [0, 1) with 53 bits, of the broadcast shape of cars and tick."""
        high, low, _, _ = self._words(stream, cars, tick)
        return ((high >> np.uint64(5)) * 2.0**26 + (low >> np.uint64(6))) * 2.0**-53

    def normal(self, stream: str, cars: ArrayLike, tick: ArrayLike = 0) -> NDArray[np.float64]:
        """Standard normal draws (Box and Muller, 1958), of the broadcast shape of cars and tick."""
        first, second, _, _ = self.four(stream, cars, tick)
        return np.asarray(np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second))

    def integers(self, stream: str, cars: ArrayLike, tick: ArrayLike = 0, *, high: int) -> NDArray[np.int64]:
        """Whole numbers in [0, high), of the broadcast shape of cars and tick."""
        return (self.uniform(stream, cars, tick) * high).astype(np.int64)

    def _words(self, stream: str, cars: ArrayLike, tick: ArrayLike) -> tuple[NDArray[np.uint64], ...]:
        return self._counted(np.uint64(zlib.crc32(stream.encode())), cars, tick)

    def _counted(
        self, code: NDArray[np.uint64] | np.uint64, cars: ArrayLike, tick: ArrayLike
    ) -> tuple[NDArray[np.uint64], ...]:
        car, time, name = np.broadcast_arrays(np.asarray(cars, np.int64), np.asarray(tick, np.int64), code)
        bits = np.ascontiguousarray(time).view(np.uint64).reshape(car.shape)
        counter = (car.astype(np.uint64) & _LOW, bits & _LOW, bits >> _HALF, name)
        return philox(counter, (self.seed & 0xFFFFFFFF, (self.seed >> 32) & 0xFFFFFFFF))
