"""Units of the columns of signal tables, as triggers check them: VSS's for the car, by their names for networks."""

import re

import torch

from vehicle.lead import measured_by
from vehicle.networks import Network
from vehicle.signals import RADAR_ASIDE

VSS_UNITS = {
    "Vehicle.Speed": "km/h",
    "Vehicle.Acceleration.Longitudinal": "m/s^2",
    "Vehicle.Acceleration.Lateral": "m/s^2",
    "Vehicle.Acceleration.Vertical": "m/s^2",
    "Vehicle.AngularVelocity.Yaw": "degrees/s",
    "Vehicle.AngularVelocity.Pitch": "degrees/s",
    "Vehicle.CurrentLocation.Latitude": "degrees",
    "Vehicle.CurrentLocation.Longitude": "degrees",
    "Vehicle.CurrentLocation.Heading": "degrees",
    "Vehicle.TraveledDistance": "m",
    "Vehicle.Body.Raindetection.Intensity": "percent",
    "Vehicle.Exterior.LightIntensity": "percent",
    "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance": "m",
    "Vehicle.Chassis.Brake.PedalPosition": "percent",
    "Vehicle.Chassis.Accelerator.PedalPosition": "percent",
    "Vehicle.Chassis.SteeringWheel.Angle": "degrees",
}
"""Path → unit, as the specification has them; what has none is not a quantity."""

_BY_ENDING = {"m": "m", "deg": "degrees", "mps": "m/s", "s": "s"}
_PROBABILITY = "1"


def column_units(production: Network) -> dict[str, str]:
    """Name → unit of every column that has one; a network's say theirs by their ending, and others are probabilities.

    A column of disagreement, and a number whose name says nothing, have none: they go with every unit.
    """
    units = dict(VSS_UNITS)
    for name, task in production.tasks.items():
        for column in task.columns(name):
            unit = _ending(column) or (_PROBABILITY if task.read is torch.sigmoid else "")
            units |= {column: unit} if unit else {}
    return units | {column: _ending(column) for column in (RADAR_ASIDE, *measured_by(production.tasks))}


def _ending(column: str) -> str:
    return _BY_ENDING.get(re.split(r"[._]", column)[-1], "")
