"""Sorts of road users and things, one short list for all formats, and how big they are where a log does not say."""

import numpy as np
from numpy.typing import NDArray

KIND_NAMES = (
    "vehicle",
    "truck",
    "bus",
    "pedestrian",
    "cyclist",
    "motorcycle",
    "barrier",
    "cone",
    "sign",
    "animal",
    "other",
)
"""What an agent's `kind` indexes."""

USUAL_SIZE = {
    "vehicle": (4.6, 1.9, 1.6),
    "truck": (8.5, 2.5, 3.2),
    "bus": (12.0, 2.55, 3.2),
    "pedestrian": (0.6, 0.6, 1.75),
    "cyclist": (1.8, 0.6, 1.75),
    "motorcycle": (2.2, 0.8, 1.6),
    "barrier": (1.5, 0.4, 1.0),
    "cone": (0.4, 0.4, 0.75),
    "sign": (0.1, 0.75, 0.75),
    "animal": (0.9, 0.4, 0.6),
    "other": (1.0, 1.0, 1.0),
}
"""Length, width, height in metres for formats that leave them out; by kind."""

ARGOVERSE = {
    "REGULAR_VEHICLE": "vehicle",
    "LARGE_VEHICLE": "truck",
    "BOX_TRUCK": "truck",
    "TRUCK": "truck",
    "TRUCK_CAB": "truck",
    "VEHICULAR_TRAILER": "truck",
    "BUS": "bus",
    "SCHOOL_BUS": "bus",
    "ARTICULATED_BUS": "bus",
    "RAILED_VEHICLE": "bus",
    "PEDESTRIAN": "pedestrian",
    "OFFICIAL_SIGNALER": "pedestrian",
    "STROLLER": "pedestrian",
    "WHEELCHAIR": "pedestrian",
    "BICYCLE": "cyclist",
    "BICYCLIST": "cyclist",
    "WHEELED_DEVICE": "cyclist",
    "WHEELED_RIDER": "cyclist",
    "MOTORCYCLE": "motorcycle",
    "MOTORCYCLIST": "motorcycle",
    "BOLLARD": "barrier",
    "CONSTRUCTION_CONE": "cone",
    "CONSTRUCTION_BARREL": "cone",
    "SIGN": "sign",
    "STOP_SIGN": "sign",
    "MOBILE_PEDESTRIAN_CROSSING_SIGN": "sign",
    "MESSAGE_BOARD_TRAILER": "sign",
    "TRAFFIC_LIGHT_TRAILER": "sign",
    "ANIMAL": "animal",
    "DOG": "animal",
}
"""Argoverse 2 sensor annotations."""

ARGOVERSE_MOTION = {
    "vehicle": "vehicle",
    "bus": "bus",
    "pedestrian": "pedestrian",
    "cyclist": "cyclist",
    "riderless_bicycle": "cyclist",
    "motorcyclist": "motorcycle",
    "construction": "barrier",
}
"""Argoverse 2 motion forecasting."""

SCENARIONET = {
    "VEHICLE": "vehicle",
    "PEDESTRIAN": "pedestrian",
    "CYCLIST": "cyclist",
    "TRAFFIC_CONE": "cone",
    "TRAFFIC_BARRIER": "barrier",
}
"""ScenarioNet's own types."""

NUSCENES = {
    "vehicle.truck": "truck",
    "vehicle.trailer": "truck",
    "vehicle.construction": "truck",
    "vehicle.bus": "bus",
    "vehicle.motorcycle": "motorcycle",
    "vehicle.bicycle": "cyclist",
    "vehicle": "vehicle",
    "human": "pedestrian",
    "movable_object.barrier": "barrier",
    "movable_object.trafficcone": "cone",
    "animal": "animal",
}
"""nuScenes categories that ScenarioNet keeps beside its type, by longest dotted beginning."""

COMMONROAD = {
    "car": "vehicle",
    "taxi": "vehicle",
    "parkedVehicle": "vehicle",
    "priorityVehicle": "vehicle",
    "truck": "truck",
    "constructionZone": "barrier",
    "roadBoundary": "barrier",
    "medianStrip": "barrier",
    "bus": "bus",
    "train": "bus",
    "motorcycle": "motorcycle",
    "bicycle": "cyclist",
    "pedestrian": "pedestrian",
    "pillar": "barrier",
}
"""CommonRoad obstacle types."""


def kind_of(name: str, names: dict[str, str]) -> str:
    """A log's category as one of KIND_NAMES; a dotted category by its longest known beginning, else 'other'."""
    while name not in names and "." in name:
        name = name.rpartition(".")[0]
    return names.get(name, "other")


def kind_numbers(kinds: list[str]) -> NDArray[np.uint8]:
    """(A,) uint8 indices into KIND_NAMES."""
    return np.array([KIND_NAMES.index(kind) for kind in kinds], np.uint8)
