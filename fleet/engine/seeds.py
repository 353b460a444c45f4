"""Labelled frames to fit a probe to: out of a world, out of a suite of cases, or out of a run's clips."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from fleet.engine.suites.cases import Case, read_cases
from fleet.engine.suites.growing import frames_of, opened
from fleet.errors import BadLabels
from fleet.labels import NO, YES, clips_below, not_below
from fleet.report.pictures import Picture, read_pictures
from scenarios import KINDS, Draws, Truth
from vehicle import Network

SCAN = 256  # moments looked through at once
CHUNK = 16  # cars a car's runtime takes at once
VISIBLE, PIXELS = 0.3, 6.0  # of it, that a labeller needs to see
LAMPS = ("caution_light",)  # seen for what they are only while they shine
AROUND = (-20, -10, 0, 10, 20)  # ticks: frames of one encounter

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for in a world.

    kind: what the trigger is to catch, as truth names it; misses: kinds that resemble it
    positives: how many encounters with it, and with what resembles it at most as many
    negatives: moments without either, each of another car and time
    error_rate: share of frames that the labeller gets wrong
    """

    kind: str
    misses: tuple[str, ...] = ()
    positives: int = 300
    negatives: int = 1500
    error_rate: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """n labelled frames.

    embeddings: (n, d) float32
    labels: (n,) bool, what the labeller said; groups: (n,) int64, the encounter of each
    truths: (n,) bool, what was there to see; None where nobody knows but the labeller
    near_misses: (n,) bool, what only resembles it was there to see; None likewise
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.int64]
    truths: NDArray[np.bool_] | None = None
    near_misses: NDArray[np.bool_] | None = None


def from_world(network: Network, sampler: Sampler, wanted: Wanted, *, progress: Progress) -> Seeds:
    """Look through the world until there are enough encounters; progress is told how many of how many."""
    cars, ticks, groups = find(sampler, wanted, progress)
    truth = sampler.world.truth(cars, ticks)
    shown = visible(truth, (wanted.kind,))
    return Seeds(
        embeddings=embed_moments(network, sampler, cars, ticks),
        labels=_labelled(sampler.draws, shown, cars, ticks, wanted.error_rate),
        groups=groups,
        truths=shown,
        near_misses=_shown(truth, (wanted.kind, *wanted.misses)).any(axis=1) & ~shown,
    )


def from_suite(network: Network, file: Path, *, progress: Progress) -> Seeds:
    """Every case of a suite (its `.cases.jsonl`), painted again; cases of one thing, or of one drive, are a group."""
    cases = read_cases(file)
    if not cases:
        raise BadLabels(file, "no such cases, or none in it; `outrider suite grow` adds some")
    embeddings, labels, things = [], [], []
    for _, alike in groupby(sorted(cases, key=_world_of), key=_world_of):
        some = list(alike)
        for part, pixels in frames_of(opened(some[0].recipe), some):
            embeddings.append(network.embed(pixels))
            labels += [case.expected for case in part]
            things += [(*_world_of(case), case.recipe.car, case.encounter) for case in part]
            progress(len(labels), len(cases))
    numbers = {each: i for i, each in enumerate(dict.fromkeys(things))}
    groups = np.array([numbers[each] for each in things], np.int64)
    return Seeds(np.concatenate(embeddings), np.array(labels, np.bool_), groups)


def from_clips(network: Network, cameras: Sequence[str], folder: Path, labels: Path, *, progress: Progress) -> Seeds:
    """Every picture of the labelled clips in a folder, as the server has them; each clip is an encounter.

    cameras: of the network's rig, in its order; labels: a CSV with the columns `clip` and `label` (yes or no).
    """
    said = read_labels(labels)
    files = clips_below(folder)
    if strangers := sorted(set(said) - set(files)):
        raise BadLabels(labels, not_below(folder, strangers))
    embeddings, answers, groups = [], [], []
    for i, (clip, label) in enumerate(sorted(said.items())):
        for frame in _frames(read_pictures(files[clip]), cameras, files[clip]):
            embeddings.append(network.embed(frame[None]))
            answers.append(label)
            groups.append(i)
        progress(i + 1, len(said))
    return Seeds(np.concatenate(embeddings), np.array(answers, np.bool_), np.array(groups, np.int64))


def read_labels(file: Path) -> dict[str, bool]:
    """Clip to what its labeller said. Raises BadLabels with the line."""
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise BadLabels(file, f"it cannot be read: {error.strerror}") from error
    said: dict[str, bool] = {}
    for line, row in enumerate(rows, start=2):
        answer = (row.get("label") or "").strip().lower()
        if not row.get("clip") or answer not in (*YES, *NO):
            raise BadLabels(file, f"line {line}: expected the columns `clip` and `label`, and yes or no in the latter")
        said[row["clip"]] = answer in YES
    if not said:
        raise BadLabels(file, "no clip is labelled")
    return said


def find(sampler: Sampler, wanted: Wanted, progress: Progress) -> tuple[NDArray[Any], ...]:
    """cars, ticks and groups of frames around encounters with the kind and its near misses, and of other moments."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    alike: dict[tuple[int, int], tuple[int, int, int]] = {}
    others: list[tuple[int, int, int]] = []
    batch = 0
    while len(found) < wanted.positives or len(others) < wanted.negatives:
        cars, ticks = sampler.moments(batch, SCAN)
        truth = sampler.world.truth(cars, ticks)
        shown = _shown(truth, (wanted.kind, *wanted.misses))
        sought = _shown(truth, (wanted.kind,))
        for row, slot in np.argwhere(shown).tolist():
            into = found if sought[row, slot] else alike
            thing = (int(cars[row]), int(truth.encounter[row, slot]))
            into.setdefault(thing, (int(cars[row]), int(ticks[row]), len(found) + len(alike)))
        plain = np.flatnonzero(~shown.any(axis=1))[: wanted.negatives // 8 + 1]
        others += [(int(cars[row]), int(ticks[row]), -1 - len(others) - i) for i, row in enumerate(plain.tolist())]
        batch += 1
        progress(min(len(found), wanted.positives), wanted.positives)
    met = [*list(found.values())[: wanted.positives], *list(alike.values())[: wanted.positives]]
    around = [(car, tick + shift, group) for car, tick, group in met for shift in AROUND]
    frames = np.array([*around, *others[: wanted.negatives]], np.int64)
    on_the_road = sampler.world.motion(frames[:, 0].astype(np.uint32), frames[:, 1]).speed_mps > 2.0
    frames = frames[on_the_road]
    return frames[:, 0].astype(np.uint32), frames[:, 1], frames[:, 2]


def visible(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Whether any camera shows a thing of these kinds well enough for a labeller, a lamp only while lit; (n,) bool."""
    lit = (truth.state > 0.5) | ~np.isin(truth.kind, [KINDS.index(kind) for kind in LAMPS])
    return np.asarray((_shown(truth, kinds) & lit).any(axis=1))


def embed_moments(
    network: Network, sampler: Sampler, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Embeddings (n, d) of cars (n,) at ticks (n,)."""
    parts = []
    for start in range(0, len(cars), CHUNK):
        rows = slice(start, start + CHUNK)
        parts.append(network.embed(sampler.world.frames(cars[rows], ticks[rows]).pixels.numpy()))
    return np.concatenate(parts)


def _shown(truth: Truth, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Which things of these kinds some camera shows that well, lit or not, (n, K)."""
    counts = np.isin(truth.kind, [KINDS.index(kind) for kind in kinds]) & truth.valid
    return counts & np.asarray(((truth.pixels >= PIXELS) & (truth.visible >= VISIBLE)).any(axis=1))


def _labelled(
    draws: Draws, shown: NDArray[np.bool_], cars: NDArray[np.uint32], ticks: NDArray[np.int64], error_rate: float
) -> NDArray[np.bool_]:
    return shown ^ (draws.uniform("labeller errs", cars, ticks) < error_rate)


def _world_of(case: Case) -> tuple[str, int, int, str]:
    return case.recipe.world, case.recipe.seed, case.recipe.cars, repr(sorted(case.recipe.options.items()))


def _frames(pictures: Sequence[Picture], cameras: Sequence[str], file: Path) -> Iterator[NDArray[np.uint8]]:
    """What all cameras showed, tick by tick: (cameras, 3, height, width)."""
    for _, at_once in groupby(sorted(pictures, key=lambda each: each.t_us), key=lambda each: each.t_us):
        seen = {each.camera: each.encoded for each in at_once if each.camera in cameras}
        if missing := [name for name in cameras if name not in seen]:
            raise BadLabels(file, f"the clip lacks {', '.join(missing)}; a probe needs all cameras (clip: cameras: [])")
        decoded = [simplejpeg.decode_jpeg(seen[name], "RGB") for name in cameras]
        yield np.stack(decoded).transpose(0, 3, 1, 2)
