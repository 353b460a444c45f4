"""Embeddings of labelled moments, for fitting a trigger's probe: what the world shows, through a labeller who errs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from scenarios import Draws, Truth
from vehicle import Network

SCAN = 512  # moments looked through at once
CHUNK = 16  # cars a car's runtime takes at once
VISIBLE, PIXELS = 0.3, 3.0  # of it, that a labeller needs to see
AROUND = (-20, -10, 0, 10, 20)  # ticks: frames of one encounter


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for.

    kind: what the trigger is to catch, as truth names it
    misses: kinds that resemble it
    encounters: how many to find; negatives: moments without it, each of another car and time
    error_rate: share of frames that the labeller gets wrong
    """

    kind: str
    misses: tuple[str, ...] = ()
    encounters: int = 300
    negatives: int = 1500
    error_rate: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """n labelled frames.

    embeddings: (n, d) float32
    labels: (n,) bool, what the labeller said; truths: (n,) bool, what was there to see
    groups: (n,) int64, the encounter of each
    near_misses: (n,) bool, what only resembles it was there to see
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.bool_]
    truths: NDArray[np.bool_]
    groups: NDArray[np.int64]
    near_misses: NDArray[np.bool_]


def collect(network: Network, sampler: Sampler, wanted: Wanted, *, progress: Callable[[int, int], None]) -> Seeds:
    """Look through the world until there are enough encounters; progress is told how many of how many."""
    cars, ticks, groups = _find(sampler, wanted, progress)
    truth = sampler.world.truth(cars, ticks)
    shown = visible(truth, (wanted.kind,))
    return Seeds(
        embeddings=_embed(network, sampler, cars, ticks),
        labels=_labelled(sampler.draws, shown, cars, ticks, wanted.error_rate),
        truths=shown,
        groups=groups,
        near_misses=visible(truth, wanted.misses) & ~shown,
    )


def visible(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Whether any camera shows a thing of these kinds well enough for a labeller, (n,) bool."""
    return _shown(truth, kinds).any(axis=1)


def _shown(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """The same for each object slot, (n, K)."""
    counts = np.isin(truth.kind, truth.codes(*kinds)) & truth.valid
    seen: NDArray[np.bool_] = ((truth.pixels >= PIXELS) & (truth.visible >= VISIBLE)).any(axis=1)
    return counts & seen


def _find(sampler: Sampler, wanted: Wanted, progress: Callable[[int, int], None]) -> tuple[NDArray[Any], ...]:
    """cars, ticks and groups of frames around encounters with the kind and its near misses, and of other moments."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    others: list[tuple[int, int, int]] = []
    batch = 0
    while len(found) < wanted.encounters or len(others) < wanted.negatives:
        cars, ticks = sampler.moments(batch, SCAN)
        truth = sampler.world.truth(cars, ticks)
        shown = _shown(truth, (wanted.kind, *wanted.misses))
        for row, slot in np.argwhere(shown).tolist():
            encounter = int(truth.encounter[row, slot])
            found.setdefault((int(cars[row]), encounter), (int(cars[row]), int(ticks[row]), len(found)))
        plain = np.flatnonzero(~shown.any(axis=1))[: max(1, wanted.negatives * SCAN // 20_000)]
        others += [(int(cars[row]), int(ticks[row]), -1 - len(others) - i) for i, row in enumerate(plain.tolist())]
        batch += 1
        progress(min(len(found), wanted.encounters), wanted.encounters)
    around = [(car, tick + shift, group) for car, tick, group in found.values() for shift in AROUND]
    frames = np.array([*around, *others[: wanted.negatives]], np.int64)
    on_the_road = sampler.world.motion(frames[:, 0].astype(np.uint32), frames[:, 1]).speed_mps > 2.0
    frames = frames[on_the_road]
    return frames[:, 0].astype(np.uint32), frames[:, 1], frames[:, 2]


def _embed(
    network: Network, sampler: Sampler, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(cars), CHUNK):
        rows = slice(start, start + CHUNK)
        parts.append(network.embed(sampler.world.frames(cars[rows], ticks[rows]).pixels.numpy()))
    return np.concatenate(parts)


def _labelled(
    draws: Draws, shown: NDArray[np.bool_], cars: NDArray[np.uint32], ticks: NDArray[np.int64], error_rate: float
) -> NDArray[np.bool_]:
    return shown ^ (draws.uniform("labeller errs", cars, ticks) < error_rate)
