"""Static objects: what stands or lies about and is no sign. `present` asks for any of them, a subtask for some kinds.

Subtasks are asked of all that is in sight, not of one thing: a cone beside a barrier is a yes to both.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field
from torch import Tensor

from scenarios import Truth
from vehicle.tasks.answers import mask, tensor, widest_gap, yes_or_no
from vehicle.tasks.spec import KindName, Name, Part, Positive, TaskSpec
from vehicle.tasks.task import PRESENT, Task
from vehicle.tasks.things import AHEAD, DOUBT, NOBODY, Floats, Slots, in_sight, of_kinds, perhaps_in_sight


class KindsSubtask(Part):
    """Whether some of the kinds are among what is in sight."""

    classes: tuple[KindName, ...] = Field(min_length=1)


class StaticObjectSpec(TaskSpec):
    """What a static object's file says."""

    classes: tuple[KindName, ...] = Field(min_length=1, description="the kinds of things that it is about")
    min_pixels: Positive = Field(description="smaller ones a labeller would not name")
    subtasks: Mapping[Name, KindsSubtask] = Field(default_factory=dict, description="asked of all that is in sight")


def static_object(spec: StaticObjectSpec) -> Task:
    """The task that a static object's file describes."""
    groups = [spec.classes, *(each.classes for each in spec.subtasks.values())]

    def named(truth: Truth) -> Floats:
        return np.stack([in_sight(truth, of_kinds(truth, kinds), AHEAD).max(axis=1) for kinds in groups], 1)

    def sure(truth: Truth) -> Tensor:
        pixels = [perhaps_in_sight(truth, of_kinds(truth, kinds), AHEAD) for kinds in groups]
        most = np.stack([each.max(axis=(1, 2), initial=0) for each in pixels], 1)
        return mask((named(truth).max(axis=2, initial=0) >= spec.min_pixels) | (most < DOUBT * spec.min_pixels))

    def subject(truth: Truth) -> Slots:
        largest = named(truth)[:, 0]  # (n, K)
        return np.where(largest.max(axis=1, initial=0) >= spec.min_pixels, largest.argmax(axis=1), NOBODY)

    return Task(
        outputs=(PRESENT, *spec.subtasks),
        label=lambda truth: tensor(named(truth).max(axis=2, initial=0) >= spec.min_pixels),
        loss=yes_or_no,
        disagree=widest_gap,
        labelable=sure,
        subject=subject,
        spec=spec,
    )
