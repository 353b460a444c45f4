"""Argoverse 2: sensor logs (a folder of feather files) and motion forecasting scenarios (a parquet file).

Boxes of a sensor log stand in the ego's frame at the moment of the sweep, the ego in its city. The ego's frame has its
origin on the rear axle, x forward, y left, z up; the axle is about a third of a metre above the road.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
from numpy.typing import NDArray

from scenarios.recorded.argoverse2_maps import CITY_CODE, CITY_ORIGIN, GroundHeight, read_ground, read_map
from scenarios.recorded.drive import Drive, Floats, RoadMap
from scenarios.recorded.kinds import ARGOVERSE, ARGOVERSE_MOTION, USUAL_SIZE, kind_of
from scenarios.recorded.recording import Recording, Tracks, level, neutral, pack, reading

AXLE_HEIGHT_M = 0.33
"""Of the frame's origin above the road, where no ground raster says more."""

SLACK_NS = 200_000_000
"""How far the boxes may reach beyond the ego's poses."""

_POSE = ("timestamp_ns", "qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
_BOX = ("timestamp_ns", "track_uuid", "category", "length_m", "width_m", "height_m", *_POSE[1:])
_MOTION = ("track_id", "object_type", "timestep", "position_x", "position_y", "heading", "scenario_id", "city")

Column = NDArray[np.generic]


def read_sensor_log(folder: Path) -> Drive:
    """A sensor log: poses, annotations and, where there, map and ground heights. CorruptDrive names the bad file."""
    poses_file = folder / "city_SE3_egovehicle.feather"
    with reading(poses_file, f"an Arrow feather file with columns {', '.join(_POSE)}"):
        poses = _columns(pa.feather.read_table(poses_file), _POSE)
    boxes_file = next(iter(sorted(folder.glob("annotations*.feather"))), folder / "annotations.feather")
    with reading(boxes_file, f"an Arrow feather file with columns {', '.join(_BOX)}"):
        boxes = _columns(pa.feather.read_table(boxes_file), _BOX)
    maps = sorted((folder / "map").glob("log_map_archive_*.json"))
    ground = read_ground(folder / "map")
    roads = read_map(maps[0]) if maps else RoadMap()
    with reading(boxes_file, "boxes at the moments of the ego's poses, in finite numbers"):
        return neutral(
            replace(_sensor_recording(poses, boxes, ground), name=folder.name, roads=roads, origin=_city(maps))
        )


def _sensor_recording(poses: dict[str, Column], boxes: dict[str, Column], ground: GroundHeight | None) -> Recording:
    stamps, when = np.unique(boxes["timestamp_ns"].astype(np.int64), return_inverse=True)
    place, turn = _poses_at(stamps, poses)
    up = turn[:, :, 2]
    return Recording(
        name="",
        source="argoverse2-sensor",
        timestamps_us=stamps // 1000,
        ego_m=place - up * _axle_height(place, ground),
        yaw_rad=np.arctan2(turn[:, 1, 0], turn[:, 0, 0]),
        up=up,
        tracks=_sensor_tracks(boxes, when, place, turn, ground),
    )


def _axle_height(place: Floats, ground: GroundHeight | None) -> float:
    if ground is None:
        return AXLE_HEIGHT_M
    height = place[:, 2] - ground.at(place[:, :2])
    known = height[np.isfinite(height)]
    return float(np.median(known)) if len(known) else AXLE_HEIGHT_M


def _sensor_tracks(
    boxes: dict[str, Column], when: NDArray[np.int64], place: Floats, turn: Floats, ground: GroundHeight | None
) -> Tracks:
    boxes, when = _without_ego(boxes, when)
    ids, first, who = np.unique(boxes["track_uuid"].astype(str), return_index=True, return_inverse=True)
    size = np.stack([boxes[side].astype(np.float64) for side in ("length_m", "width_m", "height_m")], axis=1)
    local = np.stack([boxes[axis].astype(np.float64) for axis in ("tx_m", "ty_m", "tz_m")], axis=1)
    under = local - size[:, 2:] / 2 * np.array([0.0, 0.0, 1.0])
    middle = np.einsum("rij,rj->ri", turn[when], local) + place[when]
    bottom = np.einsum("rij,rj->ri", turn[when], under) + place[when]
    ahead = np.einsum("rij,rj->ri", turn[when], rotations(boxes)[:, :, 0])
    columns = [middle[:, 0], middle[:, 1], bottom[:, 2], np.arctan2(ahead[:, 1], ahead[:, 0])]
    packed, valid = pack(when, who, len(place), len(ids), columns)
    kinds = [kind_of(str(boxes["category"][row]), ARGOVERSE) for row in first]
    return Tracks(
        ids=tuple(str(name) for name in ids),
        kinds=kinds,
        size_m=size[first],
        clearance_m=_sign_clearance(kinds, who, bottom, ground),
        middle_m=np.stack(packed[:3], axis=-1),
        yaw_rad=packed[3],
        valid=valid,
    )


def _without_ego(boxes: dict[str, Column], when: NDArray[np.int64]) -> tuple[dict[str, Column], NDArray[np.int64]]:
    others = boxes["category"] != "EGO_VEHICLE"
    return {name: column[others] for name, column in boxes.items()}, when[others]


def _sign_clearance(kinds: list[str], who: NDArray[np.int64], bottom: Floats, ground: GroundHeight | None) -> Floats:
    clearance = np.zeros(len(kinds))
    if ground is None:
        return clearance
    above = bottom[:, 2] - ground.at(bottom[:, :2])
    for agent, kind in enumerate(kinds):
        known = above[(who == agent) & np.isfinite(above)] if kind == "sign" else above[:0]
        clearance[agent] = max(0.0, float(np.median(known))) if len(known) else 0.0
    return clearance


def _poses_at(stamps: NDArray[np.int64], poses: dict[str, Column]) -> tuple[Floats, Floats]:
    """Places (T, 3) and rotations (T, 3, 3) at stamps (T,), between the logged poses."""
    known, first = np.unique(poses["timestamp_ns"].astype(np.int64), return_index=True)
    if len(known) < 2 or len(stamps) == 0:
        raise ValueError("no poses or no boxes")
    if stamps[0] < known[0] - SLACK_NS or stamps[-1] > known[-1] + SLACK_NS:
        raise ValueError("boxes from a time without ego poses")
    since = (stamps - known[0]).astype(np.float64)
    logged = (known - known[0]).astype(np.float64)
    place = np.stack([np.interp(since, logged, poses[axis][first].astype(np.float64)) for axis in _POSE[5:]], axis=1)
    four = np.stack([poses[part][first].astype(np.float64) for part in _POSE[1:5]], axis=1)
    after = np.clip(np.searchsorted(logged, since), 1, len(logged) - 1)
    share = np.clip((since - logged[after - 1]) / (logged[after] - logged[after - 1]), 0.0, 1.0)[:, None]
    low, high = four[after - 1], four[after]
    same_way = np.where((low * high).sum(1, keepdims=True) < 0, -1.0, 1.0)
    return place, _matrices(low * (1 - share) + high * same_way * share)


def rotations(rows: Mapping[str, Column]) -> Floats:
    """Columns qw, qx, qy, qz of R rows as (R, 3, 3); ValueError for one that is none."""
    return _matrices(np.stack([rows[part].astype(np.float64) for part in _POSE[1:5]], axis=1))


def _matrices(quaternions: Floats) -> Floats:
    """(R, 4) w, x, y, z of any length but zero: (R, 3, 3)."""
    length = np.linalg.norm(quaternions, axis=1, keepdims=True)
    if not np.all(length > 1e-6):
        raise ValueError("a rotation that is none")
    w, x, y, z = (quaternions / length).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows, np.float64).transpose(2, 0, 1)


