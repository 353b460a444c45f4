"""Boxes: where in one camera's picture the nearest thing is, in pixels; what a classical tracker would follow."""

from typing import Literal

import numpy as np
from pydantic import Field

from scenarios import Truth
from vehicle.tasks.answers import mask, numbers, tensor
from vehicle.tasks.families.moving_object import MovingObjectSpec, nearest
from vehicle.tasks.spec import KindName, Positive, TaskSpec
from vehicle.tasks.task import Task
from vehicle.tasks.things import NOBODY, CameraName, Floats, Slots, places

SIDES = ("left", "top", "right", "bottom")
UNIT_PX = 4.0


class BoxSpec(TaskSpec):
    """What a box's file says."""

    classes: tuple[KindName, ...] = Field(min_length=1, description="the kinds of things that it is about")
    min_pixels: Positive = Field(description="smaller ones a labeller would not name")
    camera: CameraName = Field(default="main", description="in whose picture")
    lane: Literal["any", "own", "path"] = Field(default="any", description="own: in the own lane; path: or crossing it")
    within_m: Positive | None = Field(default=None, description="farther ones do not count")


def box(spec: BoxSpec) -> Task:
    """The task that a box's file describes: the sides of the nearest thing's silhouette, pixels from the top left."""
    (camera,) = places([spec.camera])
    sought = MovingObjectSpec(
        name=spec.name, family=spec.family, says=spec.says, classes=spec.classes, min_pixels=spec.min_pixels,
        cameras=(spec.camera,), lane=spec.lane, within_m=spec.within_m,
    )  # fmt: skip

    def subject(truth: Truth) -> Slots:
        return nearest(sought, truth)

    def sides(truth: Truth) -> Floats:
        which = subject(truth)
        found = np.take_along_axis(truth.box[:, camera], np.maximum(which, 0)[:, None, None], 1)[:, 0]
        return np.where(which[:, None] != NOBODY, found, 0.0)

    return Task(
        **numbers(dict.fromkeys(SIDES, UNIT_PX)),
        label=lambda truth: tensor(sides(truth)),
        labelable=lambda truth: mask(subject(truth) != NOBODY),
        subject=subject,
        spec=spec,
    )
