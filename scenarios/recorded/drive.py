"""One recorded drive in one neutral form, whatever format it came in."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.kinds import KIND_NAMES

Floats = NDArray[np.float64]
Line = NDArray[np.float64]
"""A polyline or a ring: (P, 2) float64, east and north in metres."""

_EARTH_M = 6_378_137.0
_EVERY = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class RoadLine:
    """A painted line.

    points: (P, 2) m
    style: solid or dashed
    colour: white or yellow
    """

    points: Line
    style: Literal["solid", "dashed"] = "solid"
    colour: Literal["white", "yellow"] = "white"


@dataclass(frozen=True, slots=True, eq=False)
class RoadMap:
    """The road around a drive, in the drive's frame, metres.

    lanes: middles of lanes for motor traffic, in the direction of travel
    lines: painted lines
    crosswalks: rings
    drivable: areas; an area is rings, and what lies inside an odd number of its rings belongs to it
    """

    lanes: tuple[Line, ...] = ()
    lines: tuple[RoadLine, ...] = ()
    crosswalks: tuple[Line, ...] = ()
    drivable: tuple[tuple[Line, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Agents:
    """Everything tracked but the ego: A agents at the T moments of a drive.

    ids: A names from the log
    kind: (A,) uint8, index into KIND_NAMES
    length_m, width_m, height_m: (A,) float64, whole sizes
    clearance_m: (A,) float64, from the road beneath it to its bottom: 0 but for signs on posts
    x_m, y_m: (T, A) float64, the box's middle; 0 where not valid
    z_bottom_m: (T, A) float64, its underside, above the road at the drive's start
    yaw_rad: (T, A) float64, counter-clockwise from east, along the length
    speed_mps, acceleration_mps2: (T, A) float64, smoothed over more than a second
    valid: (T, A) bool, whether the log has it then
    """

    ids: tuple[str, ...]
    kind: NDArray[np.uint8]
    length_m: Floats
    width_m: Floats
    height_m: Floats
    clearance_m: Floats
    x_m: Floats
    y_m: Floats
    z_bottom_m: Floats
    yaw_rad: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kind of each agent in words."""
        return tuple(KIND_NAMES[number] for number in self.kind)


