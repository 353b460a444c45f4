"""Cameras: one with its lens, the rig of a car, and rigs as files."""

from scenarios.cameras.camera import Camera
from scenarios.cameras.files import EIGHT_CAMERAS, RigSpec, load_rig, read_rig, rig_names, rig_yaml
from scenarios.cameras.rig import CameraFrames, Rig

__all__ = [
    "EIGHT_CAMERAS",
    "Camera",
    "CameraFrames",
    "Rig",
    "RigSpec",
    "load_rig",
    "read_rig",
    "rig_names",
    "rig_yaml",
]
