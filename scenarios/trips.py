"""When each car drives, how fast, and how far it has come: closed forms of (car, tick).

A car's day is a chain of windows, at its own phase, with a trip and a rest in each. Where a world says when cars are
`leaving`, a window may have no trip, and rests before it, too. A trip is cut into equal legs of at most 25.6 s; speed
runs smoothly from one drawn speed to the next, and some legs have a hard brake in them. Distance is the exact integral.
"""

from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.exposure import TICK_US, RoadName, WorldSpec

_LEG_TICKS = 256
_TICK_S = TICK_US / 1e6
_HOUR, _DAY = 36_000, 864_000  # ticks
_BRAKE_S, _RECOVER_S, _BRAKE_AT = 1.7, 6.0, 0.35  # how long it brakes, how long it takes back, when in the leg
_BRAKES_ABOVE = 8.0  # m/s
_BLOCK = 8192  # trips worked out at once
_TRIP_STRIDE = 1024  # more than a trip has legs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROADS: tuple[RoadName, ...] = get_args(RoadName)
"""Types of road, in the order in which `road_of_trip` counts them."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How one drives on a type of road.

    top_mps: at most, and no faster than the world says in a city where `city`
    slow: the slowest speed between stops, as a share of the top; stops: share of legs that begin at rest
    """

    top_mps: float
    slow: float
    stops: float
    city: bool = False


_PACES: dict[RoadName, _Pace] = {
    "motorway": _Pace(33.0, slow=0.7, stops=0.01),  # 120 km/h; it stops in a jam
    "urban": _Pace(45.0, slow=0.35, stops=0.12, city=True),
    "residential": _Pace(11.0, slow=0.35, stops=0.12, city=True),  # 40 km/h
    "parking_lot": _Pace(4.0, slow=0.35, stops=0.3),  # 15 km/h
}