@dataclass(frozen=True, slots=True, eq=False)
class DriveState:
    """A drive at n moments: the ego's fields (n,), the agents' (n, A); as in Drive and Agents."""

    t_us: NDArray[np.int64]
    x_m: Floats
    y_m: Floats
    z_m: Floats
    yaw_rad: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    yaw_rate_rps: Floats
    agent_x_m: Floats
    agent_y_m: Floats
    agent_z_bottom_m: Floats
    agent_yaw_rad: Floats
    agent_valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Where n moments lie between logged ones.

    before: (n,) int64, the logged moment at or before; never the last one
    share: (n,) float64 in [0, 1], how far on the way to the next
    """

    before: NDArray[np.int64]
    share: Floats

    def linear(self, values: Floats, columns: NDArray[np.int64] | slice = _EVERY) -> Floats:
        """(T,) or (T, A) values at the moments: (n,) or (n, A), or (n, k) of the given (n, k) columns."""
        low, high, share = self._around(values, columns)
        return low + (high - low) * share

    def angle(self, values: Floats, columns: NDArray[np.int64] | slice = _EVERY) -> Floats:
        """Angles at the moments, turned the shorter way, in (-pi, pi]."""
        low, high, share = self._around(values, columns)
        turn = np.remainder(high - low + math.pi, 2 * math.pi) - math.pi
        return math.pi - np.remainder(math.pi - (low + turn * share), 2 * math.pi)

    def both(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(T, A) to (n, A): valid on both sides, or on a logged moment itself."""
        low, high, share = valid[self.before], valid[self.before + 1], self.share[:, None]
        return np.asarray((low | (share == 1)) & (high | (share == 0)), np.bool_)

    def _around(self, values: Floats, columns: NDArray[np.int64] | slice) -> tuple[Floats, Floats, Floats]:
        if values.ndim == 1:
            return values[self.before], values[self.before + 1], self.share
        rows = self.before[:, None] if isinstance(columns, np.ndarray) else self.before
        return values[rows, columns], values[rows + 1, columns], self.share[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """A recorded drive of T moments, in a flat frame: x east, y north, z up, metres.

    The frame's origin is the ego's first place, z = 0 the road under it there. The ego's pose is the log's own
    reference point (a format's importer says which), put down on the road.

    name: from the log
    source: the format, a key of `open_drives.FORMATS`
    timestamps_us: (T,) int64, ascending from 0; T at least 2
    x_m, y_m, z_m: (T,) float64, the road under the ego
    yaw_rad: (T,) float64, counter-clockwise from east
    up: (T, 3) float64, unit normal of the ego's own floor, which is the road's; (0, 0, 1) where a log does not say
    speed_mps, acceleration_mps2, yaw_rate_rps: (T,) float64, smoothed; speed is negative in reverse
    agents: everything else that was tracked; never the ego
    roads: the map
    latitude, longitude: of the frame's origin, degrees; a stated default where `georeferenced` is false
    is_night, weather: where the log says so, else None
    """

    name: str
    source: str
    timestamps_us: NDArray[np.int64]
    x_m: Floats
    y_m: Floats
    z_m: Floats
    yaw_rad: Floats
    up: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    yaw_rate_rps: Floats
    agents: Agents
    roads: RoadMap = field(default_factory=RoadMap)
    latitude: float = 0.0
    longitude: float = 0.0
    georeferenced: bool = False
    is_night: bool | None = None
    weather: str | None = None

    @property
    def duration_us(self) -> int:
        """From the first logged moment to the last."""
        return int(self.timestamps_us[-1])

    def blend(self, t_us: NDArray[np.int64]) -> Blend:
        """Where moments (n,) lie in the log; moments outside it become its first or last."""
        stamps = self.timestamps_us
        within = np.clip(np.asarray(t_us, np.int64), 0, stamps[-1])
        before = np.clip(np.searchsorted(stamps, within, side="right") - 1, 0, len(stamps) - 2)
        return Blend(before, (within - stamps[before]) / (stamps[before + 1] - stamps[before]))

    def at(self, t_us: NDArray[np.int64]) -> DriveState:
        """The drive at moments (n,) in microseconds since its start: places on a line, yaw the shorter way round."""
        blend, agents = self.blend(t_us), self.agents
        valid = blend.both(agents.valid)
        return DriveState(
            t_us=np.clip(np.asarray(t_us, np.int64), 0, self.timestamps_us[-1]),
            x_m=blend.linear(self.x_m),
            y_m=blend.linear(self.y_m),
            z_m=blend.linear(self.z_m),
            yaw_rad=blend.angle(self.yaw_rad),
            speed_mps=blend.linear(self.speed_mps),
            acceleration_mps2=blend.linear(self.acceleration_mps2),
            yaw_rate_rps=blend.linear(self.yaw_rate_rps),
            agent_x_m=np.where(valid, blend.linear(agents.x_m), 0.0),
            agent_y_m=np.where(valid, blend.linear(agents.y_m), 0.0),
            agent_z_bottom_m=np.where(valid, blend.linear(agents.z_bottom_m), 0.0),
            agent_yaw_rad=np.where(valid, blend.angle(agents.yaw_rad), 0.0),
            agent_valid=valid,
        )

    def geographic(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """Latitude and longitude in degrees of places in the drive's frame, on a tangent plane."""
        north = self.latitude + np.degrees(np.asarray(y_m, np.float64) / _EARTH_M)
        east = np.degrees(np.asarray(x_m, np.float64) / (_EARTH_M * math.cos(math.radians(self.latitude))))
        return north, self.longitude + east
