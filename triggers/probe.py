"""A logistic probe: a small classifier on the features of one backbone, calibrated to say a probability.

After Alain and Bengio (2016, "Understanding intermediate layers using linear classifier probes"), calibrated after
Platt (1999, "Probabilistic outputs for support vector machines").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from triggers.errors import BadWeights, ForeignBackbone, MissingWeights
from triggers.table import SignalTable

SCHEMA = "outrider-probe-1"
_TENSORS = ("mean", "scale", "coefficients", "intercept", "calibration", "threshold")


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A probe on d features; `probe(table)` gives calibrated probabilities, (n,) float32.

    mean, scale, coefficients: (d,) float64; the logit is sum(coefficients * (x - mean) / scale) + intercept
    calibration: (2,) float64, slope and intercept; the probability is sigmoid(slope * logit + intercept)
    threshold:   of the probability, from which on the trigger's condition holds
    backbone:    sha256 of the backbone it is fitted to, in hex; layer: which of its outputs; file: for messages
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercept: float
    calibration: NDArray[np.float64]
    threshold: float
    backbone: str
    layer: str = "trunk"
    file: str = "probe"

    def __call__(self, table: SignalTable) -> NDArray[np.float32]:
        """Calibrated probability, (n,) float32; NaN where an embedding is not finite. Raises ForeignBackbone."""
        return self.score(table.embedding)

    def score(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """embedding: (n, d) float32. A row's bits do not depend on the other rows."""
        slope, intercept = self.calibration.tolist()
        return _sigmoid(slope * self.logits(embedding) + intercept).astype(np.float32)

    def logits(self, embedding: NDArray[np.float32]) -> NDArray[np.float64]:
        """Before calibration, (n,) float64."""
        if not len(embedding):
            return np.zeros(0)
        if embedding.shape[1] != len(self.mean):
            raise ForeignBackbone(self.file, f"fitted to {len(self.mean)} features, and here are {embedding.shape[1]}")
        weights = self.coefficients / self.scale
        with np.errstate(invalid="ignore", over="ignore"):
            products = (embedding - self.mean) * weights
            total = _sum_of_rows(products) + self.intercept
        return np.where(np.isfinite(total), total, np.nan)

    def save(self, path: Path) -> None:
        """Write it as safetensors, whole or not at all."""
        tensors = {name: np.atleast_1d(np.asarray(getattr(self, name), np.float64)) for name in _TENSORS}
        part = path.with_name(path.name + ".part")
        # One entry: safetensors writes several in an order that changes from run to run.
        facts = {"backbone": self.backbone, "layer": self.layer}
        save_file(tensors, part, metadata={SCHEMA: json.dumps(facts, sort_keys=True)})
        part.replace(path)

    @classmethod
    def of(cls, tensors: Mapping[str, NDArray[np.float64]], metadata: Mapping[str, str], file: str) -> Self:
        """From a file's content. Raises BadWeights."""
        facts = _facts(metadata, file)
        if missing := sorted(set(_TENSORS) - set(tensors)):
            raise BadWeights(file, f"not a whole probe: {', '.join(missing)} missing")
        wide = {name: np.asarray(tensors[name], np.float64) for name in _TENSORS}
        d = wide["mean"].size
        sizes = {"mean": d, "scale": d, "coefficients": d, "calibration": 2, "intercept": 1, "threshold": 1}
        for name, size in sizes.items():
            if wide[name].shape != (size,) or not np.isfinite(wide[name]).all():
                raise BadWeights(file, f"`{name}` should be {size} finite numbers")
        if (wide["scale"] <= 0).any():
            raise BadWeights(file, "`scale` should be positive")
        return cls(
            mean=wide["mean"],
            scale=wide["scale"],
            coefficients=wide["coefficients"],
            intercept=float(wide["intercept"][0]),
            calibration=wide["calibration"],
            threshold=float(wide["threshold"][0]),
            backbone=facts["backbone"],
            layer=facts["layer"],
            file=file,
        )


def load_probe(
    path: Path, *, backbone: str | None = None, layer: str | None = None, threshold: float | None = None
) -> Probe:
    """The probe in a file, pinned to a backbone and layer where given, with another threshold where given.

    Raises MissingWeights, BadWeights and ForeignBackbone.
    """
    if not path.is_file():
        raise MissingWeights(path)
    try:
        with safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- it is not a mapping
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise BadWeights(path, f"not safetensors: {error}") from None
    loaded = Probe.of(tensors, metadata, str(path))
    if backbone is not None:
        check_backbone(loaded.backbone, backbone, str(path))
    if layer is not None and layer != loaded.layer:
        raise ForeignBackbone(path, f"fitted to layer '{loaded.layer}', not '{layer}'")
    return loaded if threshold is None else replace(loaded, threshold=float(threshold))


def check_backbone(pinned: str, have: str, file: str) -> None:
    """Whether what is pinned to one backbone meets the same; both sha256 in hex. Raises ForeignBackbone."""
    mine, yours = pinned.removeprefix("sha256:"), have.removeprefix("sha256:")
    if mine != yours:
        problem = f"fitted to backbone {mine[:12] or '(none)'}…, and this is {yours[:12] or '(none)'}…"
        raise ForeignBackbone(file, f"{problem}; train it on this one")


def _facts(metadata: Mapping[str, str], file: str) -> dict[str, str]:
    if SCHEMA not in metadata:
        raise BadWeights(file, f"not a probe: nothing in it is called '{SCHEMA}'")
    try:
        facts = json.loads(metadata[SCHEMA])
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or not all(isinstance(facts.get(key), str) for key in ("backbone", "layer")):
        raise BadWeights(file, "it does not say its backbone and layer")
    return facts


def _sum_of_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, d) → (n,), by adding halves: whole columns at a time, so a row's order of additions never depends on n.

    A matrix product, einsum or np.sum picks its order by the shape of the whole array: the same car would get other
    bits in other company.
    """
    while (d := values.shape[1]) > 1:
        half = d // 2
        folded = values[:, :half] + values[:, half : 2 * half]
        if d % 2:
            folded[:, 0] += values[:, -1]
        values = folded
    return values[:, 0] if values.shape[1] else np.zeros(len(values))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # One at a time: numpy's vectorised exp may treat the tail of an array otherwise than its body.
    return np.array([_sigmoid_of(each) for each in logits.tolist()], np.float64)


def _sigmoid_of(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    grown = math.exp(logit)  # of NaN it is NaN, and compares false above
    return grown / (1 + grown)
