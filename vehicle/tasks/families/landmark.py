"""Landmarks: signs, lamps and signals that stand beside the road and mean something.

`present` asks whether any camera that looks ahead shows one; what only resembles it is a no. Every subtask asks
something of the one with the most pixels, and is labelled only where there is one.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from scenarios import Truth
from vehicle.tasks.about_one import about_one
from vehicle.tasks.spec import KindName, Name, Positive, TaskSpec
from vehicle.tasks.task import Task
from vehicle.tasks.things import (
    AHEAD,
    DOUBT,
    NOBODY,
    Bools,
    Slots,
    ThingSubtask,
    in_sight,
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

    def subject(truth: Truth) -> Slots:
        pixels = in_sight(truth, of_kinds(truth, spec.classes), AHEAD).max(axis=1)  # (n, K)
        return np.where(pixels.max(axis=1, initial=0) >= spec.min_pixels, pixels.argmax(axis=1), NOBODY)

    def absent(truth: Truth) -> Bools:
        pixels = perhaps_in_sight(truth, of_kinds(truth, spec.classes), AHEAD)
        return np.asarray(pixels.max(axis=(1, 2), initial=0) < DOUBT * spec.min_pixels)

    return about_one(spec, spec.subtasks, subject, absent)
