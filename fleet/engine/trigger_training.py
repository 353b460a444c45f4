"""Embeddings of labelled moments, for fitting a trigger's probe: what the world shows, through a labeller who errs."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.sampling import CARS, Sampler
from scenarios import KINDS, Draws, Truth, open_world
from triggers import fit_probe, load_spec
from vehicle import Network, load_network

SCAN = 256  # moments looked through at once
CHUNK = 16  # cars a car's runtime takes at once
VISIBLE, PIXELS = 0.3, 6.0  # of it, that a labeller needs to see
LAMPS = ("caution_light",)  # seen for what they are only while they shine
AROUND = (-20, -10, 0, 10, 20)  # ticks: frames of one encounter


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for.

    kind: what the trigger is to catch, as truth names it
    misses: kinds that resemble it
    encounters: how many to find, of both together; negatives: moments without it, each of another car and time
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
        near_misses=_shown(truth, (wanted.kind, *wanted.misses)).any(axis=1) & ~shown,
    )


def visible(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Whether any camera shows a thing of these kinds well enough for a labeller, a lamp only while lit; (n,) bool."""
    lit = (truth.state > 0.5) | ~np.isin(truth.kind, [KINDS.index(kind) for kind in LAMPS])
    return np.asarray((_shown(truth, kinds) & lit).any(axis=1))


def _shown(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Which things of these kinds some camera shows that well, lit or not, (n, K)."""
    counts = np.isin(truth.kind, [KINDS.index(kind) for kind in kinds]) & truth.valid
    return counts & np.asarray(((truth.pixels >= PIXELS) & (truth.visible >= VISIBLE)).any(axis=1))


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
        plain = np.flatnonzero(~shown.any(axis=1))[: wanted.negatives // 8 + 1]
        others += [(int(cars[row]), int(ticks[row]), -1 - len(others) - i) for i, row in enumerate(plain.tolist())]
        batch += 1
        progress(min(len(found), wanted.encounters), wanted.encounters)
    met = list(found.values())[: wanted.encounters]
    around = [(car, tick + shift, group) for car, tick, group in met for shift in AROUND]
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


@dataclass(frozen=True, slots=True)
class TriggerOrder:
    """What to fit.

    spec: a trigger of kind `probe`; network: whose features; out: a folder, None for the spec's own
    world, seed: where to collect; command: as the user wrote it
    """

    spec: str
    network: str
    wanted: Wanted
    world: str
    seed: int
    out: Path | None
    command: str


def make_probe(order: TriggerOrder, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Collect, fit, write weights, report and learning curve; the report."""
    spec, network = load_spec(order.spec), load_network(order.network)
    sampler = Sampler(open_world(order.world, seed=order.seed, cars=CARS), CARS, Draws(order.seed))
    seeds = collect(network, sampler, order.wanted, progress=progress)
    folder = order.out or spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / Path(str(spec.params["weights"])).name
    probe, report = fit_probe(
        seeds.embeddings, seeds.labels, seeds.groups, backbone=network.backbone, seed=order.seed, save_to=file
    )
    fires = probe.score(seeds.embeddings) >= probe.threshold
    report |= {
        "file": file.name,
        "command": order.command,
        "network": network.name,
        "world": order.world,
        "labels_wrong": float((seeds.labels != seeds.truths).mean()),
        "near_misses": {"frames": int(seeds.near_misses.sum()), "fired": _share(fires[seeds.near_misses])},
    }
    file.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    file.with_suffix(".svg").write_text(curve(report["learning_curve"]), encoding="utf-8")
    return report


def curve(points: Sequence[Mapping[str, float]]) -> str:
    """The learning curve as an SVG: average precision over the number of encounters, which doubles mark by mark."""
    width, height, margin = 420, 240, 44
    first, last = (math.log2(points[end]["encounters"]) for end in (0, -1))

    def place(point: Mapping[str, float]) -> tuple[float, float]:
        x = margin + (math.log2(point["encounters"]) - first) / max(last - first, 1e-9) * (width - 2 * margin)
        return x, height - margin - point["average_precision"] * (height - 2 * margin)

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#0a6"/>'
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{point["average_precision"]:.2f}</text>'
        f'<text x="{x:.1f}" y="{height - margin + 16}" text-anchor="middle">{point["encounters"]:.0f}</text>'
        for point, (x, y) in zip(points, map(place, points), strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M{margin} {margin}V{height - margin}H{width - margin}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#0a6" stroke-width="2"/>{marks}'
        f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">encounters learnt from</text>'
        f'<text x="{margin}" y="{margin - 12}">average precision on other encounters</text></svg>\n'
    )


def _share(fired: NDArray[np.bool_]) -> float:
    return float(fired.mean()) if len(fired) else 0.0
