"""From percepts and motion to a `SignalTable`: all that triggers may know, and nothing from the truth."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import CameraFrames, World
from triggers import SignalTable
from vehicle.active_safety import WARNING, pedestrian_warning
from vehicle.driver import driver_at
from vehicle.lead import measure_lead, measured_by
from vehicle.networks import Network
from vehicle.perceive import Percepts
from vehicle.shadow import row_by_row

Column = NDArray[Any]
Columns = dict[str, Column]

RAIN = "Vehicle.Body.Raindetection.Intensity"
LIGHT = "Vehicle.Exterior.LightIntensity"
AUTONOMY = "Vehicle.ADAS.ActiveAutonomyLevel"
RADAR = "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance"
RADAR_ASIDE = "radar.aside_m"  # the specification has no path for it
BRAKE = "Vehicle.Chassis.Brake.PedalPosition"
ACCELERATOR = "Vehicle.Chassis.Accelerator.PedalPosition"
STEERING = "Vehicle.Chassis.SteeringWheel.Angle"
ENGAGED_LEVEL = 2  # SAE J3016: the car steers, brakes and accelerates, the driver watches
VSS: dict[str, type] = {
    "Vehicle.Speed": float,
    "Vehicle.IsMoving": bool,
    "Vehicle.Acceleration.Longitudinal": float,
    "Vehicle.Acceleration.Lateral": float,
    "Vehicle.AngularVelocity.Yaw": float,
    "Vehicle.CurrentLocation.Latitude": float,
    "Vehicle.CurrentLocation.Longitude": float,
    "Vehicle.CurrentLocation.Heading": float,
    "Vehicle.TraveledDistance": float,
    RAIN: float,
    LIGHT: float,
    AUTONOMY: int,
    WARNING: bool,
    RADAR: float,
    BRAKE: float,
    ACCELERATOR: float,
    STEERING: float,
    "Vehicle.Acceleration.Vertical": float,
    "Vehicle.AngularVelocity.Pitch": float,
}
"""Paths of the Vehicle Signal Specification 6.0, in its units: km/h, m/s^2, degrees/s, degrees, m, percent.

The level of autonomy is a number here, for triggers compare numbers; the wire has VSS's word for it, such as SAE_2.
"""


def column_types(production: Network, shadows: Sequence[Network] = ()) -> dict[str, type]:
    """Every column of the tables that these networks lead to, and whether it is float, int or bool."""
    answers = [column for name, task in production.tasks.items() for column in task.columns(name)]
    shared = [(name, shadow.name) for name in production.tasks for shadow in shadows if name in shadow.tasks]
    compared = [f"{name}.disagreement{of}" for name, shadow in shared for of in ("", f".{shadow}")]
    return VSS | dict.fromkeys([RADAR_ASIDE, *answers, *compared, *measured_by(production.tasks)], float)


def tabulate(
    tick: int, world: World, frames: CameraFrames, percepts: Percepts, compared: Mapping[str, Column]
) -> SignalTable:
    """One row a car. compared: columns of disagreement. Answers stand there as probabilities, or in their unit."""
    answers = read(percepts)
    columns, valid = vehicle_signals(world, frames, answers)
    measured, there = measure_lead(answers, world.rig)
    everything = {**columns, **answers, **measured, **compared}
    return SignalTable(frames.cars, tick, everything, percepts.embedding, valid | there, percepts.network.backbone)


def vehicle_signals(world: World, frames: CameraFrames, answers: Mapping[str, Column]) -> tuple[Columns, Columns]:
    """What the car's own sensors say, (n,) each, and where it is valid; rain is what the network sees of it."""
    moving = _moving(world, frames)
    warning, able = pedestrian_warning(answers, moving["Vehicle.Speed"] / 3.6)
    blank = np.zeros(len(frames.cars), np.float32)
    rain = answers.get("weather.rain")
    columns = {
        **moving,
        LIGHT: _light(frames),
        RAIN: blank if rain is None else 100 * rain,
        WARNING: warning,
        RADAR: blank if frames.radar_m is None else frames.radar_m,
        RADAR_ASIDE: blank if frames.radar_aside_m is None else frames.radar_aside_m,
    }
    heard = np.isfinite(columns[RADAR])
    return columns, {
        RAIN: np.full(len(blank), rain is not None),
        WARNING: able,
        RADAR: heard & (frames.radar_m is not None),
        RADAR_ASIDE: heard & (frames.radar_aside_m is not None),
    }


def meanings(percepts: Percepts) -> dict[str, NDArray[np.float32]]:
    """Task to (n, outputs) float32: what the outputs mean, probabilities or numbers with a unit."""
    return {name: row_by_row(task.read, percepts.outputs[name]) for name, task in percepts.network.tasks.items()}


def read(percepts: Percepts) -> dict[str, NDArray[np.float32]]:
    """The same column by column, (n,) float32 each."""
    meant, tasks = meanings(percepts), percepts.network.tasks
    named = [(name, i, column) for name, task in tasks.items() for i, column in enumerate(task.columns(name))]
    return {column: meant[name][:, i] for name, i, column in named}


def _moving(world: World, frames: CameraFrames) -> Columns:
    motion = world.motion(frames.cars, frames.ticks)
    numbers = {
        "Vehicle.Speed": motion.speed_mps * 3.6,
        "Vehicle.Acceleration.Longitudinal": motion.acceleration_mps2,
        "Vehicle.Acceleration.Lateral": motion.lateral_mps2,
        "Vehicle.Acceleration.Vertical": motion.vertical_mps2,
        "Vehicle.AngularVelocity.Yaw": motion.yaw_rate_dps,
        "Vehicle.AngularVelocity.Pitch": motion.pitch_rate_dps,
        "Vehicle.CurrentLocation.Latitude": motion.latitude,
        "Vehicle.CurrentLocation.Longitude": motion.longitude,
        "Vehicle.CurrentLocation.Heading": motion.heading_deg,
        "Vehicle.TraveledDistance": motion.odometer_m,
    }
    by_hand = motion.driving & ~motion.engaged
    does = driver_at(motion.speed_mps, motion.acceleration_mps2, motion.yaw_rate_dps, by_hand)
    numbers |= dict(zip((BRAKE, ACCELERATOR, STEERING), does, strict=True))
    columns: Columns = {path: values.astype(np.float32) for path, values in numbers.items()}
    level = np.where(motion.engaged, ENGAGED_LEVEL, 0).astype(np.int64)
    return {**columns, "Vehicle.IsMoving": motion.speed_mps > 0.1, AUTONOMY: level}


def _light(frames: CameraFrames) -> NDArray[np.float32]:
    """Brightness of every eighth pixel of all cameras, percent: whole numbers are added, so order cannot matter."""
    sample = frames.pixels.numpy()[..., ::8, ::8]
    sums = sample.sum(axis=(1, 2, 3, 4), dtype=np.int64)
    brightest = 255 * math.prod(sample.shape[1:])
    percent: NDArray[np.float32] = (100 * sums / brightest).astype(np.float32)
    return percent
