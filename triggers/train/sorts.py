"""The sorts of classifiers that a probe may be, each fitted to standardised features."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.errors import UnknownSort
from triggers.probe import Probe, Readout
from triggers.train.examples import Examples

UNITS = 16  # of a perceptron
Floats = NDArray[np.float64]
Fitted = Callable[[Floats, NDArray[np.bool_], int], Readout]


def logistic(x: Floats, labels: NDArray[np.bool_], seed: int) -> Readout:
    """Logistic regression, both classes weighing the same."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000, random_state=seed).fit(x, labels)
    return Readout(model.coef_[0], float(model.intercept_[0]))


def linear_svm(x: Floats, labels: NDArray[np.bool_], seed: int) -> Readout:
    """A support vector machine with a plane (Cortes and Vapnik, 1995)."""
    from sklearn.svm import SVC

    model = SVC(kernel="linear", C=0.01, class_weight="balanced", random_state=seed).fit(x, labels)
    return Readout(model.coef_[0], float(model.intercept_[0]))


def rbf_svm(x: Floats, labels: NDArray[np.bool_], seed: int) -> Readout:
    """A support vector machine with Gaussian bumps around examples."""
    from sklearn.svm import SVC

    gamma = 1.0 / x.shape[1]  # features are standardised
    model = SVC(kernel="rbf", C=1.0, gamma=gamma, class_weight="balanced", random_state=seed).fit(x, labels)
    bumps = np.asarray(model.support_vectors_, np.float64)
    return Readout(model.dual_coef_[0], float(model.intercept_[0]), centres=bumps, gamma=gamma)


def perceptron(x: Floats, labels: NDArray[np.bool_], seed: int) -> Readout:
    """One hidden layer of 16 rectified units, both classes weighing the same."""
    from sklearn.neural_network import MLPClassifier

    often = max(1, round((~labels).sum() / max(labels.sum(), 1)))  # it knows no weights, so positives are repeated
    rows = np.concatenate([np.flatnonzero(~labels), np.repeat(np.flatnonzero(labels), often)])
    model = MLPClassifier((UNITS,), solver="lbfgs", alpha=10.0, max_iter=4000, random_state=seed)
    model.fit(x[rows], labels[rows])
    (inner, outer), (bias, last) = model.coefs_, model.intercepts_
    return Readout(
        outer[:, 0], float(last[0]), hidden=np.asarray(inner.T, np.float64), bias=np.asarray(bias, np.float64)
    )


SORTS: dict[str, Fitted] = {
    "logistic": logistic,
    "linear_svm": linear_svm,
    "rbf_svm": rbf_svm,
    "perceptron": perceptron,
}


def fitted(examples: Examples, seed: int, sort: str = "logistic", *, columns: NDArray[np.int64] | None = None) -> Probe:
    """A probe of this sort on these columns of the embedding; not yet calibrated, threshold one half. UnknownSort."""
    if sort not in SORTS:
        raise UnknownSort(sort, SORTS)
    wide = examples.embeddings.astype(np.float64)
    wide = wide if columns is None else wide[:, columns]
    mean, scale = wide.mean(axis=0), wide.std(axis=0)
    scale[scale < 1e-9] = 1.0
    readout = SORTS[sort]((wide - mean) / scale, examples.labels, seed)
    return Probe(
        mean=mean, scale=scale, readout=readout, calibration=np.array([1.0, 0.0]), threshold=0.5, backbone="",
        layer="", sort=sort, columns=columns,
    )  # fmt: skip


def calibrated(logits: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Platt's slope and intercept, (2,), for his smoothed targets (n₊+1)/(n₊+2) and 1/(n₋+2) (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression

    positives = int(labels.sum())
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    twice = np.concatenate([logits, logits])[:, None]
    answers = np.repeat([True, False], len(logits))
    model: Any = LogisticRegression(C=np.inf, max_iter=2000)
    model.fit(twice, answers, sample_weight=np.concatenate([target, 1 - target]))
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    # A probe that ranks backwards on new encounters has learnt nothing: leave its order, and let the report show it.
    return np.array([slope, intercept] if slope > 0 else [1.0, 0.0])