def road_of_trip(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], trip: Ints) -> Ints:
    """The type of road that each car's trip is on, (n,) int64 into ROADS."""
    edges = np.cumsum([spec.roads.get(road, 0.0) for road in ROADS])
    return np.searchsorted(edges[:-1] / edges[-1], draws.uniform("road type", cars, trip), side="right")


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How n cars move along their own road.

    trip: (n,) int64 number of the window since midnight, with its trip or none
    driving: (n,) bool
    along_m: (n,) float64 from the trip's start; a car that has not left yet stands there
    speed_mps, acceleration_mps2: (n,) float64
    """

    trip: Ints
    driving: NDArray[np.bool_]
    along_m: Floats
    speed_mps: Floats
    acceleration_mps2: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Drives:
    """n trips.

    car: (n,) uint32; trip: (n,) int64; road: (n,) int64 into ROADS
    first_tick, last_tick: (n,) int64, both driven; length_m: (n,) float64
    """

    car: NDArray[np.uint32]
    trip: Ints
    road: Ints
    first_tick: Ints
    last_tick: Ints
    length_m: Floats

    def __len__(self) -> int:
        return len(self.car)

    def at(self, rows: NDArray[Any]) -> "Drives":
        """These trips."""
        return Drives(*(getattr(self, field.name)[rows] for field in fields(self)))


class Trips:
    """The trips of a world's cars."""

    def __init__(self, spec: WorldSpec, draws: Draws) -> None:
        self._spec, self._draws = spec, draws
        self._drive = int(spec.drive_minutes * 60 / _TICK_S)
        self._rest = int(spec.park_minutes * 60 / _TICK_S)
        self._legs = -(-self._drive // _LEG_TICKS)
        self._leg = self._drive / self._legs  # ticks; at rest where the last one ends
        self._leg_s = self._leg * _TICK_S
        paces = [_PACES[road] for road in ROADS]
        self._top = np.array([min(pace.top_mps, spec.top_speed_mps) if pace.city else pace.top_mps for pace in paces])
        self._slow = np.array([pace.slow for pace in paces])
        self._stops = np.array([pace.stops for pace in paces])
        self._brakes = self._chance_of_brake()

    def progress(self, cars: NDArray[np.uint32], ticks: Ints) -> Progress:
        """Cars (n,) and ticks (n,): how they move then."""
        trip, at, driving = self._windows(cars, ticks)
        leg = np.minimum(at / self._leg, self._legs - 1).astype(np.int64)
        share = at / self._leg - leg  # 0..1 of the leg
        one, rows = _each_once(cars, trip)  # m trips: many ask for several ticks of a trip
        road = road_of_trip(self._spec, self._draws, cars[one], trip[one])
        speeds = self._speeds(cars[one], trip[one], road)  # (m, legs + 1)
        dips, falls = self._dips(cars[one], trip[one], road, speeds)  # (m, legs)
        lengths = (speeds[:, :-1] + speeds[:, 1:]) * (0.5 * self._leg_s) - dips * (0.5 * (_BRAKE_S + _RECOVER_S))
        before = np.concatenate([np.zeros((len(one), 1)), np.cumsum(lengths, axis=1)], axis=1)
        start, end, dip, fall = speeds[rows, leg], speeds[rows, leg + 1], dips[rows, leg], falls[rows, leg]
        smooth, area = share**2 * (3.0 - 2.0 * share), share**3 - 0.5 * share**4
        speed = start + (end - start) * smooth
        along = before[rows, leg] + (start * share + (end - start) * area) * self._leg_s
        acceleration = (end - start) * 6.0 * share * (1.0 - share) / self._leg_s
        lost, lost_m, pull = _brake((share - _BRAKE_AT) * self._leg_s, dip, fall)
        moving = driving.astype(np.float64)
        return Progress(trip, driving, along - lost_m, (speed - lost) * moving, (acceleration + pull) * moving)

    def of_first_day(self, cars: NDArray[np.uint32]) -> Drives:
        """Every trip that these cars begin at tick 0 or later and before tick 864,000, by car and trip."""
        window = self._drive + self._rest
        phase = self._draws.integers("trip phase", cars, high=window)[:, None]
        trip = np.arange(_DAY // window + 2)[None]
        begins = trip * window - phase
        there = np.ones(begins.shape, np.bool_)
        if self._spec.leaving is not None:
            there, wait = self._leaves(cars[:, None], trip, phase)
            begins = begins + wait
        row, number = np.nonzero(there & (begins >= 0) & (begins < _DAY))
        car, first = cars[row], begins[row, number]
        last = first + self._drive - 1
        parts = [self.progress(car[i : i + _BLOCK], last[i : i + _BLOCK]).along_m for i in range(0, len(car), _BLOCK)]
        length = np.concatenate(parts) if parts else np.zeros(0)
        return Drives(car, number, road_of_trip(self._spec, self._draws, car, number), first, last, length)

    def arrival(self, drives: Drives, along_m: Floats) -> Ints:
        """The tick at which each of n drives has come so far, (n,) int64; its last one where it never does."""
        low, high = drives.first_tick.copy(), drives.last_tick.copy()
        while (low < high).any():
            middle = (low + high) // 2
            there = self.progress(drives.car, middle).along_m >= along_m
            low, high = np.where(there, low, np.minimum(middle + 1, high)), np.where(there, middle, high)
        return high

    def _leaves(self, cars: NDArray[np.uint32], trip: Ints, phase: Ints) -> tuple[NDArray[np.bool_], Ints]:
        """Whether windows have their trip, and how long they rest before it, ticks; of the broadcast shape."""
        leaves, late, _, _ = self._draws.four("leaving", cars, trip)
        wait = (late * (self._rest + 1)).astype(np.int64)
        hour = np.mod(trip * (self._drive + self._rest) - phase + wait, _DAY) // _HOUR  # in which it would begin
        return leaves < np.array(self._spec.leaving)[hour], wait

    def _windows(self, cars: NDArray[np.uint32], ticks: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Which window each car is in, how many ticks of its trip are over, and whether it is on it."""
        window = self._drive + self._rest
        phase = self._draws.integers("trip phase", cars, high=window)
        trip, within = np.divmod(ticks + phase, window)
        if self._spec.leaving is not None:
            leaves, wait = self._leaves(cars, trip, phase)
            within = within - np.where(leaves, wait, window)  # so late it is none
        at = np.clip(within, 0, self._drive)
        return trip, at, (within >= 0) & (within < self._drive)

    def _speeds(self, cars: NDArray[np.uint32], trip: Ints, road: Ints) -> Floats:
        leg = np.arange(self._legs + 1)
        fast, stops, _, _ = self._draws.four("leg speed", cars[:, None], trip[:, None] * _TRIP_STRIDE + leg)
        top, slow, rare = (each[road][:, None] for each in (self._top, self._slow, self._stops))
        speeds = top * (slow + (1.0 - slow) * fast) * (stops > rare)
        speeds[:, 0] = speeds[:, -1] = 0.0
        return speeds

    def _chance_of_brake(self) -> Floats:
        """For each type of road, of a leg that is fast at both ends: so that all legs together have what is said."""
        fast = 1.0 - (_BRAKES_ABOVE / self._top - self._slow) / (1.0 - self._slow)
        both = (np.clip(fast, 0.0, 1.0) * (1.0 - self._stops)) ** 2 * (self._legs - 2)
        wanted = self._spec.hard_brakes_per_hour * self._drive * _TICK_S / 3600.0
        return np.asarray(np.minimum(wanted / np.maximum(both, 1e-9), 1.0))

    def _dips(self, cars: NDArray[np.uint32], trip: Ints, road: Ints, speeds: Floats) -> tuple[Floats, Floats]:
        """Speed lost in each leg's hard brake (0 = none), m/s, and how hard it brakes, m/s^2."""
        leg = np.arange(self._legs)
        rare, depth, _, _ = self._draws.four("hard brake", cars[:, None], trip[:, None] * _TRIP_STRIDE + leg)
        slower = np.minimum(speeds[:, :-1], speeds[:, 1:])
        brakes = (rare < self._brakes[road][:, None]) & (slower > _BRAKES_ABOVE)
        dip = np.where(brakes, np.minimum(8.5 + 4.0 * depth, 0.95 * slower), 0.0)
        return dip, dip / _BRAKE_S


def _each_once(cars: NDArray[np.uint32], trip: Ints) -> tuple[Ints, Ints]:
    """A row of every trip among n, and which of these each of the n rows is."""
    _, one, rows = np.unique((cars.astype(np.int64) << 32) + trip, return_index=True, return_inverse=True)
    return one, rows


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
