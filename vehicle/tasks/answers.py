"""Sorts of answers: yes or no, and numbers with a unit. What families share of losses and comparisons."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

yes_or_no = binary_cross_entropy_with_logits


def tensor(values: NDArray[np.generic]) -> Tensor:
    """Labels as float32."""
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def mask(values: NDArray[np.bool_]) -> Tensor:
    """Where a labeller could tell, as bool."""
    return torch.from_numpy(np.ascontiguousarray(values))


def widest_gap(a: Tensor, b: Tensor) -> Tensor:
    """The most that two probabilities differ by, (n,)."""
    return (a.sigmoid() - b.sigmoid()).abs().amax(1)


def widest_gap_where_present(a: Tensor, b: Tensor) -> Tensor:
    """The same where the first output says whether there is anything that the others could be about.

    Nobody has taught a network what to say of a sign that is not there; there, the others do not count.
    """
    yes, other = a.sigmoid(), b.sigmoid()
    there = torch.maximum(yes[:, :1], other[:, :1])
    gaps = (yes - other).abs()
    return torch.cat([gaps[:, :1], gaps[:, 1:] * there], 1).amax(1)


def numbers(units: Mapping[str, float]) -> dict[str, Any]:
    """The parts of a task whose answers are numbers. units: name of an output to what counts as much of it."""
    scale = torch.tensor(list(units.values()))
    return {
        "outputs": tuple(units),
        "loss": lambda outputs, label: smooth_l1_loss(outputs, label / scale),
        "read": lambda outputs: outputs * scale,
        "disagree": mean_gap,
    }


def mean_gap(a: Tensor, b: Tensor) -> Tensor:
    """How far numbers are apart on average, in what counts as much of each, at most 1; (n,)."""
    return (a - b).abs().mean(1).clamp(max=1)
