"""The world: roads, traffic, weather and eight cameras, as pure functions of (cars, tick)."""

from scenarios.cameras import CameraFrames, Rig
from scenarios.conditions import CONDITIONS, Condition
from scenarios.draws import Draws
from scenarios.errors import ScenarioError
from scenarios.exposure import TICK_US
from scenarios.slices import SLICES
from scenarios.truth import KINDS, Truth
from scenarios.world import World, open_world

__all__ = [
    "CONDITIONS",
    "KINDS",
    "SLICES",
    "TICK_US",
    "CameraFrames",
    "Condition",
    "Draws",
    "Rig",
    "ScenarioError",
    "Truth",
    "World",
    "open_world",
]
