"""Small drives made by hand: as a `Drive`, and as files of each format."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from scenarios.recorded.drive import Drive, RoadLine, RoadMap
from scenarios.recorded.recording import Recording, Tracks, level, neutral

MOMENTS = 21
START_NS = 315_971_916_960_000_000


def straight_drive(
    *, agents: list[dict], speed_mps: float = 10.0, yaw_rad: float = 0.0, roads: RoadMap | None = None
) -> Drive:
    """2 s at a steady speed from (500, 900); an agent: kind, x, y (at the start, from the ego's), speed, valid."""
    seconds = np.arange(MOMENTS) * 0.1
    along = np.array([math.cos(yaw_rad), math.sin(yaw_rad)])
    ego = np.hstack([np.array([500.0, 900.0]) + speed_mps * seconds[:, None] * along, np.zeros((MOMENTS, 1))])
    middle = np.zeros((MOMENTS, len(agents), 3))
    valid = np.ones((MOMENTS, len(agents)), bool)
    for number, agent in enumerate(agents):
        middle[:, number, 0] = 500.0 + agent["x"] + agent.get("speed", 0.0) * seconds
        middle[:, number, 1] = 900.0 + agent["y"]
        valid[:, number] = agent.get("valid", True)
    tracks = Tracks(
        ids=tuple(f"agent-{number}" for number in range(len(agents))),
        kinds=[agent.get("kind", "vehicle") for agent in agents],
        size_m=np.array([[4.5, 1.8, 1.5]] * len(agents)).reshape(-1, 3),
        clearance_m=np.array([agent.get("clearance", 0.0) for agent in agents]),
        middle_m=middle,
        yaw_rad=np.tile([agent.get("yaw", 0.0) for agent in agents], (MOMENTS, 1)).reshape(MOMENTS, len(agents)),
        valid=valid,
    )
    stamps = np.arange(MOMENTS) * 100_000
    yaw = np.full(MOMENTS, yaw_rad)
    moved = roads or RoadMap()
    return neutral(Recording("straight", "test", stamps, ego, yaw, level(MOMENTS), tracks, moved, (48.0, 11.0)))


def town() -> RoadMap:
    """A street 12 m wide along x through (500, 900), with lines and a crosswalk, and a block with a yard."""
    street = np.array([[450.0, 894.0], [600.0, 894.0], [600.0, 906.0], [450.0, 906.0]])
    block = np.array([[520.0, 920.0], [560.0, 920.0], [560.0, 960.0], [520.0, 960.0]])
    yard = np.array([[530.0, 930.0], [550.0, 930.0], [550.0, 950.0], [530.0, 950.0]])
    return RoadMap(
        lanes=(np.array([[450.0, 903.0], [600.0, 903.0]]),),
        lines=(
            RoadLine(np.array([[450.0, 893.9], [600.0, 893.9]])),
            RoadLine(np.array([[450.0, 903.0], [600.0, 903.0]]), "dashed"),
        ),
        crosswalks=(np.array([[540.0, 894.0], [544.0, 894.0], [544.0, 906.0], [540.0, 906.0]]),),
        drivable=((street,), (block, yard)),
    )


def write_argoverse(folder: Path) -> Path:
    """A sensor log: the ego drives 10 m/s due north up a slope of 5 %; a parked car, a sign, and its own box."""
    folder.mkdir(parents=True)
    pose_ns = START_NS + np.arange(-50, 2100, 25) * 1_000_000
    seconds = (pose_ns - START_NS) / 1e9
    yaw, pitch = math.pi / 2, -math.atan(0.05)
    turn = _product((math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)), (math.cos(pitch / 2), 0, math.sin(pitch / 2), 0))
    four = zip(("qw", "qx", "qy", "qz"), turn, strict=True)
    poses = {"timestamp_ns": pose_ns} | {name: np.full(len(pose_ns), part) for name, part in four}
    poses |= {"tx_m": np.full(len(pose_ns), 100.0), "ty_m": 200.0 + 10 * seconds, "tz_m": 5.33 + 0.5 * seconds}
    _write(folder / "city_SE3_egovehicle.feather", poses)
    rows = []
    for moment in range(MOMENTS):
        driven = 0.1 * moment * 10 * math.hypot(1, 0.05)  # along the slope
        here = START_NS + moment * 100_000_000
        rows.append((here, "parked", "REGULAR_VEHICLE", 4.0, 2.0, 1.5, 1.0, 0.0, 0.0, 0.0, 30.0 - driven, -4.0, 0.42))
        rows.append((here, "self", "EGO_VEHICLE", 4.9, 2.0, 1.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    columns = ("timestamp_ns", "track_uuid", "category", "length_m", "width_m", "height_m", "qw", "qx", "qy", "qz")
    names = (*columns, "tx_m", "ty_m", "tz_m")
    _write(folder / "annotations.feather", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    corners = [{"x": x, "y": y, "z": 5.0} for x, y in ((95, 150), (95, 300), (105, 300), (105, 150))]
    lane = {
        "id": 1, "is_intersection": False, "lane_type": "VEHICLE",
        "left_lane_boundary": corners[:2], "left_lane_mark_type": "DASHED_YELLOW",
        "right_lane_boundary": [corners[3], corners[2]], "right_lane_mark_type": "NONE",
    }  # fmt: skip
    city = {
        "lane_segments": {"1": lane},
        "drivable_areas": {"2": {"area_boundary": corners, "id": 2}},
        "pedestrian_crossings": {},
    }
    (folder / "map").mkdir()
    (folder / "map" / "log_map_archive_little____PIT_city_1.json").write_text(json.dumps(city))
    return folder


def _product(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
    return (
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    )


def _write(file: Path, columns: dict) -> None:
    pa.feather.write_feather(pa.table(columns), str(file))


def write_motion(folder: Path) -> Path:
    """A motion forecasting scenario of 11 steps: the recording car and a pedestrian."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = np.tile(np.arange(11), 2)
    own = np.repeat([True, False], 11)
    columns = {
        "track_id": np.where(own, "AV", "77").tolist(),
        "object_type": np.where(own, "vehicle", "pedestrian").tolist(),
        "timestep": steps,
        "position_x": np.where(own, steps * 1.0, 20.0),
        "position_y": np.where(own, 0.0, 3.0),
        "heading": np.zeros(22),
        "scenario_id": ["little"] * 22,
        "city": ["austin"] * 22,
    }
    file = folder / "scenario_little.parquet"
    pa.parquet.write_table(pa.table(columns), file)
    return file


def plain_scenario(*, description: str | None = None) -> dict:
    """A ScenarioNet scenario of 21 moments: the ego drives east, a lorry stands ahead, a person appears late."""
    seconds = np.arange(MOMENTS) * 0.1
    shown = (seconds >= 1.0).astype(float)

    def track(category: str, x: np.ndarray, y: float, z: float, size: tuple[float, ...], *, valid: np.ndarray) -> dict:
        place = np.stack([x, np.full(MOMENTS, y), np.full(MOMENTS, z)], axis=1) * valid[:, None]
        sides = zip(("length", "width", "height"), size, strict=True)
        state = {side: np.full((MOMENTS, 1), length) * valid[:, None] for side, length in sides}
        state |= {"position": place, "heading": np.zeros(MOMENTS), "velocity": np.zeros((MOMENTS, 2)), "valid": valid}
        sort = "PEDESTRIAN" if category.startswith("human") else "VEHICLE"
        return {"type": sort, "state": state, "metadata": {"type": category, "track_length": MOMENTS}}

    always = np.ones(MOMENTS)
    about = {"dataset": "nuscenes", "map": "boston-seaport", "ts": seconds, "sdc_id": "ego", "sets": {"are", "fine"}}
    return {
        "id": "scene-little",
        "version": "1",
        "length": MOMENTS,
        "metadata": about | ({"description": description} if description else {}),
        "tracks": {
            "ego": track("vehicle.car", 600 + 8 * seconds, 1600.0, 0.0, (1.7, 4.0, 1.5), valid=always),
            "lorry": track("vehicle.truck", 640.0 * always, 1597.0, 1.6, (7.0, 2.4, 3.0), valid=always),
            "walker": track("human.pedestrian.adult", 620.0 * always, 1605.0, 0.95, (0.6, 0.6, 1.7), valid=shown),
        },
        "map_features": {
            "lane": {"type": "LANE_SURFACE_STREET", "polyline": [(590.0, 1600.0, 0.0), (700.0, 1600.0, 0.0)]},
            "line": {
                "type": "ROAD_LINE_BROKEN_SINGLE_YELLOW",
                "polyline": np.array([[590.0, 1602.0], [700.0, 1602.0]]),
            },
        },
        "dynamic_map_states": {},
    }


def write_scenario(file: Path, *, protocol: int = 4, **changes: str) -> Path:
    """The plain scenario as a pickle."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(plain_scenario(**changes), protocol=protocol))
    return file


def write_commonroad(file: Path, *, version: str = "2020a") -> Path:
    """Two cars, the second there longer, and a fixed thing; a lanelet along x."""
    file.parent.mkdir(parents=True, exist_ok=True)
    modern = version == "2020a"

    def state(step: int, x: float, y: float, tag: str) -> str:
        place = f"<position><point><x>{x}</x><y>{y}</y></point></position><orientation><exact>0.0</exact></orientation>"
        return f"<{tag}>{place}<time><exact>{step}</exact></time><velocity><exact>5.0</exact></velocity></{tag}>"

    def obstacle(name: int, role: str, sort: str, y: float, steps: range) -> str:
        tag, told = (f"{role}Obstacle", "") if modern else ("obstacle", f"<role>{role}</role>")
        box = "<shape><rectangle><length>4.0</length><width>2.0</width></rectangle></shape>"
        path = "".join(state(step, step * 0.5, y, "state") for step in steps[1:])
        moving = f"<trajectory>{path}</trajectory>" if role == "dynamic" else ""
        first = state(steps[0], steps[0] * 0.5, y, "initialState")
        return f'<{tag} id="{name}">{told}<type>{sort}</type>{box}{first}{moving}</{tag}>'

    mark = "<lineMarking>dashed</lineMarking>" if modern else ""
    bounds = "".join(
        f"<{side}><point><x>-20</x><y>{y}</y></point><point><x>50</x><y>{y}</y></point>{mark}</{side}>"
        for side, y in (("leftBound", 2.0), ("rightBound", -2.0))
    )
    things = [
        obstacle(7, "dynamic", "car", 4.0, range(10)),
        obstacle(8, "dynamic", "car", 0.0, range(2, 25)),
        obstacle(9, "static", "parkedVehicle", -4.0, range(1)),
    ]
    where = "<location><gpsLatitude>34.1</gpsLatitude><gpsLongitude>-118.3</gpsLongitude></location>" if modern else ""
    head = f'<commonRoad benchmarkID="LITTLE-1" commonRoadVersion="{version}" timeStepSize="0.1">'
    file.write_text(
        f'<?xml version="1.0"?>{head}{where}<lanelet id="1">{bounds}</lanelet>{"".join(things)}</commonRoad>'
    )
    return file
