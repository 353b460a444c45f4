"""The world: roads, traffic, weather and eight cameras, as pure functions of (cars, tick)."""

from scenarios import cameras, rates, staging
from scenarios.cameras import Camera, CameraFrames, Rig
from scenarios.conditions import CONDITIONS, Condition
from scenarios.draws import Draws
from scenarios.encounters import ENCOUNTERS
from scenarios.errors import ScenarioError
from scenarios.exposure import TICK_US, worlds
from scenarios.recorded import read_calibration
from scenarios.sites import Encounter, Sites, thing
from scenarios.slices import SLICES, slices_of
from scenarios.top_down import CLASSES, GRID, TopDown
from scenarios.trips import ROADS
from scenarios.truth import KINDS, TRAITS, Truth
from scenarios.world import World, open_world

__all__ = [
    "CLASSES",
    "CONDITIONS",
    "ENCOUNTERS",
    "GRID",
    "KINDS",
    "ROADS",
    "SLICES",
    "TICK_US",
    "TRAITS",
    "Camera",
    "CameraFrames",
    "Condition",
    "Draws",
    "Encounter",
    "Rig",
    "ScenarioError",
    "Sites",
    "TopDown",
    "Truth",
    "World",
    "cameras",
    "open_world",
    "rates",
    "read_calibration",
    "slices_of",
    "staging",
    "thing",
    "worlds",
]
