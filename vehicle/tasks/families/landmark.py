"""Landmarks: signs, lamps and signals that stand beside the road and mean something.

`present` asks whether any camera that looks ahead shows one; what only resembles it is a no. Every subtask asks
something of the one with the most pixels, and is labelled only where there is one.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field
from torch import Tensor

from scenarios import Truth
from vehicle.tasks.answers import mask, tensor, widest_gap_where_present, yes_or_no
from vehicle.tasks.spec import KindName, Name, Positive, TaskSpec
from vehicle.tasks.task import PRESENT, Task
from vehicle.tasks.things import (
    AHEAD,
    DOUBT,
    NOBODY,
    Bools,
    Slots,
    ThingSubtask,
    in_sight,
    judged,
    of_kinds,
    perhaps_in_sight,
)


class LandmarkSpec(TaskSpec):
    """What a landmark's file says."""

    classes: tuple[KindName, ...] = Field(min_length=1, description="the kinds of things that it is about")
    min_pixels: Positive = Field(description="smaller ones a labeller would not name")
    subtasks: Mapping[Name, ThingSubtask] = Field(default_factory=dict, description="asked of the largest one")


def landmark(spec: LandmarkSpec) -> Task:
    """The task that a landmark's file describes."""
    asked = list(spec.subtasks.values())

    def subject(truth: Truth) -> Slots:
        pixels = in_sight(truth, of_kinds(truth, spec.classes), AHEAD).max(axis=1)  # (n, K)
        return np.where(pixels.max(axis=1, initial=0) >= spec.min_pixels, pixels.argmax(axis=1), NOBODY)

    def absent(truth: Truth) -> Bools:
        pixels = perhaps_in_sight(truth, of_kinds(truth, spec.classes), AHEAD)
        return np.asarray(pixels.max(axis=(1, 2), initial=0) < DOUBT * spec.min_pixels)

    def label(truth: Truth) -> Tensor:
        which = subject(truth)
        return tensor(np.column_stack([which != NOBODY, judged(asked, truth, which)[0]]))

    def labelable(truth: Truth) -> Tensor:
        which = subject(truth)
        return mask(np.column_stack([(which != NOBODY) | absent(truth), judged(asked, truth, which)[1]]))

    return Task(
        outputs=(PRESENT, *spec.subtasks),
        label=label,
        loss=yes_or_no,
        disagree=widest_gap_where_present,
        labelable=labelable,
        subject=subject,
        spec=spec,
    )
