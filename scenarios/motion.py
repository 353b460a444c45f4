"""How cars move, as their own sensors tell it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import roads
from scenarios.draws import Draws
from scenarios.exposure import WorldSpec
from scenarios.trips import Floats, Progress

_DEGREE_M = 111_320.0
_TURN_BACK_M = 4_000.0
_TURN_M = 600.0  # of road that a turn back takes, in half a circle
_CITY_M = 7_000.0
_ENGAGED_SHARE, _STRETCH_M, _MOST_STRETCHES = 0.3, 2_000.0, 1024  # drivers decide anew every so many metres


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """n cars; float64 unless said otherwise.

    x_m, y_m: east and north in the world's own plane
    latitude, longitude, heading_deg: degrees; heading clockwise from north
    speed_mps, acceleration_mps2, lateral_mps2, vertical_mps2: lateral is left positive, vertical is up, less gravity
    yaw_rate_dps, pitch_rate_dps: degrees per second, left and nose up positive
    odometer_m: since the trip began
    driving: (n,) bool
    engaged: (n,) bool, whether the driver has asked the car to drive itself
    """

    x_m: Floats
    y_m: Floats
    latitude: Floats
    longitude: Floats
    heading_deg: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    lateral_mps2: Floats
    vertical_mps2: Floats
    yaw_rate_dps: Floats
    pitch_rate_dps: Floats
    odometer_m: Floats
    driving: NDArray[np.bool_]
    engaged: NDArray[np.bool_]


def motion_of(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], progress: Progress) -> Motion:
    """Motion of n cars on a city map: a trip leads out along a bearing and back again."""
    radius, around, bearing, _ = draws.four("trip place", cars, progress.trip)
    bend, phase, _, _ = draws.four("road shape", cars, progress.trip)
    out, left, turned = _lap(progress.along_m)
    angle = 2.0 * np.pi * bearing
    middle = _CITY_M * np.sqrt(radius)
    x = middle * np.cos(2.0 * np.pi * around) + out * np.sin(angle) - left * np.cos(angle)
    y = middle * np.sin(2.0 * np.pi * around) + out * np.cos(angle) + left * np.sin(angle)
    rate = progress.speed_mps * roads.curvature_at(bend, phase, progress.along_m)
    stretch = np.floor(progress.along_m / _STRETCH_M).astype(np.int64)
    steeper = roads.slope_change(spec, draws, cars, progress)
    asked = draws.uniform("engaged", cars, progress.trip * _MOST_STRETCHES + stretch) < _ENGAGED_SHARE
    return Motion(
        x_m=x,
        y_m=y,
        latitude=spec.latitude + y / _DEGREE_M,
        longitude=spec.longitude + x / (_DEGREE_M * np.cos(np.radians(spec.latitude))),
        heading_deg=np.mod(np.degrees(angle - turned), 360.0),
        speed_mps=progress.speed_mps,
        acceleration_mps2=progress.acceleration_mps2,
        lateral_mps2=progress.speed_mps * rate,
        vertical_mps2=progress.speed_mps**2 * steeper,
        yaw_rate_dps=np.degrees(rate),
        pitch_rate_dps=np.degrees(progress.speed_mps * steeper),
        odometer_m=progress.along_m,
        driving=progress.driving,
        engaged=asked & progress.driving,
    )


def _lap(along_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Where a car is on its lap: m out along the bearing and m left of it, and how far it has turned left, rad.

    Straight out, half a circle, straight back beside the way out, half a circle.
    """
    lap = np.mod(along_m, 2.0 * (_TURN_BACK_M + _TURN_M))
    radius = _TURN_M / np.pi
    first = np.clip((lap - _TURN_BACK_M) / radius, 0.0, np.pi)
    second = np.clip((lap - 2.0 * _TURN_BACK_M - _TURN_M) / radius, 0.0, np.pi)
    back = np.clip(lap - _TURN_BACK_M - _TURN_M, 0.0, _TURN_BACK_M)
    out = np.minimum(lap, _TURN_BACK_M) - back + radius * (np.sin(first) - np.sin(second))
    left = radius * (np.cos(second) - np.cos(first))
    return out, left, first + second
