"""How cars move, as their own sensors tell it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.exposure import WorldSpec
from scenarios.roads import curvature_at
from scenarios.trips import Floats, Progress

_DEGREE_M = 111_320.0
_TURN_BACK_M = 4_000.0
_CITY_M = 7_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """n cars; float64 unless said otherwise.

    x_m, y_m: east and north in the world's own plane
    latitude, longitude, heading_deg: degrees; heading clockwise from north
    speed_mps, acceleration_mps2, lateral_mps2: lateral is left positive
    yaw_rate_dps: degrees per second, left positive
    odometer_m: since the trip began
    driving: (n,) bool
    """

    x_m: Floats
    y_m: Floats
    latitude: Floats
    longitude: Floats
    heading_deg: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    lateral_mps2: Floats
    yaw_rate_dps: Floats
    odometer_m: Floats
    driving: NDArray[np.bool_]


def motion_of(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], progress: Progress) -> Motion:
    """Motion of n cars on a city map: a trip leads out along a bearing and back again."""
    radius, around, bearing, _ = draws.four("trip place", cars, progress.trip)
    bend, phase, _, _ = draws.four("road shape", cars, progress.trip)
    out = _TURN_BACK_M - np.abs(np.mod(progress.along_m, 2.0 * _TURN_BACK_M) - _TURN_BACK_M)
    returning = np.mod(progress.along_m, 2.0 * _TURN_BACK_M) > _TURN_BACK_M
    angle = 2.0 * np.pi * bearing
    middle = _CITY_M * np.sqrt(radius)
    x = middle * np.cos(2.0 * np.pi * around) + out * np.sin(angle)
    y = middle * np.sin(2.0 * np.pi * around) + out * np.cos(angle)
    rate = progress.speed_mps * curvature_at(bend, phase, progress.along_m)
    return Motion(
        x_m=x,
        y_m=y,
        latitude=spec.latitude + y / _DEGREE_M,
        longitude=spec.longitude + x / (_DEGREE_M * np.cos(np.radians(spec.latitude))),
        heading_deg=np.mod(np.degrees(angle) + 180.0 * returning, 360.0),
        speed_mps=progress.speed_mps,
        acceleration_mps2=progress.acceleration_mps2,
        lateral_mps2=progress.speed_mps * rate,
        yaw_rate_dps=np.degrees(rate),
        odometer_m=progress.along_m,
        driving=progress.driving,
    )
