"""A probe: a small classifier on the features of one backbone, calibrated to say a probability.

After Alain and Bengio (2016, "Understanding intermediate layers using linear classifier probes"), calibrated after
Platt (1999, "Probabilistic outputs for support vector machines").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from triggers.errors import BadWeights, ForeignBackbone, MissingWeights
from triggers.table import SignalTable

SCHEMA = "outrider-probe-1"
MAX_CENTRES = 1024

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """From k standardised features to a logit: of a plane, of a hidden layer, or of bumps around centres.

    weights:      (k,) of the features; (h,) of the hidden units; (c,) of the bumps
    intercept:    added to the weighted sum
    hidden, bias: (h, k) and (h,), rectified units that the weights are of; None for no hidden layer
    centres, gamma: (c, k), bumps exp(-gamma * |x - centre|^2) that the weights are of; None for none
    """

    weights: Floats
    intercept: float
    hidden: Floats | None = None
    bias: Floats | None = None
    centres: Floats | None = None
    gamma: float = 0.0

    def units(self, x: Floats) -> Floats:
        """What the weights are of, for standardised features (n, k): (n, h) or (n, c)."""
        if self.hidden is not None and self.bias is not None:
            sums = [_sum_of_rows(x * row) + bias for row, bias in zip(self.hidden, self.bias.tolist(), strict=True)]
            return np.asarray(np.maximum(np.stack(sums, axis=1), 0.0))
        centres = np.zeros((0, x.shape[1])) if self.centres is None else self.centres
        far = np.stack([_sum_of_rows((x - centre) ** 2) for centre in centres], axis=1)
        return _exp(-self.gamma * far)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A probe on k features; `probe(table)` gives calibrated probabilities, (n,) float32.

    mean, scale: (k,) float64, of the features; readout: from them, standardised, to a logit
    calibration: (2,) float64, slope and intercept; the probability is sigmoid(slope * logit + intercept)
    threshold:   of the probability, from which on the trigger's condition holds
    backbone:    sha256 of the backbone it is fitted to, in hex; layer: which of its outputs; file: for messages
    sort:        of classifier, as training names it
    columns:     (k,) int64, which numbers of the embedding the layer is; None for all of them
    """

    mean: Floats
    scale: Floats
    readout: Readout
    calibration: Floats
    threshold: float
    backbone: str
    layer: str = "trunk"
    file: str = "probe"
    sort: str = "logistic"
    columns: NDArray[np.int64] | None = None

    def __call__(self, table: SignalTable) -> NDArray[np.float32]:
        """Calibrated probability, (n,) float32; NaN where an embedding is not finite. Raises ForeignBackbone."""
        return self.score(table.embedding)

    def score(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """embedding: (n, d) float32. A row's bits do not depend on the other rows."""
        slope, intercept = self.calibration.tolist()
        return _sigmoid(slope * self.logits(embedding) + intercept).astype(np.float32)

    def logits(self, embedding: NDArray[np.float32]) -> Floats:
        """Before calibration, (n,) float64."""
        if not len(embedding):
            return np.zeros(0)
        features = self._features(embedding)
        readout = self.readout
        with np.errstate(invalid="ignore", over="ignore"):
            if readout.hidden is None and readout.centres is None:
                products = (features - self.mean) * (readout.weights / self.scale)
            else:
                products = readout.units((features - self.mean) / self.scale) * readout.weights
            total = _sum_of_rows(products) + readout.intercept
        return np.where(np.isfinite(total), total, np.nan)

    def _features(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        d = embedding.shape[1]
        if self.columns is None and d == len(self.mean):
            return embedding
        if self.columns is None or (self.columns >= d).any():
            asked = len(self.mean) if self.columns is None else int(self.columns.max()) + 1
            raise ForeignBackbone(self.file, f"fitted to {asked} features, and here are {d}")
        return embedding[:, self.columns]

    def save(self, path: Path) -> None:
        """Write it as safetensors, whole or not at all."""
        readout = self.readout
        tensors: dict[str, Any] = {name: getattr(self, name) for name in ("mean", "scale", "calibration", "threshold")}
        tensors |= {"coefficients": readout.weights, "intercept": readout.intercept}
        optional = {"hidden": readout.hidden, "bias": readout.bias, "centres": readout.centres, "columns": self.columns}
        tensors |= {name: value for name, value in optional.items() if value is not None}
        if readout.centres is not None:
            tensors["gamma"] = readout.gamma
        part = path.with_name(path.name + ".part")
        # One entry: safetensors writes several in an order that changes from run to run.
        facts = {"backbone": self.backbone, "layer": self.layer, "sort": self.sort}
        wide = {name: np.ascontiguousarray(np.atleast_1d(each), np.float64) for name, each in sorted(tensors.items())}
        save_file(wide, part, metadata={SCHEMA: json.dumps(facts, sort_keys=True)})
        part.replace(path)

    @classmethod
    def of(cls, tensors: Mapping[str, Floats], metadata: Mapping[str, str], file: str) -> Self:
        """From a file's content. Raises BadWeights."""
        facts = _facts(metadata, file)
        wide = _whole(tensors, file)
        readout = Readout(
            weights=wide["coefficients"],
            intercept=float(wide["intercept"][0]),
            hidden=wide.get("hidden"),
            bias=wide.get("bias"),
            centres=wide.get("centres"),
            gamma=float(wide.get("gamma", np.zeros(1))[0]),
        )
        return cls(
            mean=wide["mean"],
            scale=wide["scale"],
            readout=readout,
            calibration=wide["calibration"],
            threshold=float(wide["threshold"][0]),
            backbone=facts["backbone"],
            layer=facts["layer"],
            file=file,
            sort=facts.get("sort", "logistic"),
            columns=wide["columns"].astype(np.int64) if "columns" in wide else None,
        )


_NEEDED = ("mean", "scale", "coefficients", "intercept", "calibration", "threshold")
_OPTIONAL = ("hidden", "bias", "centres", "gamma", "columns")


def _whole(tensors: Mapping[str, Floats], file: str) -> dict[str, Floats]:
    """Every tensor as float64, of the size that it should have, and finite. Raises BadWeights."""
    if missing := sorted(set(_NEEDED) - set(tensors)):
        raise BadWeights(file, f"not a whole probe: {', '.join(missing)} missing")
    wide = {name: np.asarray(tensors[name], np.float64) for name in (*_NEEDED, *_OPTIONAL) if name in tensors}
    k = wide["mean"].size
    inner = next((wide[name] for name in ("hidden", "centres") if name in wide), None)
    units = k if inner is None else len(inner)
    shapes: dict[str, tuple[int, ...]] = {
        "mean": (k,), "scale": (k,), "coefficients": (units,), "calibration": (2,), "intercept": (1,),
        "threshold": (1,), "hidden": (units, k), "bias": (units,), "centres": (units, k), "gamma": (1,),
        "columns": (k,),
    }  # fmt: skip
    for name, values in wide.items():
        if values.shape != shapes[name] or not np.isfinite(values).all():
            size = " x ".join(map(str, shapes[name]))
            raise BadWeights(file, f"`{name}` should be {size} finite numbers")
    _sensible(wide, file, units)
    return wide


def _sensible(wide: Mapping[str, Floats], file: str, units: int) -> None:
    if (wide["scale"] <= 0).any():
        raise BadWeights(file, "`scale` should be positive")
    if ("hidden" in wide) != ("bias" in wide) or ("centres" in wide) != ("gamma" in wide):
        raise BadWeights(file, "a hidden layer has `hidden` and `bias`, bumps have `centres` and `gamma`")
    if ("hidden" in wide or "centres" in wide) and units > MAX_CENTRES:
        raise BadWeights(file, f"{units} hidden units or bumps; at most {MAX_CENTRES}")
    columns = wide.get("columns", np.zeros(0))
    if (columns < 0).any() or (columns != np.floor(columns)).any():
        raise BadWeights(file, "`columns` should be whole numbers from 0 on")


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


def _exp(values: Floats) -> Floats:
    # One at a time, for the same reason as `_sigmoid`.
    return np.array([math.exp(each) for each in values.ravel().tolist()], np.float64).reshape(values.shape)


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # One at a time: numpy's vectorised exp may treat the tail of an array otherwise than its body.
    return np.array([_sigmoid_of(each) for each in logits.tolist()], np.float64)


def _sigmoid_of(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    grown = math.exp(logit)  # of NaN it is NaN, and compares false above
    return grown / (1 + grown)
