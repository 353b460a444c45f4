"""What importers hand over, in their log's own frame, and how it becomes a neutral `Drive`."""

import pickle
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scenarios.errors import CorruptDrive
from scenarios.recorded.drive import Agents, Drive, Floats, Line, RoadMap
from scenarios.recorded.kinds import kind_numbers
from scenarios.recorded.smoothing import agent_motion, ego_motion

NOWHERE = (48.1372, 11.5755)
"""Latitude and longitude given to logs that do not say where they were recorded; `Drive.georeferenced` is false."""

KEPT_M = 250.0
"""Map features farther than this from the ego's whole path are dropped."""

LEAP_M = 10_000.0
"""Farthest that two neighbouring points of a map's line may be apart."""

_BROKEN = (
    ValueError,  # also UnicodeDecodeError and JSONDecodeError
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    RecursionError,
    ImportError,
    pa.ArrowException,
    pickle.UnpicklingError,
    ET.ParseError,
)
"""What the readers of foreign bytes raise when these are rubbish."""


@contextmanager
def reading(file: Path, expected: str) -> Iterator[None]:
    """Turns whatever goes wrong while reading into a CorruptDrive that names the file and what was expected in it."""
    try:
        with np.errstate(all="ignore"):  # what overflows is refused by `neutral`
            yield
    except _BROKEN as error:
        problem = f"missing {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise CorruptDrive(file, problem.splitlines()[0], expected) from error


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """A tracked things at T moments, in the log's frame.

    ids, kinds: A names; kinds out of KIND_NAMES
    size_m: (A, 3) length, width, height
    clearance_m: (A,) from the road beneath to the bottom
    middle_m: (T, A, 3) x, y of the box's middle and z of its underside
    yaw_rad: (T, A)
    valid: (T, A) bool
    """

    ids: tuple[str, ...]
    kinds: list[str]
    size_m: Floats
    clearance_m: Floats
    middle_m: Floats
    yaw_rad: Floats
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A log as an importer read it, in the log's frame.

    timestamps_us: (T,) int64, any zero
    ego_m: (T, 3) the road under the ego's reference point
    yaw_rad: (T,); up: (T, 3) unit normals of the ego's floor
    origin: latitude and longitude of the log frame's zero, where known
    """

    name: str
    source: str
    timestamps_us: NDArray[np.int64]
    ego_m: Floats
    yaw_rad: Floats
    up: Floats
    tracks: Tracks
    roads: RoadMap = field(default_factory=RoadMap)
    origin: tuple[float, float] | None = None
    is_night: bool | None = None
    weather: str | None = None


def level(moments: int) -> Floats:
    """(T, 3) normals of a floor without slope."""
    return np.tile(np.array([0.0, 0.0, 1.0]), (moments, 1))


def pack(
    when: NDArray[np.int64], who: NDArray[np.int64], moments: int, agents: int, columns: Sequence[Floats]
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """R rows of (moment, agent, value...) as (T, A) arrays, 0 where there is no row, and where there was one.

    when, who: (R,) indices; a later row of the same moment and agent wins
    """
    valid = np.zeros((moments, agents), bool)
    valid[when, who] = True
    packed = []
    for column in columns:
        table = np.zeros((moments, agents))
        table[when, who] = column
        packed.append(table)
    return packed, valid


def neutral(log: Recording) -> Drive:
    """The drive in its own frame, smoothed. ValueError where the log's numbers cannot be right."""
    _check(log)
    stamps = np.asarray(log.timestamps_us - log.timestamps_us[0], np.int64)
    times_s = stamps / 1e6
    start = log.ego_m[0]
    ego = log.ego_m - start
    speed, acceleration, rate = ego_motion(times_s, ego[:, 0], ego[:, 1], log.yaw_rad)
    latitude, longitude = log.origin or NOWHERE
    drive = Drive(
        name=log.name,
        source=log.source,
        timestamps_us=stamps,
        x_m=ego[:, 0].copy(),
        y_m=ego[:, 1].copy(),
        z_m=ego[:, 2].copy(),
        yaw_rad=_wrapped(log.yaw_rad),
        up=log.up,
        speed_mps=speed,
        acceleration_mps2=acceleration,
        yaw_rate_rps=rate,
        agents=_agents(log.tracks, start, times_s),
        roads=_near(_moved(log.roads, start[:2]), ego[:, :2]),
        latitude=latitude,
        longitude=longitude,
        georeferenced=log.origin is not None,
        is_night=log.is_night,
        weather=log.weather,
    )
    if log.origin is None:
        return drive
    north, east = drive.geographic(start[0], start[1])
    return replace(drive, latitude=float(north), longitude=float(east))


