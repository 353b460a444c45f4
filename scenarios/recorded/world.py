"""The world of recorded drives: cars ride along logged egos, everything stands where the log says."""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from scenarios.cameras import CameraFrames, Rig, load_rig
from scenarios.draws import Draws
from scenarios.exposure import RECORDED, TICK_US, load_climate
from scenarios.motion import Motion
from scenarios.paint.painter import CHUNK, Painter, noise_of
from scenarios.paint.scene import LIGHT, OBJECT, POSE, ROAD, Kind, Scene
from scenarios.paint.shade import Sheet, Surface
from scenarios.paint.silhouettes import Outlines
from scenarios.radar import nearest_echo
from scenarios.recorded.drive import DriveState
from scenarios.recorded.kinds import KIND_NAMES
from scenarios.recorded.opening import open_drives
from scenarios.recorded.raster import ASPHALT, CROSSWALK, LANE_LINE, GroundGrid, rasterise
from scenarios.recorded.scene import Surroundings, scene_at
from scenarios.telling import Known, in_reach, outlined, paired, told
from scenarios.top_down import GRID, TopDown, seen_from_above
from scenarios.trips import ROADS
from scenarios.truth import Truth
from scenarios.weather import sky

_LOOKS: dict[str, tuple[Kind, float]] = {
    "vehicle": (Kind.VEHICLE, 0.985),
    "truck": (Kind.TRUCK, 0.985),
    "bus": (Kind.TRUCK, 0.985),
    "pedestrian": (Kind.PEDESTRIAN, 0.55),
    "cyclist": (Kind.CYCLIST, 0.3),
    "motorcycle": (Kind.CYCLIST, 0.3),
    "barrier": (Kind.BARRIER, 1.0),
    "cone": (Kind.CONE, 0.8),
    "sign": (Kind.POLE, 1.0),
    "animal": (Kind.BOX, 0.5),
    "other": (Kind.BOX, 1.0),
}
_GROUND_COLOURS = np.array(
    [(0.255, 0.345, 0.165), (0.30, 0.30, 0.31), (0.86, 0.86, 0.86), (0.80, 0.80, 0.80), (0.50, 0.49, 0.475)]
)
_NO_STREET = {
    "cos": 1.0,
    "facade": 1.0e6,
    "junction": 1.0e4,
    "crossing": 1.0e4,
    "roof": 1.0e4,
    "roof_end": 1.0e4,
    "lane_width": 3.5,
}
"""A drawn road that shows nowhere: the raster is the ground, and houses are out of sight."""

_BRAKING_MPS2 = -0.8
_ORANGE = (0.90, 0.35, 0.06)  # of barriers and cones; the colours of all else are unknown, and drawn
_SLOTS_A_THING = 3  # agents a scene has room for, for each that a camera shows
_HALF = 2  # of the four places that a cell is asked at
_ROAD = ROADS.index("urban")  # what most logs show; none says


