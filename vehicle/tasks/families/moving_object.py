"""Moving objects: who is on the road, camera by camera or the nearest one ahead, and how far it is.

Asked per camera, each camera has a yes or no of its own. Else `present` asks whether one drives, walks or stands
ahead where the task looks, and every subtask asks something of the nearest, labelled only where there is one. A task
whose one subtask is a `measure` asks for that number instead.
"""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from scenarios import Truth
from vehicle.tasks.about_one import about_one
from vehicle.tasks.answers import mask, mean_gap, tensor, widest_gap, yes_or_no
from vehicle.tasks.spec import KindName, Name, Positive, TaskSpec, TraitName
from vehicle.tasks.task import Task
from vehicle.tasks.things import (
    AHEAD,
    DOUBT,
    EIGHT,
    HALF_LANE_M,
    NOBODY,
    Bools,
    CameraName,
    Floats,
    Slots,
    ThingSubtask,
    aside_m,
    in_sight,
    of_kinds,
    perhaps_in_sight,
    sight_m,
)

STEP_M = 2.5  # beside the lane: somebody who walks towards it is in the way
BEYOND = 1.2  # a no is sure only where nothing stands a little farther, either


class MovingSubtask(ThingSubtask):
    """What else is asked of the nearest one: whether something holds of it, or how far it is."""

    measure: Literal["distance_m"] | None = Field(default=None, description="instead of a yes or no, this number")
    unit: Positive = Field(default=20.0, description="metres; learnt as a ratio to it, for one matters less far away")


class MovingObjectSpec(TaskSpec):
    """What a moving object's file says."""

    classes: tuple[KindName, ...] = Field(min_length=1, description="the kinds of things that it is about")
    min_pixels: Positive = Field(description="smaller ones a labeller would not name")
    per_camera: bool = Field(default=False, description="a yes or no for each camera, instead of one for the car")
    cameras: tuple[CameraName, ...] = Field(default=AHEAD, description="where one is looked for; not if per camera")
    trait: TraitName | None = Field(default=None, description="only those that have it count")
    lane: Literal["any", "own", "path"] = Field(
        default="any", description="own: in the own lane; path: in it, or crossing and a step away from it"
    )
    within_m: Positive | None = Field(default=None, description="farther ones do not count")
    subtasks: Mapping[Name, MovingSubtask] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        numbers = [each.measure is not None for each in self.subtasks.values()]
        if any(numbers) and (len(numbers) > 1 or self.within_m is None):
            raise ValueError("a measure stands alone in its task, which says within_m")
        if self.per_camera and (self.subtasks or self.lane != "any" or self.within_m or self.trait):
            raise ValueError("asked per camera, a task has classes and min_pixels only")
        return self


def moving_object(spec: MovingObjectSpec) -> Task:
    """The task that a moving object's file describes."""
    if spec.per_camera:
        return _each_camera(spec)
    return _distance(spec) if any(each.measure for each in spec.subtasks.values()) else _one(spec)


def _each_camera(spec: MovingObjectSpec) -> Task:
    def subject(truth: Truth) -> Slots:
        pixels = in_sight(truth, of_kinds(truth, spec.classes))  # (n, C, K)
        return np.where(pixels.max(axis=2, initial=0) >= spec.min_pixels, pixels.argmax(axis=2), NOBODY)

    def labelable(truth: Truth) -> Tensor:
        most = perhaps_in_sight(truth, of_kinds(truth, spec.classes)).max(axis=2, initial=0)
        return mask((subject(truth) != NOBODY) | (most < DOUBT * spec.min_pixels))

    return Task(
        outputs=EIGHT,
        label=lambda truth: tensor(subject(truth) != NOBODY),
        loss=yes_or_no,
        disagree=widest_gap,
        labelable=labelable,
        per_camera=True,
        subject=subject,
        spec=spec,
    )


def _one(spec: MovingObjectSpec) -> Task:
    return about_one(spec, spec.subtasks, lambda truth: nearest(spec, truth), lambda truth: _absent(spec, truth))


def _distance(spec: MovingObjectSpec) -> Task:
    ((name, asked),) = spec.subtasks.items()
    unit_m = asked.unit

    def label(truth: Truth) -> Tensor:
        which = nearest(spec, truth)
        distance_m = np.take_along_axis(truth.distance_m, np.maximum(which, 0)[:, None], 1)
        return tensor(np.where(which[:, None] != NOBODY, distance_m, spec.within_m or 0.0))

    def read(outputs: Tensor) -> Tensor:
        return unit_m * outputs.clamp(-4, 2).exp()

    return Task(
        outputs=(name,),
        label=label,
        loss=lambda outputs, label: smooth_l1_loss(outputs, torch.log((label / unit_m).clamp(min=0.02))),
        disagree=mean_gap,
        read=read,
        labelable=lambda truth: mask(nearest(spec, truth) != NOBODY),
        subject=lambda truth: nearest(spec, truth),
        spec=spec,
    )


def nearest(spec: MovingObjectSpec, truth: Truth) -> Slots:
    """The place of the nearest one that a labeller would name, (n,)."""
    counts = _counting(spec, truth, spec.within_m or np.inf)
    named = in_sight(truth, counts, spec.cameras).max(axis=1) >= spec.min_pixels  # (n, K)
    distance_m: Floats = np.where(named, truth.distance_m, np.inf)
    return np.where(named.any(axis=1), distance_m.argmin(axis=1), NOBODY)


def _absent(spec: MovingObjectSpec, truth: Truth) -> Bools:
    """Where a labeller would be sure that there is none, (n,)."""
    counts = _counting(spec, truth, BEYOND * (spec.within_m or np.inf))
    most = perhaps_in_sight(truth, counts, spec.cameras).max(axis=(1, 2), initial=0)
    far_enough = sight_m(truth) > spec.within_m if spec.within_m else True
    return np.asarray((most < DOUBT * spec.min_pixels) & far_enough)


def _counting(spec: MovingObjectSpec, truth: Truth, within_m: float) -> Bools:
    """Which things the task is about, seen or not, (n, K)."""
    counts = of_kinds(truth, spec.classes) & (truth.distance_m < within_m)
    if spec.trait:
        counts = counts & truth.has(spec.trait)
    if spec.lane == "any":
        return counts
    aside = np.abs(aside_m(truth))
    inside = aside < HALF_LANE_M
    if spec.lane == "path":
        inside = inside | (truth.has("crossing") & (aside < HALF_LANE_M + STEP_M))
    return np.asarray(counts & inside & (truth.x_m > 0))
