"""Tags: the weather, the light, the sort of road, the state of a lens; what is true of a whole picture.

Weather is a share of the strongest, 0 to 1; the rest is yes or no. Asked per camera, a tag is about each lens.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from scenarios import Truth
from vehicle.tasks.answers import mask, tensor, widest_gap, yes_or_no
from vehicle.tasks.spec import ConditionName, Name, Part, RoadName, TaskSpec
from vehicle.tasks.task import Task
from vehicle.tasks.things import EIGHT, Bools, paint_in_sight, severity

Share = float


class TagSubtask(Part):
    """One tag: a condition, a sort of road, or a tunnel."""

    condition: ConditionName | None = Field(default=None, description="how strong this weather or light is")
    road: RoadName | None = Field(default=None, description="whether the road is of this sort")
    tunnel: bool | None = Field(default=None, description="whether a tunnel's roof is above (or is not)")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.condition, self.road, self.tunnel)) != 1:
            raise ValueError("a tag is one of condition, road and tunnel")
        return self

    def measured(self, truth: Truth) -> NDArray[np.generic]:
        """The tag of each car, (n,)."""
        if self.condition is not None:
            return severity(truth, self.condition)
        if self.road is not None:
            return np.asarray(truth.moments()["road"] == self.road)
        return np.asarray((truth.tunnel > 0.5) == self.tunnel)

    def told(self, truth: Truth) -> Bools:
        """Where a labeller could tell, (n,): in thick fog nobody says what sort of road it is."""
        return np.ones(len(truth.cars), np.bool_) if self.condition is not None else paint_in_sight(truth)


class TagsSpec(TaskSpec):
    """What a file of tags says."""

    subtasks: Mapping[Name, TagSubtask] = Field(default_factory=dict, description="tags, by name")
    covered_above: Share | None = Field(
        default=None, gt=0, lt=1, description="instead of tags: whether more than this share of each lens is covered"
    )
    clear_below: Share | None = Field(default=None, gt=0, lt=1, description="between the two nobody is sure")

    @model_validator(mode="after")
    def _one_or_other(self) -> Self:
        if (self.covered_above is None) == (not self.subtasks):
            raise ValueError("say subtasks, or covered_above")
        return self


def tags(spec: TagsSpec) -> Task:
    """The task that a file of tags describes."""
    if spec.covered_above is not None:
        return _lenses(spec, spec.covered_above)
    asked = list(spec.subtasks.values())

    return Task(
        outputs=tuple(spec.subtasks),
        label=lambda truth: tensor(np.column_stack([each.measured(truth) for each in asked])),
        loss=yes_or_no,
        disagree=widest_gap,
        labelable=lambda truth: mask(np.column_stack([each.told(truth) for each in asked])),
        spec=spec,
    )


def _lenses(spec: TagsSpec, above: float) -> Task:
    below = spec.clear_below if spec.clear_below is not None else above

    def labelable(truth: Truth) -> Tensor:
        return mask((truth.covered > above) | (truth.covered <= below))

    return Task(
        outputs=EIGHT,
        label=lambda truth: tensor(truth.covered > above),
        loss=yes_or_no,
        disagree=widest_gap,
        labelable=labelable,
        per_camera=True,
        spec=spec,
    )
