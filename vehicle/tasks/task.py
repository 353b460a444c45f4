"""What a network is asked to see: a task is four functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scenarios import Truth
from vehicle.tasks.spec import TaskSpec

PRESENT = "present"
"""The output that stands for its whole task: its column is the task's own name."""


@dataclass(frozen=True, slots=True)
class Task:
    """One question to a network; its head, its training, its comparison and its signals follow from it.

    outputs: how many numbers a car, or their names
    label: truth to (n, outputs) float32, what a labeller who has the pictures would say
    loss: (outputs, label) to a scalar; over the entries that can be labelled
    disagree: (outputs, outputs) of two networks to (n,) float32, how differently they saw it; 0 is not at all
    read: outputs to what they mean: a probability by default, or a number with a unit
    labelable: truth to (n,) or (n, outputs) bool, where a labeller could tell; everywhere by default
    per_camera: one output for each camera of the car, in its order, by a head that sees one camera at a time
    subject: truth to the place of the thing that a yes is about, -1 where there is none: (n,), or (n, cameras) where
        the task is asked per camera; None where a task is not about things
    spec: what its file says; a network's card carries it, so that a deployed network needs nothing else
    """

    outputs: int | tuple[str, ...]
    label: Callable[[Truth], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    disagree: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    read: Callable[[torch.Tensor], torch.Tensor] = torch.sigmoid
    labelable: Callable[[Truth], torch.Tensor] | None = None
    per_camera: bool = False
    subject: Callable[[Truth], NDArray[np.intp]] | None = None
    spec: TaskSpec | None = None

    @property
    def width(self) -> int:
        """How many outputs there are."""
        return self.outputs if isinstance(self.outputs, int) else len(self.outputs)

    @property
    def classes(self) -> tuple[str, ...]:
        """The kinds of things that a yes is about; none where a task is not about things."""
        return self.spec.classes if self.spec else ()

    def columns(self, name: str) -> tuple[str, ...]:
        """The signals that this task, under this name, gives: `name`, `name.0` or `name.output`."""
        if isinstance(self.outputs, int):
            return (name,) if self.outputs == 1 else tuple(f"{name}.{i}" for i in range(self.outputs))
        return tuple(name if output == PRESENT else f"{name}.{output}" for output in self.outputs)

    def on_card(self, name: str) -> dict[str, Any]:
        """What a network's card says of this task under this name; `tasks_on_card` reads it."""
        said = self.spec.model_dump(mode="json", exclude_defaults=True) if self.spec else None
        return {"outputs": list(self.columns(name)), "per_camera": self.per_camera, "spec": said}