def _check(log: Recording) -> None:
    if len(log.timestamps_us) < 2:
        raise ValueError(f"only {len(log.timestamps_us)} moments with an ego pose")
    if np.any(np.diff(log.timestamps_us) <= 0):
        raise ValueError("timestamps do not ascend")
    tracks = log.tracks
    there = tracks.valid
    numbers = (log.ego_m, log.yaw_rad, log.up, tracks.size_m, tracks.middle_m[there], tracks.yaw_rad[there])
    if not all(np.isfinite(values).all() and np.all(np.abs(values) < 1e9) for values in numbers):
        raise ValueError("numbers that are not finite, or beyond a million kilometres")
    if np.any(tracks.size_m <= 0):
        raise ValueError("a box without length, width or height")


def _wrapped(angle: Floats) -> Floats:
    return np.pi - np.remainder(np.pi - angle, 2 * np.pi)


def _agents(tracks: Tracks, start: Floats, times_s: Floats) -> Agents:
    seen = np.flatnonzero(tracks.valid.any(axis=0))
    valid = tracks.valid[:, seen]
    middle = np.where(valid[..., None], tracks.middle_m[:, seen] - start, 0.0)
    x, y, z = (np.ascontiguousarray(middle[..., axis]) for axis in range(3))
    speed, acceleration = agent_motion(times_s, x, y, valid)
    length, width, height = tracks.size_m[seen].T.copy()
    return Agents(
        ids=tuple(tracks.ids[agent] for agent in seen),
        kind=kind_numbers([tracks.kinds[agent] for agent in seen]),
        length_m=length,
        width_m=width,
        height_m=height,
        clearance_m=tracks.clearance_m[seen],
        x_m=x,
        y_m=y,
        z_bottom_m=z,
        yaw_rad=np.where(valid, _wrapped(tracks.yaw_rad[:, seen]), 0.0),
        speed_mps=speed,
        acceleration_mps2=acceleration,
        valid=valid,
    )


def _moved(roads: RoadMap, start: Floats) -> RoadMap:
    return RoadMap(
        lanes=tuple(lane - start for lane in roads.lanes),
        lines=tuple(replace(line, points=line.points - start) for line in roads.lines),
        crosswalks=tuple(ring - start for ring in roads.crosswalks),
        drivable=tuple(tuple(ring - start for ring in area) for area in roads.drivable),
    )


def _near(roads: RoadMap, path: Floats) -> RoadMap:
    low, high = path.min(0) - KEPT_M, path.max(0) + KEPT_M

    def near(line: Line) -> bool:
        return len(line) > 1 and bool(np.all((line.max(0) >= low) & (line.min(0) <= high)))

    return RoadMap(
        lanes=tuple(filter(near, roads.lanes)),
        lines=tuple(line for line in roads.lines if near(line.points)),
        crosswalks=tuple(filter(near, roads.crosswalks)),
        drivable=tuple(kept for area in roads.drivable if (kept := tuple(filter(near, area)))),
    )


def map_line(points: object) -> Line:
    """A line or ring of a map as (P, 2); ValueError where it has no length, is not finite or leaps over the horizon."""
    line = np.asarray(points, np.float64)
    if line.ndim != 2 or len(line) < 2 or line.shape[1] < 2:
        raise ValueError("a line of the map with fewer than two points")
    flat = line[:, :2].copy()
    if not np.all(np.abs(flat) < 1e9) or np.abs(np.diff(flat, axis=0)).max() > LEAP_M:
        raise ValueError(f"a line of the map with points that are not finite or over {LEAP_M:.0f} m apart")
    return flat


def middle_line(left: Line, right: Line) -> Line:
    """Halfway between two borders of a lane, which may have different numbers of points."""
    count = max(len(left), len(right), 2)
    return (_resampled(left, count) + _resampled(right, count)) / 2


def _resampled(line: Line, count: int) -> Line:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)


def strip(middle: Line, width_m: float) -> Line:
    """The ring around a lane that is known by its middle only."""
    along = np.gradient(middle, axis=0)
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) / length * (width_m / 2)
    return np.concatenate([middle + aside, (middle - aside)[::-1]])
