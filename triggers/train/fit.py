"""Fit a probe to labelled embeddings: offline, deterministic, and with a threshold that keeps a promise.

Frames of one encounter resemble each other, so encounters, not frames, are what is counted and what is split: no
encounter is ever on both sides. Positive encounters are few and dear, so all of them are fitted to; what is said of
them (calibration, average precision, recall) comes from folds, each scored by a probe that saw nothing of it. Negative
encounters are many and cheap: two fifths of them have no part in anything, and on these the threshold is set, so that
its promise is exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from triggers.probe import Probe
from triggers.train.examples import FOLDS, Examples, checked, folds, shuffled
from triggers.train.sorts import calibrated, fitted
from triggers.train.threshold import threshold_for

log = structlog.get_logger()

KEPT_FOLDS = 2
CURVE = (0.125, 0.25, 0.5, 1.0)


def fit_probe(  # noqa: PLR0913 -- three arrays, and keyword-only choices
    embeddings: NDArray[np.float32],
    labels: NDArray[np.bool_],
    groups: NDArray[np.integer[Any]],
    *,
    backbone: str,
    seed: int,
    sort: str = "logistic",
    target_false_fire_rate: float = 0.01,
    confidence: float = 0.95,
    layer: str = "trunk",
    columns: Sequence[int] | None = None,
    save_to: Path | None = None,
) -> tuple[Probe, dict[str, Any]]:
    """A probe, and a report on it as plain data.

    embeddings: (n, d) finite; labels: (n,) bool; groups: (n,) int, the encounter of each frame; backbone: sha256 of
    the network that made the embeddings; sort: a key of `SORTS`; target_false_fire_rate: of encounters without a
    positive frame; layer, columns: a name for the part of the embedding that is looked at, and which numbers of it
    that is (None: all); save_to: a safetensors file to write.

    Report: `average_precision` (frames), `threshold`, `precision` and `recall` of frames, `encounter_recall` with its
    95 % interval, all out of fold; `false_fires` (the promise, its upper bound, and whether there were enough
    encounters to give it), `calibration`, `learning_curve`, and counts.

    Raises TooFewEncounters when a class has fewer than 5 encounters, UnknownSort, ValueError when shapes do not fit.
    """
    examples = checked(embeddings, labels, groups)
    part = None if columns is None else np.asarray(columns, np.int64)
    kept = (folds(examples, seed) < KEPT_FOLDS) & ~examples.positive()
    learnt = examples.where(~kept)
    logits = np.zeros(len(examples))
    logits[~kept] = _out_of_fold(learnt, seed, sort, part)
    whole = fitted(learnt, seed, sort, columns=part)
    logits[kept] = whole.logits(examples.embeddings[kept])
    calibration = calibrated(logits[~kept], learnt.labels)
    probe = replace(whole, calibration=calibration, backbone=backbone.removeprefix("sha256:"), layer=layer)
    _, highest = examples.where(kept).encounters(probe.score(examples.embeddings[kept]))
    threshold, promise = threshold_for(highest, target_false_fire_rate, confidence)
    probe = replace(probe, threshold=threshold)
    report = {
        **_counts(examples, backbone, seed, sort, layer, len(probe.mean)),
        **_measured(examples, logits, probe),
        "false_fires": promise,
        "learning_curve": _learning_curve(learnt, seed, sort, part),
    }
    if not promise["promised"]:
        log.warning("false_fire_rate_not_promised", needed=promise["needed"], negatives=promise["negatives"])
    if save_to is not None:
        probe.save(save_to)
    return probe, report


def _out_of_fold(examples: Examples, seed: int, sort: str, columns: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """A logit for every frame, by a probe that saw nothing of its encounter."""
    fold = folds(examples, seed + 1)
    logits = np.zeros(len(examples))
    for each in range(FOLDS):
        fit = fitted(examples.where(fold != each), seed, sort, columns=columns)
        logits[fold == each] = fit.logits(examples.embeddings[fold == each])
    return logits


def _measured(examples: Examples, logits: NDArray[np.float64], probe: Probe) -> dict[str, Any]:
    """Figures of the probe on frames and encounters, each scored by a probe that saw nothing of its encounter."""
    from sklearn.metrics import average_precision_score

    from triggers.estimate import clopper_pearson

    slope, intercept = probe.calibration.tolist()
    scores = 1.0 / (1.0 + np.exp(-(slope * logits + intercept)))
    positive, highest = examples.encounters(scores)
    caught, of = int((highest[positive] >= probe.threshold).sum()), int(positive.sum())
    interval = clopper_pearson(caught, of)
    return {
        "average_precision": float(average_precision_score(examples.labels, logits)),
        "threshold": probe.threshold,
        **_at_threshold(examples.labels, scores >= probe.threshold),
        "encounter_recall": caught / of,
        "encounter_recall_interval": [interval.low, interval.high],
        "calibration": {
            "slope": slope,
            "intercept": intercept,
            "brier": float(((scores - examples.labels) ** 2).mean()),
            "mean_score": float(scores.mean()),
            "positive_share": float(examples.labels.mean()),
        },
    }


def _learning_curve(
    examples: Examples, seed: int, sort: str, columns: NDArray[np.int64] | None
) -> list[dict[str, float]]:
    """Average precision, out of fold, after fitting to growing, nested shares of the other encounters."""
    from sklearn.metrics import average_precision_score

    fold, dealt = folds(examples, seed + 1), shuffled(examples, seed)
    points = []
    for share in CURVE:
        some = np.concatenate([names[: max(FOLDS, int(np.ceil(share * len(names))))] for names in dealt])
        among = np.isin(examples.groups, some)
        logits = np.zeros(len(examples))
        for each in range(FOLDS):
            fit = fitted(examples.where(among & (fold != each)), seed, sort, columns=columns)
            logits[fold == each] = fit.logits(examples.embeddings[fold == each])
        positive, _ = examples.where(among).encounters(np.zeros(int(among.sum())))
        ap = float(average_precision_score(examples.labels, logits))
        counted = {"encounters": len(some), "positive_encounters": int(positive.sum()), "frames": int(among.sum())}
        points.append({**counted, "average_precision": ap})
    return points


def _at_threshold(labels: NDArray[np.bool_], fires: NDArray[np.bool_]) -> Mapping[str, float]:
    right = int((labels & fires).sum())
    return {"precision": right / max(int(fires.sum()), 1), "recall": right / max(int(labels.sum()), 1)}


def _counts(examples: Examples, backbone: str, seed: int, sort: str, layer: str, features: int) -> dict[str, Any]:
    positive, _ = examples.encounters(np.zeros(len(examples)))
    return {
        "backbone": backbone.removeprefix("sha256:"),
        "sort": sort,
        "layer": layer,
        "seed": seed,
        "n": len(examples),
        "positives": int(examples.labels.sum()),
        "encounters": len(positive),
        "positive_encounters": int(positive.sum()),
        "features": features,
    }
