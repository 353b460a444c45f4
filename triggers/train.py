"""Fit a probe to labelled embeddings: offline, deterministic, and with a threshold that keeps a promise.

Frames of one encounter resemble each other, so encounters, not frames, are what is counted and what is split: no
encounter is ever on both sides. Two fifths of them are kept from the fit; on these the probe is calibrated (Platt
1999, with his smoothed targets) and its threshold set. The promise: with the stated confidence, at most the stated
share of encounters without a positive frame fires. It holds in any finite sample, whatever the features: the
threshold is an order statistic of the encounters' highest scores, chosen by its binomial tail (Clopper and Pearson
1934; the umbrella of Tong, Feng and Li 2018, "Neyman-Pearson classification algorithms and NP receiver operating
characteristics", Proposition 1). It is a promise about encounters like those given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from triggers.errors import TooFewEncounters
from triggers.probe import Probe

log = structlog.get_logger()

FOLDS = 5
KEPT_FOLDS = 2
CURVE = (0.125, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """n labelled frames: embeddings (n, d) float32, labels (n,) bool, groups (n,) int64, the encounter of each."""

    embeddings: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def where(self, rows: NDArray[np.bool_]) -> "Examples":
        """These frames only; rows: (n,) bool."""
        return Examples(self.embeddings[rows], self.labels[rows], self.groups[rows])

    def encounters(self, scores: NDArray[np.floating[Any]]) -> tuple[NDArray[np.bool_], NDArray[np.floating[Any]]]:
        """Per encounter: whether any frame of it is positive, and its highest score; (g,) each."""
        names, row = np.unique(self.groups, return_inverse=True)
        positive = np.zeros(len(names), np.bool_)
        np.logical_or.at(positive, row, self.labels)
        highest = np.full(len(names), -np.inf, scores.dtype)
        np.maximum.at(highest, row, scores)
        return positive, highest


def fit_probe(  # noqa: PLR0913 -- three arrays, and keyword-only choices
    embeddings: NDArray[np.float32],
    labels: NDArray[np.bool_],
    groups: NDArray[np.integer[Any]],
    *,
    backbone: str,
    seed: int,
    target_false_fire_rate: float = 0.01,
    confidence: float = 0.95,
    layer: str = "trunk",
    save_to: Path | None = None,
) -> tuple[Probe, dict[str, Any]]:
    """A probe, and a report on it as plain data.

    embeddings: (n, d) finite; labels: (n,) bool; groups: (n,) int, the encounter of each frame; backbone: sha256 of
    the network that made the embeddings; target_false_fire_rate: of encounters without a positive frame; save_to: a
    safetensors file to write.

    Report: `average_precision` (frames, out of fold), `threshold`, `precision` and `recall` of frames and
    `encounter_recall` at the threshold (on the encounters kept from the fit), `false_fires` (the promise, its upper
    bound, and whether there were enough encounters to give it), `calibration`, `learning_curve`, and counts.

    Raises TooFewEncounters when a class has fewer than 5 encounters, ValueError when shapes do not fit.
    """
    examples = _checked(embeddings, labels, groups)
    fold = _folds(examples, seed)
    kept = fold < KEPT_FOLDS
    fitted = _fit(examples.where(~kept), seed, backbone.removeprefix("sha256:"), layer)
    held_out = examples.where(kept)
    probe = replace(fitted, calibration=_calibrate(fitted.logits(held_out.embeddings), held_out.labels))
    scores = probe.score(held_out.embeddings)
    positive, highest = held_out.encounters(scores)
    threshold, promise = threshold_for(highest[~positive], target_false_fire_rate, confidence)
    probe = replace(probe, threshold=threshold)
    report = {
        **_counts(examples, backbone, seed),
        "average_precision": _out_of_fold(examples, fold, seed),
        "threshold": threshold,
        **_at_threshold(held_out.labels, scores >= threshold),
        "encounter_recall": float((highest[positive] >= threshold).mean()),
        "false_fires": promise,
        "calibration": _reliability(probe, scores, held_out.labels),
        "learning_curve": _learning_curve(examples.where(~kept), held_out, seed),
    }
    if not promise["promised"]:
        log.warning("false_fire_rate_not_promised", needed=promise["needed"], negatives=promise["negatives"])
    if save_to is not None:
        probe.save(save_to)
    return probe, report


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


def _checked(embeddings: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]) -> Examples:
    n = len(labels)
    if embeddings.ndim != 2 or len(embeddings) != n or labels.shape != (n,) or groups.shape != (n,):
        shapes = f"{embeddings.shape}, {labels.shape}, {groups.shape}"
        raise ValueError(f"embeddings (n, d), labels (n,) and groups (n,) are needed, and these are {shapes}")
    if not np.isfinite(embeddings).all():
        raise ValueError("an embedding is not finite")
    examples = Examples(embeddings.astype(np.float32), labels.astype(np.bool_), groups.astype(np.int64))
    positive, _ = examples.encounters(np.zeros(n))
    for what, have in (("positive encounters", positive.sum()), ("negative encounters", (~positive).sum())):
        if have < FOLDS:
            raise TooFewEncounters(what, FOLDS, int(have))
    return examples


def _folds(examples: Examples, seed: int) -> NDArray[np.int64]:
    """The fold of each frame, (n,) 0 … 4: whole encounters, positive and negative ones dealt out evenly."""
    names, row = np.unique(examples.groups, return_inverse=True)
    fold = np.zeros(len(names), np.int64)
    for dealt in _shuffled(examples, seed):
        fold[np.searchsorted(names, dealt)] = np.arange(len(dealt)) % FOLDS
    return fold[row]


def _shuffled(examples: Examples, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positive and negative encounters, each in an order drawn by the seed."""
    from sklearn.utils import shuffle

    positive, _ = examples.encounters(np.zeros(len(examples.labels)))
    names = np.unique(examples.groups)
    return shuffle(names[positive], random_state=seed), shuffle(names[~positive], random_state=seed)


