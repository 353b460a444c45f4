"""The one entrance to the world: pure functions of (cars, tick)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios import roads, traffic
from scenarios.cameras import EIGHT_CAMERAS, CameraFrames, Rig
from scenarios.draws import Draws
from scenarios.encounters import encounters
from scenarios.errors import NoDrivesNamed
from scenarios.exposure import RECORDED, WorldSpec, load_world
from scenarios.motion import Motion, motion_of
from scenarios.paint.painter import CHUNK, Painter, noise_of
from scenarios.paint.scene import LIGHT, OBJECT, POSE, Scene
from scenarios.slots import Slots, first, joined
from scenarios.telling import in_reach, paired, told
from scenarios.trips import Floats, Ints, Progress, Trips
from scenarios.truth import Truth
from scenarios.weather import severities

_DEAD_ZONE_CELLS = 10
_LAMP, _HEADLIGHT, _AMBER = (1.0, 0.82, 0.55), (1.0, 0.97, 0.88), (1.0, 0.62, 0.12)


class World(Protocol):
    """What a car drives through. Pure functions: the same (car, tick) is the same in any company, order or process."""

    @property
    def name(self) -> str:
        """As plans name it."""

    @property
    def rig(self) -> Rig:
        """The cameras of every car."""

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that shapes this world."""

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        """Pictures; ticks is one for all or one for each car."""

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        """How the cars move."""

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is, 0..1."""

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """0 no link, 1 cellular, 2 at home."""

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there; for labeller and examiner only."""

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car: where asking for the truth is worth it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """Everything about n cars at one moment each, before it is painted or told."""

    progress: Progress
    road: roads.Road
    things: Slots
    severities: dict[str, NDArray[np.float32]]
    scene: Scene


