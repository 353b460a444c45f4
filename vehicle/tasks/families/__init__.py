"""Sorts of tasks, a file each. A family is a function from a spec, of a class of its own, to a task."""

from collections.abc import Callable
from typing import Any

from vehicle.tasks.families.box import box
from vehicle.tasks.families.crosswalk import crosswalk
from vehicle.tasks.families.landmark import landmark
from vehicle.tasks.families.lane import lane
from vehicle.tasks.families.moving_object import moving_object
from vehicle.tasks.families.static_object import static_object
from vehicle.tasks.families.tags import tags
from vehicle.tasks.task import Task

Family = Callable[[Any], Task]
"""From a `TaskSpec` to a `Task`; what the annotation of its argument says is what its YAML may say."""

FAMILIES: dict[str, Family] = {
    "landmark": landmark,
    "moving_object": moving_object,
    "static_object": static_object,
    "lane": lane,
    "crosswalk": crosswalk,
    "tags": tags,
    "box": box,
}
