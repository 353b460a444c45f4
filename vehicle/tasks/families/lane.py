"""The lane and the road's edge: where the car lies in its lane, how the lane bends, how many there are.

Each subtask is one number, labelled where its paint is in sight.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from scenarios import Truth
from vehicle.tasks.answers import mask, numbers, tensor
from vehicle.tasks.spec import Name, Part, Positive, TaskSpec, listed, one_of
from vehicle.tasks.task import Task
from vehicle.tasks.things import Floats, paint_in_sight

MEASURES: dict[str, Callable[[Truth], Floats]] = {
    "offset_m": lambda truth: truth.lane_offset_m,  # left of the lane's middle
    "heading_deg": lambda truth: np.degrees(truth.heading_error_rad),
    "curvature_1pkm": lambda truth: truth.curvature_1pm * 1000,
    "lanes": lambda truth: truth.lanes,  # a direction, up to the road's edge
}


class LaneSubtask(Part):
    """One number."""

    measure: Annotated[str, one_of("measure", MEASURES), listed(MEASURES)]
    unit: Positive = Field(description="what counts as much of it; an error of so much costs 1")


class LaneSpec(TaskSpec):
    """What a lane's file says."""

    subtasks: Mapping[Name, LaneSubtask] = Field(min_length=1, description="numbers, by name")


def lane(spec: LaneSpec) -> Task:
    """The task that a lane's file describes."""
    asked = [MEASURES[each.measure] for each in spec.subtasks.values()]

    return Task(
        **numbers({name: each.unit for name, each in spec.subtasks.items()}),
        label=lambda truth: tensor(np.stack([measure(truth) for measure in asked], 1)),
        labelable=lambda truth: mask(paint_in_sight(truth) & (truth.lanes > 0)),
        spec=spec,
    )
