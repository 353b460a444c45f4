"""When each car drives, how fast, and how far it has come: closed forms of (car, tick).

A car's day is a chain of trips with a rest after each, at its own phase. A trip is cut into legs of 25.6 s; speed runs
smoothly from one drawn speed to the next, and some legs have a hard brake in them. Distance is the exact integral.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.exposure import TICK_US, WorldSpec

LEG_TICKS = 256
_TICK_S = TICK_US / 1e6
_LEG_S = LEG_TICKS * _TICK_S
_BRAKE_S, _RECOVER_S, _BRAKE_AT = 1.7, 6.0, 0.35  # how long it brakes, how long it takes back, when in the leg
_TRIP_STRIDE = 1024  # more than a trip has legs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How n cars move along their own road.

    trip: (n,) int64 number of the trip since midnight, or of the one before a rest
    driving: (n,) bool
    along_m: (n,) float64 from the trip's start
    speed_mps, acceleration_mps2: (n,) float64
    """

    trip: Ints
    driving: NDArray[np.bool_]
    along_m: Floats
    speed_mps: Floats
    acceleration_mps2: Floats


class Trips:
    """The trips of a world's cars."""

    def __init__(self, spec: WorldSpec, draws: Draws) -> None:
        self._spec, self._draws = spec, draws
        self._drive = int(spec.drive_minutes * 60 / _TICK_S)
        self._cycle = self._drive + int(spec.park_minutes * 60 / _TICK_S)
        self._legs = -(-self._drive // LEG_TICKS)

    def progress(self, cars: NDArray[np.uint32], ticks: Ints) -> Progress:
        """Cars (n,) and ticks (n,): how they move then."""
        phase = self._draws.integers("trip phase", cars, high=self._cycle)
        trip, within = np.divmod(ticks + phase, self._cycle)
        driving = within < self._drive
        at = np.minimum(within, self._drive)
        leg = np.minimum(at // LEG_TICKS, self._legs - 1)
        share = (at - leg * LEG_TICKS) / LEG_TICKS  # 0..1 of the leg; the last one may be cut short
        speeds = self._speeds(cars, trip)  # (n, legs + 1)
        dips, falls = self._dips(cars, trip, speeds)  # (n, legs)
        lengths = (speeds[:, :-1] + speeds[:, 1:]) * (0.5 * _LEG_S) - dips * (0.5 * (_BRAKE_S + _RECOVER_S))
        before = np.concatenate([np.zeros((len(cars), 1)), np.cumsum(lengths, axis=1)], axis=1)
        rows = np.arange(len(cars))
        start, end, dip, fall = speeds[rows, leg], speeds[rows, leg + 1], dips[rows, leg], falls[rows, leg]
        smooth, area = share**2 * (3.0 - 2.0 * share), share**3 - 0.5 * share**4
        speed = start + (end - start) * smooth
        along = before[rows, leg] + (start * share + (end - start) * area) * _LEG_S
        acceleration = (end - start) * 6.0 * share * (1.0 - share) / _LEG_S
        lost, lost_m, pull = _brake(share * _LEG_S - _BRAKE_AT * _LEG_S, dip, fall)
        moving = driving.astype(np.float64)
        return Progress(trip, driving, along - lost_m, (speed - lost) * moving, (acceleration + pull) * moving)

    def _speeds(self, cars: NDArray[np.uint32], trip: Ints) -> Floats:
        leg = np.arange(self._legs + 1)
        fast, stops, _, _ = self._draws.four("leg speed", cars[:, None], trip[:, None] * _TRIP_STRIDE + leg)
        speeds = self._spec.top_speed_mps * (0.35 + 0.65 * fast) * (stops > 0.12)
        speeds[:, 0] = speeds[:, -1] = 0.0
        return speeds

    def _dips(self, cars: NDArray[np.uint32], trip: Ints, speeds: Floats) -> tuple[Floats, Floats]:
        """Speed lost in each leg's hard brake (0 = none), m/s, and how hard it brakes, m/s^2."""
        leg = np.arange(self._legs)
        rare, depth, _, _ = self._draws.four("hard brake", cars[:, None], trip[:, None] * _TRIP_STRIDE + leg)
        slower = np.minimum(speeds[:, :-1], speeds[:, 1:])
        wanted = self._spec.hard_brakes_per_hour * _LEG_S / 3600.0
        dip = np.where((rare < wanted) & (slower > 8.0), np.minimum(8.5 + 4.0 * depth, 0.95 * slower), 0.0)
        return dip, dip / _BRAKE_S


def _brake(since_s: Floats, dip: Floats, fall: Floats) -> tuple[Floats, Floats, Floats]:
    """Speed lost, distance lost and acceleration of a brake begun `since_s` ago: down in a line, back in a line."""
    down = np.clip(since_s, 0.0, _BRAKE_S)
    back = np.clip(since_s - _BRAKE_S, 0.0, _RECOVER_S)
    rise = dip / _RECOVER_S
    lost = fall * down - rise * back
    lost_m = 0.5 * fall * down**2 + (dip * back - 0.5 * rise * back**2)
    braking = (since_s >= 0.0) & (since_s < _BRAKE_S)
    recovering = (since_s >= _BRAKE_S) & (since_s < _BRAKE_S + _RECOVER_S)
    return lost, lost_m, np.where(braking, -fall, np.where(recovering, rise, 0.0))