class DrawnWorld:
    """A world drawn from rates; every car has streets of its own.

    Raises UnknownWorld, BadWorld.
    """

    chunk = CHUNK

    def __init__(
        self, spec: WorldSpec, *, seed: int, device: str = "cpu", rig: Rig = EIGHT_CAMERAS, compiled: bool | None = None
    ) -> None:
        self.spec, self.seed, self.rig = spec, seed, rig
        self._draws = Draws(seed)
        self._trips = Trips(spec, self._draws)
        self._painter = Painter(rig, device=device, compiled=compiled)

    @property
    def name(self) -> str:
        """As plans name it."""
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        """Hex digest of the spec, the conditions, the seed and the rig."""
        shares = {name: condition.probability for name, condition in self._painter.conditions.items()}
        return sha256(f"{self.spec.model_dump_json()}|{shares}|{self.seed}|{self.rig}".encode()).hexdigest()

    def frames(self, cars: ArrayLike, ticks: ArrayLike) -> CameraFrames:
        """Pictures of n cars: (n, cameras, 3, h, w) uint8."""
        who, when = paired(cars, ticks)
        return CameraFrames(who, when, self._painter.paint(self._moment(who, when).scene))

    def scene(self, cars: ArrayLike, ticks: ArrayLike) -> Scene:
        """What the painter is given for n cars."""
        return self._moment(*paired(cars, ticks)).scene

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        """How n cars move."""
        who, when = paired(cars, ticks)
        return motion_of(self.spec, self._draws, who, self._trips.progress(who, when))

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is."""
        return severities(self._painter.conditions, self.spec, self._draws, *paired(cars, ticks))

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """At home while parked; on the road cellular, less dead zones of 400 m."""
        who, when = paired(cars, ticks)
        progress = self._trips.progress(who, when)
        zone = np.floor(progress.along_m / (roads.CELL_M * _DEAD_ZONE_CELLS)).astype(np.int64)
        share = self.spec.dead_zones_per_km * roads.CELL_M * _DEAD_ZONE_CELLS / 1000.0
        dead = self._draws.uniform("dead zone", who, progress.trip * roads.TRIP_STRIDE + zone) < share
        return np.where(progress.driving, np.where(dead, 0, 1), 2).astype(np.uint8)

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there."""
        who, when = paired(cars, ticks)
        moment = self._moment(who, when)
        road, things = moment.road, moment.things
        ahead, _ = roads.nearest_ahead(road, road.crosswalk)
        return told(
            who, when, moment.scene, self.rig, things.thing, moment.severities,
            lane_offset_m=road.offset + (road.lane + 0.5) * road.lane_width, heading_error_rad=road.heading,
            curvature_1pm=road.curvature, crosswalk_m=np.where(ahead < roads.FAR_M, ahead, np.inf), lanes=road.lanes,
            speed_mps=moment.progress.speed_mps,
        )  # fmt: skip

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car."""
        return in_reach(self.scene(cars, ticks), kinds)

    def _moment(self, cars: NDArray[np.uint32], ticks: Ints) -> _Moment:
        draws, spec = self._draws, self.spec
        progress = self._trips.progress(cars, ticks)
        road = roads.road_around(spec, draws, cars, progress)
        weather = severities(self._painter.conditions, spec, draws, cars, ticks)
        night = weather["night"].astype(np.float64)
        standing, lamps = traffic.furniture(draws, cars, road)
        moving = traffic.moving(draws, cars, ticks, progress, road, night)
        met = encounters(spec, draws, cars, ticks, road)
        walkers = traffic.walkers(spec, draws, cars, ticks, road)
        things = joined([moving, met, walkers, traffic.parked(spec, draws, cars, road), standing])
        oncoming, signals = first(moving, traffic.ONCOMING), first(met, len(roads.CELLS))
        lights = [_headlights(oncoming, road), _ambers(signals, road), _street_lamps(road, lamps, night)]
        scene = Scene(
            objects=_objects(things, road),
            lights=np.concatenate(lights, axis=1),
            road=roads.painted_road(road, progress.along_m),
            weather=np.stack([weather[name] for name in self._painter.conditions], axis=1),
            noise=noise_of(ticks, cars),
            pose=np.zeros((len(cars), len(POSE)), np.float32),
        )
        return _Moment(progress, road, things, weather, scene)


def _objects(things: Slots, road: roads.Road) -> NDArray[np.float32]:
    x, y, direction = roads.to_car(road, things.along, things.aside)
    yaw = direction + things.turn
    values = {
        "x": x, "y": y, "cos": np.cos(yaw), "sin": np.sin(yaw), "half_length": things.half_length,
        "half_width": things.half_width, "z0": things.z0, "z1": things.z1, "kind": things.kind * things.valid,
        "red": things.red, "green": things.green, "blue": things.blue, "round": things.roundness, "state": things.state,
    }  # fmt: skip
    return np.stack([values[name] for name in OBJECT], axis=2).astype(np.float32)


def _lights(
    colour: tuple[float, float, float], x: Floats, y: Floats, z: Floats, size: float, power: Floats
) -> NDArray[np.float32]:
    red, green, blue = colour
    values: dict[str, Floats | float] = {
        "x": x, "y": y, "z": z, "size": size, "red": red, "green": green, "blue": blue, "power": power,
    }  # fmt: skip
    return np.stack([np.broadcast_to(values[name], x.shape) for name in LIGHT], axis=2).astype(np.float32)


def _headlights(oncoming: Slots, road: roads.Road) -> NDArray[np.float32]:
    nose = oncoming.along - oncoming.half_length - 0.1
    x, y, _ = roads.to_car(road, nose, oncoming.aside)
    return _lights(_HEADLIGHT, x, y, np.full_like(x, 0.65), 0.38, oncoming.glow * oncoming.valid)


def _ambers(lamps: Slots, road: roads.Road) -> NDArray[np.float32]:
    x, y, _ = roads.to_car(road, lamps.along, lamps.aside)
    return _lights(_AMBER, x, y, (lamps.z0 + lamps.z1) / 2, 0.42, lamps.glow * lamps.valid)


def _street_lamps(road: roads.Road, along: Floats, night: Floats) -> NDArray[np.float32]:
    x, y, _ = roads.to_car(road, along, -(road.half[:, None] + 0.2) + 0.0 * along)
    power = np.broadcast_to(0.9 * np.clip(1.6 * night - 0.5, 0.0, 1.0)[:, None], x.shape)
    return _lights(_LAMP, x, y, np.full_like(x, 5.5), 0.55, power)


def open_world(name: str, *, seed: int, cars: int, device: str = "cpu", **options: Any) -> World:
    """A world by name: one that ships, a YAML file, or "recorded" with `drives=FOLDER`.

    options: `drives` for recorded worlds; anything else replaces a top-level field of the world's file.
    Raises UnknownWorld, BadWorld, NoDrives, CorruptDrive.
    """
    if name == RECORDED:
        from scenarios.recorded.world import RecordedWorld

        if "drives" not in options:
            raise NoDrivesNamed
        return RecordedWorld(seed=seed, cars=cars, device=device, **options)
    changes: Mapping[str, Any] = options
    return DrawnWorld(load_world(name, changes), seed=seed, device=device)