def _city(maps: list[Path]) -> tuple[float, float] | None:
    found = re.search(r"____([A-Z]{3})_city_", maps[0].name) if maps else None
    return CITY_ORIGIN.get(found[1]) if found else None


def _columns(table: pa.Table, names: tuple[str, ...]) -> dict[str, Column]:
    for name in names:
        table.column(name).validate(full=True)  # a bad offset would be read outside the file
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in names}


def read_motion_scenario(file: Path) -> Drive:
    """A motion forecasting parquet, with the map JSON beside it if there: 10 Hz, no sizes, no heights. CorruptDrive."""
    with reading(file, f"a parquet file with columns {', '.join(_MOTION)}"):
        rows = _columns(pa.parquet.read_table(file), _MOTION)
    maps = sorted(file.parent.glob("log_map_archive_*.json"))
    roads = read_map(maps[0]) if maps else RoadMap()
    with reading(file, "rows of a scenario with the recording car as track AV"):
        return neutral(_motion_recording(rows, roads))


def _motion_recording(rows: dict[str, Column], roads: RoadMap) -> Recording:
    ids, first, who = np.unique(rows["track_id"].astype(str), return_index=True, return_inverse=True)
    if "AV" not in ids:
        raise ValueError("no track AV")
    own = int(np.flatnonzero(ids == "AV")[0])
    steps = np.unique(rows["timestep"][who == own].astype(np.int64))
    kept = np.isin(rows["timestep"], steps)
    when = np.searchsorted(steps, rows["timestep"][kept].astype(np.int64))
    columns = [rows[name][kept].astype(np.float64) for name in ("position_x", "position_y", "heading")]
    (x, y, yaw), valid = pack(when, who[kept], len(steps), len(ids), columns)
    kinds = [kind_of(str(rows["object_type"][row]), ARGOVERSE_MOTION) for row in first]
    place = np.stack([x, y, np.zeros_like(x)], axis=-1)
    others = np.flatnonzero(ids != "AV")
    tracks = Tracks(
        ids=tuple(str(ids[agent]) for agent in others),
        kinds=[kinds[agent] for agent in others],
        size_m=np.array([USUAL_SIZE[kinds[agent]] for agent in others]).reshape(-1, 3),
        clearance_m=np.zeros(len(others)),
        middle_m=place[:, others],
        yaw_rad=yaw[:, others],
        valid=valid[:, others],
    )
    return Recording(
        name=str(rows["scenario_id"][0]),
        source="argoverse2-motion",
        timestamps_us=steps * 100_000,
        ego_m=place[:, own],
        yaw_rad=yaw[:, own],
        up=level(len(steps)),
        tracks=tracks,
        roads=roads,
        origin=CITY_ORIGIN.get(CITY_CODE.get(str(rows["city"][0]), "")),
    )
