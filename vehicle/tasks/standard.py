"""The tasks that ship. A network has a head for those it was trained on; `TASKS["mine"] = Task(…)` adds one."""

import numpy as np
from numpy.typing import NDArray

from scenarios import Truth
from vehicle.tasks.families import (
    landmark,
    lead_distance,
    lead_vehicle,
    paint_in_sight,
    place_ahead,
    presence_per_camera,
    quantity,
    weather_tags,
)
from vehicle.tasks.task import Task


def _own_lane(truth: Truth) -> NDArray[np.float64]:
    return np.stack(
        [
            truth.lane_offset_m,
            np.degrees(truth.heading_error_rad),
            truth.curvature_1pm * 1000,
            truth.lanes,
        ],
        axis=1,
    )


TASKS: dict[str, Task] = {
    "vehicles": presence_per_camera("vehicle", "truck", min_pixels=80),
    "pedestrians": presence_per_camera("pedestrian", "cyclist", min_pixels=12),
    "stop_sign": landmark("stop_sign", min_pixels=14),
    "static_object": landmark("barrier", "cone", "box", min_pixels=8),
    "warning_lamp": landmark("caution_light", "dark_lamp", min_pixels=8),  # lit or not
    "lead": lead_vehicle(min_pixels=8),
    "lead_distance": lead_distance(min_pixels=8),
    "lane": quantity(
        {"offset_m": 0.15, "heading_deg": 0.5, "curvature_1pkm": 2.0, "lanes": 0.6},
        _own_lane,
        labelable=paint_in_sight,
    ),
    "crosswalk": place_ahead(lambda truth: truth.crosswalk_m, within_m=30, none_within_m=45),
    "weather": weather_tags("rain", "fog", "night"),
}
