"""Recorded drives: one neutral form for four formats, what stood around the ego, and the ground it drove on."""

from scenarios.recorded.calibrations import CALIBRATIONS, read_calibration
from scenarios.recorded.drive import Agents, Drive, DriveState, RoadLine, RoadMap
from scenarios.recorded.kinds import KIND_NAMES
from scenarios.recorded.opening import FORMATS, open_drives
from scenarios.recorded.raster import GroundGrid, rasterise
from scenarios.recorded.scene import Surroundings, scene_at

__all__ = [
    "CALIBRATIONS",
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
    "read_calibration",
    "scene_at",
]
