"""Labelled frames, and their encounters: what is counted, dealt into folds and never torn apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.errors import TooFewEncounters

FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """n labelled frames: embeddings (n, d) float32, labels (n,) bool, groups (n,) int64, the encounter of each."""

    embeddings: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, rows: NDArray[np.bool_]) -> "Examples":
        """These frames only; rows: (n,) bool."""
        return Examples(self.embeddings[rows], self.labels[rows], self.groups[rows])

    def positive(self) -> NDArray[np.bool_]:
        """Which frames belong to an encounter with any positive frame, (n,)."""
        return np.isin(self.groups, self.groups[self.labels])

    def encounters(self, scores: NDArray[np.floating[Any]]) -> tuple[NDArray[np.bool_], NDArray[np.floating[Any]]]:
        """Per encounter: whether any frame of it is positive, and its highest score; (g,) each."""
        names, row = np.unique(self.groups, return_inverse=True)
        positive = np.zeros(len(names), np.bool_)
        np.logical_or.at(positive, row, self.labels)
        highest = np.full(len(names), -np.inf, scores.dtype)
        np.maximum.at(highest, row, scores)
        return positive, highest


def checked(embeddings: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]) -> Examples:
    """The examples. Raises ValueError when shapes do not fit, TooFewEncounters for fewer than five of a class."""
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


def folds(examples: Examples, seed: int) -> NDArray[np.int64]:
    """The fold of each frame, (n,) 0 … 4: whole encounters, positive and negative ones dealt out evenly."""
    names, row = np.unique(examples.groups, return_inverse=True)
    fold = np.zeros(len(names), np.int64)
    for dealt in shuffled(examples, seed):
        fold[np.searchsorted(names, dealt)] = np.arange(len(dealt)) % FOLDS
    return fold[row]


def shuffled(examples: Examples, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positive and negative encounters, each in an order drawn by the seed."""
    from sklearn.utils import shuffle

    positive, _ = examples.encounters(np.zeros(len(examples)))
    names = np.unique(examples.groups)
    return shuffle(names[positive], random_state=seed), shuffle(names[~positive], random_state=seed)
