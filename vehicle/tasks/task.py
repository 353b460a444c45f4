"""What a network is asked to see: a task is four functions."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from scenarios import Truth


@dataclass(frozen=True, slots=True)
class Task:
    """One question to a network; its head, its training, its comparison and its signals follow from it.

    outputs: how many numbers a car, or their names
    label: truth to (n, outputs) float32, what a labeller who has the pictures would say
    loss: (outputs, label) to a scalar; over the entries that can be labelled
    disagree: (outputs, outputs) of two networks to (n,) float32, how differently they saw it; 0 is not at all
    read: outputs to what they mean: a probability by default, or a number with a unit
    labelable: truth to (n,) or (n, outputs) bool, where a labeller could tell; everywhere by default
    """

    outputs: int | tuple[str, ...]
    label: Callable[[Truth], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    disagree: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    read: Callable[[torch.Tensor], torch.Tensor] = torch.sigmoid
    labelable: Callable[[Truth], torch.Tensor] | None = None

    @property
    def width(self) -> int:
        """How many outputs there are."""
        return self.outputs if isinstance(self.outputs, int) else len(self.outputs)

    def columns(self, name: str) -> tuple[str, ...]:
        """The signals that this task, under this name, gives: `name`, `name.0` or `name.output`."""
        if isinstance(self.outputs, int):
            return (name,) if self.outputs == 1 else tuple(f"{name}.{i}" for i in range(self.outputs))
        return tuple(f"{name}.{output}" for output in self.outputs)
