"""The few numbers that the occupancy tracker's geometry goes by, chosen on moments that its head has learnt from.

Nothing is fitted but: how likely each class is, how large things are, how fast old looks fade, and per class two
numbers that make log-odds probabilities (Platt, "Probabilistic outputs for support vector machines", 1999) and one from
which on a cell counts. Sizes are those with the best intersection over union of single looks; the others follow class
by class.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from scenarios import CLASSES, Rig, World
from vehicle import Network, PixelHead, occupancy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MARGINS_M = (0.0, 0.15, 0.3, 0.45)
SIZES = (
    ("length_m", (2.0, 2.5, 3.0, 3.5, 4.0, 4.5), "vehicle"),
    ("width_m", (1.2, 1.6, 2.0, 2.4), "vehicle"),
    ("vehicle margin", _MARGINS_M, "vehicle"),
    ("girth_m", (0.3, 0.6, 0.9, 1.2), "pedestrian"),
    ("pedestrian margin", _MARGINS_M, "pedestrian"),
)
"""What is tried of each size, and the class that it is judged by."""
DECAYS = (0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0)
LOOKS, LOOK_TICKS = 3, 10  # earlier looks, a second apart
BATCH = 32
_BINS, _BIN = 1441, 1 / 16  # log-odds from -45 to 45
_STEPS = 100  # of Newton's method


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """n moments with k earlier looks each; c cameras, r x w answers, g cells.

    now: (n, c, r, w, 6) float16 logits of the head; earlier: (n, k, c, r, w, 6)
    moved: (n, k, 3); present: (n, k) bool, as a viewer's `fuse` is given them
    cells: (n, 5, g) bool, the truth
    """

    now: NDArray[np.float16]
    earlier: NDArray[np.float16]
    moved: Floats
    present: Bools
    cells: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Cells by their log-odds, in steps of 1/16: how many are of the class, and how many are not; (bins,) each."""

    yes: Floats
    no: Floats

    @classmethod
    def of(cls, log_odds: NDArray[np.float32], truth: Bools) -> "Sorted":
        """Log-odds and truth of one shape."""
        bins = np.clip(np.rint(log_odds / _BIN), -(_BINS // 2), _BINS // 2).astype(np.int64) + _BINS // 2
        every = np.bincount(bins.ravel(), minlength=_BINS)
        yes = np.bincount(bins[truth], minlength=_BINS)
        return cls(yes.astype(np.float64), (every - yes).astype(np.float64))

    @property
    def best(self) -> tuple[float, float]:
        """The best intersection over union, and from which log-odds on."""
        found, wrong = self.yes[::-1].cumsum()[::-1], self.no[::-1].cumsum()[::-1]
        overlap = found / np.maximum(self.yes.sum() + wrong, 1.0)
        best = int(overlap.argmax())
        return float(overlap[best]), (best - _BINS // 2) * _BIN

    def overlap_from(self, least: float) -> float:
        """Intersection over union where cells count from so many log-odds on."""
        counts = (np.arange(_BINS) - _BINS // 2) * _BIN >= least
        return float(self.yes[counts].sum() / max(self.yes.sum() + self.no[counts].sum(), 1.0))

    @property
    def platt(self) -> tuple[float, float]:
        """Slope and shift from log-odds to calibrated ones: logistic regression, by Newton's method."""
        x = (np.arange(_BINS) - _BINS // 2) * _BIN
        design = np.stack([x, np.ones(_BINS)], axis=1)
        weights = np.array([1.0, 0.0])
        for _ in range(_STEPS):
            chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
            every = self.yes + self.no
            slope = design.T @ (self.yes - every * chance)
            curve = (design * (every * chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(2)
            weights = weights + np.clip(np.linalg.solve(curve, slope), -0.5, 0.5)  # far off, a whole step goes astray
        return float(weights[0]), float(weights[1])


def watch(head: PixelHead, network: Network, sampler: Sampler, moments: int, *, looks: int = LOOKS) -> Watched:
    """What a head says of moments that a sampler draws, and of the looks before them, a second apart."""
    parts = [_batch(head, network, sampler, number, looks) for number in range(-(-moments // BATCH))]
    whole: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Watched)
    }
    return Watched(**whole)


def _batch(head: PixelHead, network: Network, sampler: Sampler, number: int, looks: int) -> Watched:
    world = sampler.world
    cars, ticks = sampler.moments(number, BATCH)
    answers = [_answers(head, network, world, cars, ticks - LOOK_TICKS * k) for k in range(looks + 1)]
    moved = [world.moved(cars, ticks - LOOK_TICKS * k, ticks) for k in range(1, looks + 1)]
    now = world.motion(cars, ticks).odometer_m
    before = [world.motion(cars, ticks - LOOK_TICKS * k) for k in range(1, looks + 1)]
    present = [then.driving & (then.odometer_m <= now) for then in before]  # the same trip
    cells = world.top_down(cars, ticks).cells
    return Watched(
        now=answers[0], earlier=np.stack(answers[1:], axis=1), moved=np.stack(moved, axis=1),
        present=np.stack(present, axis=1), cells=cells.reshape(*cells.shape[:2], -1),
    )  # fmt: skip


@torch.no_grad()
def _answers(
    head: PixelHead, network: Network, world: World, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> NDArray[np.float16]:
    rays, first = occupancy.rays_of(world.rig), occupancy.first_row(world.rig)
    _, seen = network.see(world.frames(cars, ticks).pixels.numpy())
    fine, coarse = (torch.from_numpy(part) for part in occupancy.below_horizon(seen, first))
    logits = head(fine, coarse, torch.from_numpy(rays).repeat(len(cars), 1, 1, 1))
    said: NDArray[np.float16] = logits.unflatten(0, (len(cars), -1)).half().numpy()
    return said


def tune(watched: Watched, rig: Rig, report: Callable[[str], None]) -> tuple[occupancy.Tuning, dict[str, float]]:
    """The tuning, and class to the probability from which a cell counts."""
    each = np.ones(len(CLASSES), np.float32)
    prior = np.clip(watched.cells.mean(axis=(0, 2)), 1e-4, 0.5).astype(np.float32)
    tuning = _with_best_reach(
        watched, rig, occupancy.Tuning(prior, occupancy.Reach(3.5, 2.0, 0.6, (0.3, 0.3)), 0 * each, each, 0 * each)
    )
    tried = [_by_class(watched, rig, replace(tuning, decay=decay * each)) for decay in DECAYS]
    chosen = [_first_best([sorts[number] for sorts in tried]) for number in range(len(CLASSES))]
    best = [tried[i][number] for number, i in enumerate(chosen)]
    slope, shift = np.array([sort.platt for sort in best]).T
    least = slope * np.array([sort.best[1] - _BIN / 2 for sort in best]) + shift
    for number, name in enumerate(CLASSES):
        single, fused = tried[0][number].best[0], best[number].best[0]
        report(f"{name}: IoU {fused:.3f} with decay {DECAYS[chosen[number]]:g}, {single:.3f} without memory")
    decay = np.array(DECAYS)[chosen]
    made = replace(tuning, decay=_single(decay), slope=_single(slope), shift=_single(shift))
    return made, dict(zip(CLASSES, (1 / (1 + np.exp(-least))).tolist(), strict=True))


def _first_best(sorts: Sequence[Sorted]) -> int:
    """Which has the best overlap."""
    return int(np.argmax([sort.best[0] for sort in sorts]))


def _single(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def measured(watched: Watched, rig: Rig, tuning: occupancy.Tuning, thresholds: Mapping[str, float]) -> dict[str, float]:
    """Class to intersection over union, at the thresholds."""
    sorts = _by_class(watched, rig, tuning)
    logits = [np.log(thresholds[name] / (1 - thresholds[name])) for name in CLASSES]
    least = (np.array(logits) - tuning.shift) / tuning.slope
    return {name: round(sorts[i].overlap_from(least[i]), 4) for i, name in enumerate(CLASSES)}


def _with_best_reach(watched: Watched, rig: Rig, tuning: occupancy.Tuning) -> occupancy.Tuning:
    """One size after the other, by the overlap that single looks then have."""
    reach = tuning.reach
    for name, candidates, thing in SIZES:
        tries = [_changed(reach, name, value) for value in candidates]
        sorts = [_of_single_looks(watched, rig, replace(tuning, reach=each))[CLASSES.index(thing)] for each in tries]
        reach = tries[_first_best(sorts)]
    return replace(tuning, reach=reach)


def _changed(reach: occupancy.Reach, name: str, value: float) -> occupancy.Reach:
    vehicle, pedestrian = reach.margin_m
    sizes: dict[str, Any] = {
        "vehicle margin": {"margin_m": (value, pedestrian)},
        "pedestrian margin": {"margin_m": (vehicle, value)},
    }.get(name, {name: value})
    return replace(reach, **sizes)


def _of_single_looks(watched: Watched, rig: Rig, tuning: occupancy.Tuning) -> list[Sorted]:
    return _sorted(_looks(watched.now, rig, tuning) / occupancy.STEPS, watched, tuning)


def _by_class(watched: Watched, rig: Rig, tuning: occupancy.Tuning) -> list[Sorted]:
    now, n = _looks(watched.now, rig, tuning), len(watched.now)
    earlier = _looks(watched.earlier.reshape(-1, *watched.now.shape[1:]), rig, tuning).reshape(n, -1, *now.shape[1:])
    ages = [np.flatnonzero(there) for there in watched.present]
    fused = [occupancy.added_up(now[i], earlier[i, k], watched.moved[i, k], k + 1, tuning) for i, k in enumerate(ages)]
    return _sorted(np.stack(fused), watched, tuning)


def _looks(answers: NDArray[np.float16], rig: Rig, tuning: occupancy.Tuning) -> NDArray[np.int8]:
    """Answers (n, c, r, w, 6): what each look remembers, (n, g, 5)."""
    sights = occupancy.sights_of(rig, tuning.reach)
    return np.stack(
        [occupancy.remembered(occupancy.evidence(each.astype(np.float32), sights, tuning)) for each in answers]
    )


def _sorted(total: NDArray[np.floating], watched: Watched, tuning: occupancy.Tuning) -> list[Sorted]:
    """Sums of log-odds (n, g, 5) class by class."""
    logit = total + tuning.prior_logit
    return [Sorted.of(logit[:, :, number], watched.cells[:, number]) for number in range(len(CLASSES))]