def _fit(examples: Examples, seed: int, backbone: str = "", layer: str = "") -> Probe:
    """Standardised logistic regression; not yet calibrated, threshold one half."""
    from sklearn.linear_model import LogisticRegression

    wide = examples.embeddings.astype(np.float64)
    mean, scale = wide.mean(axis=0), wide.std(axis=0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000, random_state=seed)
    model.fit((wide - mean) / scale, examples.labels)
    return Probe(
        mean=mean,
        scale=scale,
        coefficients=model.coef_[0],
        intercept=float(model.intercept_[0]),
        calibration=np.array([1.0, 0.0]),
        threshold=0.5,
        backbone=backbone,
        layer=layer,
    )


def _calibrate(logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Platt's slope and intercept, (2,), for his smoothed targets (n₊+1)/(n₊+2) and 1/(n₋+2)."""
    from sklearn.linear_model import LogisticRegression

    positives = int(labels.sum())
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    twice = np.concatenate([logits, logits])[:, None]
    answers = np.repeat([True, False], len(logits))
    model = LogisticRegression(C=np.inf, max_iter=2000)
    model.fit(twice, answers, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    # A probe that ranks backwards on new encounters has learnt nothing: leave its order, and let the report show it.
    return np.array([slope, intercept] if slope > 0 else [1.0, 0.0])


def _out_of_fold(examples: Examples, fold: NDArray[np.int64], seed: int) -> float:
    """Average precision over all frames, each scored by a probe that saw nothing of its encounter."""
    from sklearn.metrics import average_precision_score

    logits = np.zeros(len(examples.labels))
    for each in range(FOLDS):
        logits[fold == each] = _fit(examples.where(fold != each), seed).logits(examples.embeddings[fold == each])
    return float(average_precision_score(examples.labels, logits))


def _learning_curve(examples: Examples, held_out: Examples, seed: int) -> list[dict[str, float]]:
    """Average precision on the kept encounters after fitting to growing, nested shares of the others."""
    from sklearn.metrics import average_precision_score

    points = []
    for share in CURVE:
        some = np.concatenate([names[: int(np.ceil(share * len(names)))] for names in _shuffled(examples, seed)])
        part = examples.where(np.isin(examples.groups, some))
        logits = _fit(part, seed).logits(held_out.embeddings)
        ap = float(average_precision_score(held_out.labels, logits))
        points.append({"encounters": len(some), "frames": len(part.labels), "average_precision": ap})
    return points


def _at_threshold(labels: NDArray[np.bool_], fires: NDArray[np.bool_]) -> Mapping[str, float]:
    right = int((labels & fires).sum())
    return {"precision": right / max(int(fires.sum()), 1), "recall": right / max(int(labels.sum()), 1)}


def _reliability(probe: Probe, scores: NDArray[np.float32], labels: NDArray[np.bool_]) -> dict[str, float]:
    slope, intercept = probe.calibration.tolist()
    wide = scores.astype(np.float64)
    return {
        "slope": slope,
        "intercept": intercept,
        "brier": float(((wide - labels) ** 2).mean()),
        "mean_score": float(wide.mean()),
        "positive_share": float(labels.mean()),
    }


def _counts(examples: Examples, backbone: str, seed: int) -> dict[str, Any]:
    positive, _ = examples.encounters(np.zeros(len(examples.labels)))
    return {
        "backbone": backbone.removeprefix("sha256:"),
        "seed": seed,
        "n": len(examples.labels),
        "positives": int(examples.labels.sum()),
        "encounters": len(positive),
        "positive_encounters": int(positive.sum()),
        "features": examples.embeddings.shape[1],
    }
