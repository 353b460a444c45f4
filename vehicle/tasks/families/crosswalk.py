"""Crosswalks: whether stripes across the road lie ahead. Between the two distances a labeller would not be sure."""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor

from scenarios import Truth
from vehicle.tasks.answers import mask, tensor, widest_gap, yes_or_no
from vehicle.tasks.spec import Positive, TaskSpec
from vehicle.tasks.task import PRESENT, Task
from vehicle.tasks.things import sight_m


class CrosswalkSpec(TaskSpec):
    """What a crosswalk's file says."""

    within_m: Positive = Field(description="nearer is a yes")
    none_within_m: Positive = Field(description="farther is a no")
    subtasks: dict[str, None] = Field(default_factory=dict, max_length=0, description="none")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.none_within_m < self.within_m:
            raise ValueError("none_within_m is not less than within_m")
        return self


def crosswalk(spec: CrosswalkSpec) -> Task:
    """The task that a crosswalk's file describes."""

    def labelable(truth: Truth) -> Tensor:
        sure = (truth.crosswalk_m < spec.within_m) | (truth.crosswalk_m > spec.none_within_m)
        return mask((sure & (sight_m(truth) > spec.within_m))[:, None])

    return Task(
        outputs=(PRESENT,),
        label=lambda truth: tensor((truth.crosswalk_m < spec.within_m)[:, None]),
        loss=yes_or_no,
        disagree=widest_gap,
        labelable=labelable,
        spec=spec,
    )
