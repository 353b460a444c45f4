"""Recorded drives: one neutral form for four formats, what stood around the ego, and the ground it drove on."""

from scenarios.recorded.drive import Agents, Drive, DriveState, RoadLine, RoadMap
from scenarios.recorded.kinds import KIND_NAMES
from scenarios.recorded.opening import FORMATS, open_drives
from scenarios.recorded.raster import GroundGrid, rasterise
from scenarios.recorded.scene import Surroundings, scene_at

__all__ = [
    "FORMATS",
    "KIND_NAMES",
    "Agents",
    "Drive",
    "DriveState",
    "GroundGrid",
    "RoadLine",
    "RoadMap",
    "Surroundings",
    "open_drives",
    "rasterise",
    "scene_at",
]