class RecordedWorld:
    """Many cars a drive, each with its own start in it; a drive that ends begins again.

    drives: a file, a log's folder, a folder of many, or a list of such
    rig: the cars' cameras, as a rig, by name or by file; None for those that the climate says
    chunk: cars that are painted in one go, fewer where one wants few pictures and last bits do not matter
    Raises NoDrives, CorruptDrive, BadWorld, TiltedCamera.
    """

    name = RECORDED
    chunk = CHUNK

    def __init__(
        self, *, seed: int, cars: int, drives: str | Path | Sequence[str], device: str = "cpu",
        rig: Rig | str | None = None, compiled: bool | None = None, chunk: int = CHUNK, **climate: Any,
    ) -> None:  # fmt: skip
        del cars  # any number of them rides
        changes = {**climate, "rig": rig} if isinstance(rig, str) else climate
        self._draws, self._climate = Draws(seed), load_climate(changes)
        self.seed, self.rig = seed, rig if isinstance(rig, Rig) else load_rig(self._climate.rig)
        places = [drives] if isinstance(drives, str | Path) else drives
        self.drives = [drive for place in places for drive in open_drives(Path(place))]
        self._grids = [rasterise(drive) for drive in self.drives]
        ground = _raster_ground(self._grids, device)
        self._painter = Painter(self.rig, ground=ground, device=device, compiled=compiled, chunk=chunk)

    @property
    def fingerprint(self) -> str:
        """Hex digest of the drives, the climate, the conditions, the seed and the rig."""
        shares = {name: condition.probability for name, condition in self._painter.conditions.items()}
        climate = self._climate.model_dump_json(exclude={"rig"})
        total = sha256(f"{climate}|{shares}|{self.seed}|{self.rig}".encode())
        for drive in self.drives:
            for values in (drive.timestamps_us, drive.x_m, drive.agents.x_m):
                total.update(f"{drive.name}".encode() + np.ascontiguousarray(values).tobytes())
        return total.hexdigest()

    def ridden(self, cars: ArrayLike, ticks: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which drive each car rides, (n,), and where it is in it, (n,) microseconds from the start."""
        who, when = paired(cars, ticks)
        drive = self._draws.integers("drive", who, high=len(self.drives))
        length = np.array([max(each.duration_us // TICK_US, 1) for each in self.drives])[drive]
        start = (self._draws.uniform("start in the drive", who) * length).astype(np.int64)
        return drive, ((when + start) % length) * TICK_US

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        """Pictures of n cars: (n, cameras, 3, h, w) uint8."""
        who, when = paired(cars, ticks)
        scene, _ = self._scene(who, when)
        return CameraFrames(who, when, self._painter.paint(scene), *nearest_echo(scene, self._draws, who, when))

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        """How n cars move: as their drive's ego did."""
        who, when = paired(cars, ticks)
        zeros = np.zeros(len(who))
        out = {name: zeros.copy() for name in ("x", "y", "latitude", "longitude", "heading", "speed", "pull", "turn")}
        for number, rows, t_us in self._by_drive(who, when):
            drive = self.drives[number]
            state = drive.at(t_us)
            out["x"][rows], out["y"][rows] = state.x_m, state.y_m
            out["latitude"][rows], out["longitude"][rows] = drive.geographic(state.x_m, state.y_m)
            out["heading"][rows] = np.mod(90.0 - np.degrees(state.yaw_rad), 360.0)
            out["speed"][rows], out["pull"][rows] = np.abs(state.speed_mps), state.acceleration_mps2
            out["turn"][rows] = state.yaw_rate_rps
        return Motion(
            x_m=out["x"], y_m=out["y"], latitude=out["latitude"], longitude=out["longitude"],
            heading_deg=out["heading"], speed_mps=out["speed"], acceleration_mps2=out["pull"],
            lateral_mps2=out["speed"] * out["turn"], vertical_mps2=zeros, yaw_rate_dps=np.degrees(out["turn"]),
            pitch_rate_dps=zeros, odometer_m=zeros,
            driving=np.ones(len(who), np.bool_), engaged=np.zeros(len(who), np.bool_),
        )  # fmt: skip

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> NDArray[np.float64]:
        """How the car frame of one tick lies in that of another, (n, 3)."""
        start, end = (self._poses(*paired(cars, ticks)) for ticks in (from_ticks, to_ticks))
        way, heading = start - end, end[:, 2]
        cos, sin = np.cos(heading), np.sin(heading)
        x, y = cos * way[:, 0] + sin * way[:, 1], cos * way[:, 1] - sin * way[:, 0]
        return np.stack([x, y, np.pi - np.remainder(np.pi - way[:, 2], 2 * np.pi)], axis=1)

    def _poses(self, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """East, north and counter-clockwise from east in each drive's frame, (n, 3)."""
        out = np.zeros((len(cars), 3))
        for number, rows, t_us in self._by_drive(cars, ticks):
            drive = self.drives[number]
            blend = drive.blend(t_us)
            out[rows] = np.stack([blend.linear(drive.x_m), blend.linear(drive.y_m), blend.angle(drive.yaw_rad)], axis=1)
        return out

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is; the night of a log that was driven at night stays."""
        who, when = paired(cars, ticks)
        heading = self.motion(who, when).heading_deg
        drawn = sky(self._painter.conditions, self._climate, self._draws, who, when, heading).severities
        dark = np.array([np.nan if drive.is_night is None else float(drive.is_night) for drive in self.drives])
        logged = dark[self.ridden(who, when)[0]]
        return {**drawn, "night": np.where(np.isnan(logged), drawn["night"], logged).astype(np.float32)}

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        """Every condition, `road` by name and `tunnel`: no log says either, so all are city streets under the sky."""
        severities, n = self.severities(cars, ticks), len(paired(cars, ticks)[0])
        return {**severities, "road": np.full(n, ROADS[_ROAD]), "tunnel": np.zeros(n, np.float32)}

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """Cellular all along: a log says nothing else."""
        return np.ones(len(paired(cars, ticks)[0]), np.uint8)

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there, as logged and painted; lanes are unknown."""
        who, when = paired(cars, ticks)
        scene, things = self._scene(who, when)
        zeros, nothing = np.zeros(len(who)), np.zeros_like(things)
        known = Known(things, nothing, nothing.astype(np.float64))
        return told(
            who, when, scene, self.rig, known, self.severities(who, when), road=np.full(len(who), _ROAD),
            tunnel=np.zeros(len(who), np.bool_), lane_offset_m=zeros,
            heading_error_rad=zeros, curvature_1pm=zeros, crosswalk_m=np.full(len(who), np.inf), lanes=zeros,
            speed_mps=self.motion(who, when).speed_mps,
        )  # fmt: skip

    def top_down(self, cars: ArrayLike, ticks: ArrayLike) -> TopDown:
        """What was really there, seen from above: as logged, on the ground as far as the log has a map."""
        who, when = paired(cars, ticks)
        scene, _ = self._scene(who, when)
        drives, poses = self.ridden(who, when)[0], self._poses(who, when)
        ground = np.zeros((len(who), 3, GRID.rows, GRID.columns), np.bool_)
        for row, (drive, pose) in enumerate(zip(drives, poses, strict=True)):
            ground[row] = _ground_below(self._grids[drive], pose)
        known = np.array(
            [[*map(bool, (each.roads.drivable, each.roads.lines, each.roads.crosswalks))] for each in self.drives]
        )
        return seen_from_above(ground, known[drives], scene.objects, np.full(len(who), np.inf, np.float32))

    def outlines(self, cars: ArrayLike, ticks: ArrayLike) -> Outlines:
        """What stands in each image column."""
        return outlined(self._scene(*paired(cars, ticks))[0], self.rig)

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car."""
        return in_reach(self._scene(*paired(cars, ticks))[0], kinds)

    def _by_drive(
        self, cars: NDArray[np.uint32], ticks: NDArray[np.int64]
    ) -> list[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
        """Number of each drive that is ridden, the rows that ride it, and where in it they are, microseconds."""
        which, t_us = self.ridden(cars, ticks)
        return [(int(i), np.flatnonzero(which == i), t_us[which == i]) for i in np.unique(which)]

    def _scene(self, cars: NDArray[np.uint32], ticks: NDArray[np.int64]) -> tuple[Scene, NDArray[np.int64]]:
        slots = _SLOTS_A_THING * self.rig.things
        objects = np.zeros((len(cars), slots, len(OBJECT)), np.float32)
        pose = np.zeros((len(cars), len(POSE)), np.float32)
        things = np.zeros((len(cars), slots), np.int64)
        for number, rows, t_us in self._by_drive(cars, ticks):
            drive = self.drives[number]
            around = scene_at(drive, t_us, slots=slots)
            objects[rows], things[rows] = _objects(around), np.where(around.valid, (number << 32) + around.agent + 1, 0)
            pose[rows] = _pose(number, drive.at(t_us), self._grids[number])
        weather = self.severities(cars, ticks)
        scene = Scene(
            objects=objects,
            lights=_headlights(objects, weather["night"]),
            road=np.tile(np.array([_NO_STREET.get(name, 0.0) for name in ROAD], np.float32), (len(cars), 1)),
            weather=np.stack([weather[name] for name in self._painter.conditions], axis=1),
            noise=noise_of(ticks, cars),
            pose=pose,
            covered=np.zeros((len(cars), len(self.rig.cameras)), np.float32),
        )
        return scene, things


def _ground_below(grid: GroundGrid, pose: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Drivable, lane_line and crosswalk around a car at east, north and heading (3,): (3, rows, columns)."""
    quarter = GRID.cell_m / 4  # four places a cell, for a line is half as wide as one
    places = GRID.middles()[:, :, None] + np.array([(a, b) for a in (-quarter, quarter) for b in (-quarter, quarter)])
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    east = pose[0] + cos * places[..., 0] - sin * places[..., 1]
    north = pose[1] + sin * places[..., 0] + cos * places[..., 1]
    found = grid.at(east, north)  # (rows, columns, 4)
    road = np.isin(found, (ASPHALT, LANE_LINE, CROSSWALK)).sum(axis=2) >= _HALF
    return np.stack([road, (found == LANE_LINE).any(axis=2), (found == CROSSWALK).sum(axis=2) >= _HALF])


def _pose(number: int, state: DriveState, grid: GroundGrid) -> NDArray[np.float32]:
    east, north = (state.x_m - grid.x0_m) / grid.cell_m, (state.y_m - grid.y0_m) / grid.cell_m
    cos, sin = np.cos(state.yaw_rad) / grid.cell_m, np.sin(state.yaw_rad) / grid.cell_m  # in cells a metre
    return np.stack([np.full_like(east, number), east, north, cos, sin], axis=1).astype(np.float32)


def _objects(around: Surroundings) -> NDArray[np.float32]:
    looks = [_LOOKS[name] for name in KIND_NAMES]
    kind = np.array([look[0] for look in looks])[around.kind] * around.valid
    paint = np.mod(around.agent[..., None] * np.array([0.618034, 0.754878, 0.569840]), 1.0)
    people = np.isin(kind, [Kind.PEDESTRIAN, Kind.CYCLIST])[..., None]
    warning = np.isin(kind, [Kind.BARRIER, Kind.CONE])[..., None]
    colour = np.where(people, 0.25 + 0.5 * paint, 0.15 + 0.65 * paint[..., :1] + 0.08 * (paint - 0.5))
    colour = np.where(warning, _ORANGE, colour)
    values = {
        "x": around.x_m, "y": around.y_m, "cos": np.cos(around.yaw_rad), "sin": np.sin(around.yaw_rad),
        "half_length": np.maximum(around.half_length_m, 0.02), "half_width": np.maximum(around.half_width_m, 0.02),
        "z0": around.z0_m, "z1": around.z1_m, "kind": kind, "red": colour[..., 0], "green": colour[..., 1],
        "blue": colour[..., 2], "round": np.array([look[1] for look in looks])[around.kind],
        "state": around.acceleration_mps2 < _BRAKING_MPS2,
    }  # fmt: skip
    return np.stack([values[name] for name in OBJECT], axis=2).astype(np.float32)


def _headlights(objects: NDArray[np.float32], night: NDArray[np.float32]) -> NDArray[np.float32]:
    """A light on the nose of every vehicle, on at night."""
    at = {name: objects[:, :, OBJECT.index(name)] for name in OBJECT}
    vehicle = np.isin(at["kind"], [Kind.VEHICLE, Kind.TRUCK])
    nose = at["half_length"] + 0.1
    facing = at["x"] * at["cos"] + at["y"] * at["sin"] < 0  # seen from the front
    values: dict[str, NDArray[np.float32] | float] = {
        "x": at["x"] + at["cos"] * nose, "y": at["y"] + at["sin"] * nose, "z": at["z0"] + 0.65, "size": 0.38,
        "red": 1.0, "green": 0.97, "blue": 0.88, "power": 0.9 * night[:, None] * (vehicle & facing),
    }  # fmt: skip
    return np.stack([np.broadcast_to(values[name], vehicle.shape) for name in LIGHT], axis=2).astype(np.float32)


def _raster_ground(grids: list[GroundGrid], device: str) -> Callable[[Sheet, Tensor], Surface]:
    """The ground of recorded roads: rasters side by side, looked up per pixel."""
    rows, columns = (max(grid.cells.shape[axis] for grid in grids) for axis in range(2))
    stack = np.zeros((len(grids), rows, columns), np.int32)
    for i, grid in enumerate(grids):
        stack[i, : grid.cells.shape[0], : grid.cells.shape[1]] = grid.cells
    packed = (_GROUND_COLOURS * 255).astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    on_road = np.array([0, 1, 1, 1, 0], np.int32) << 24
    cells = torch.from_numpy((packed + on_road).astype(np.int32)[stack].ravel()).to(device)

    def ground(sheet: Sheet, depth: Tensor) -> Surface:
        x, y = sheet.place(depth)
        cos, sin = sheet.of("map_cos"), sheet.of("map_sin")
        column = torch.floor(sheet.of("map_x") + x * cos - y * sin)
        row = torch.floor(sheet.of("map_y") + x * sin + y * cos)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        at = (sheet.of("map").int() * rows + row.clamp(0, rows - 1).int()) * columns + column.clamp(
            0, columns - 1
        ).int()
        texel = torch.where(inside, cells[at], cells[0])
        red, green, blue = (((texel >> shift) & 255).float() * (1.0 / 255.0) for shift in (16, 8, 0))
        return Surface(red, green, blue, depth, torch.zeros_like(depth), ((texel >> 24) & 1).float())

    return ground
