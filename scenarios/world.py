"""The one entrance to the world: pure functions of (cars, tick)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios import lighting, roads, traffic
from scenarios.cameras import CameraFrames, Rig, load_rig
from scenarios.climate import hours_digest
from scenarios.draws import Draws
from scenarios.encounters import ENCOUNTERS, Put, Rare
from scenarios.errors import NoDrivesNamed
from scenarios.exposure import RECORDED, WorldSpec, load_world
from scenarios.motion import Motion, motion_of
from scenarios.paint.painter import CHUNK, Painter, noise_of
from scenarios.paint.scene import OBJECT, POSE, ROAD, Scene
from scenarios.paint.silhouettes import Outlines
from scenarios.radar import nearest_echo
from scenarios.slots import Slots, first, joined
from scenarios.telling import Known, in_reach, outlined, paired, told
from scenarios.top_down import TopDown, drawn_ground, seen_from_above
from scenarios.trips import ROADS, Drives, Floats, Ints, Progress, Trips, road_of_trip
from scenarios.truth import Truth
from scenarios.weather import Sky, sky

_DEAD_ZONE_CELLS = 10


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

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        """What slices may ask of moments, (n,) each: every condition, `road` by name, `tunnel`."""

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> Floats:
        """How the car frame of one tick lies in that of another of the same trip, (n, 3) x_m, y_m, turn_rad.

        By the car's own odometry: a point p of then is turned by turn_rad, counter-clockwise, plus (x_m, y_m) now.
        """

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """0 no link, 1 cellular, 2 at home."""

    def truth(self, cars: ArrayLike, ticks: ArrayLike) -> Truth:
        """What was really there; for labeller and examiner only."""

    def top_down(self, cars: ArrayLike, ticks: ArrayLike) -> TopDown:
        """The same, seen from above; for labeller and examiner only."""

    def outlines(self, cars: ArrayLike, ticks: ArrayLike) -> Outlines:
        """What stands in each image column of level cameras; for the labeller only."""

    def in_reach(self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str]) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car: where asking for the truth is worth it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """Everything about n cars at one moment each, before it is painted or told."""

    progress: Progress
    road: roads.Road
    things: Slots
    sky: Sky
    scene: Scene


class DrawnWorld:
    """A world drawn from rates; every car has streets of its own.

    rig: its cars' cameras; None for those that the world's file says
    Raises UnknownWorld, BadWorld, TiltedCamera.
    """

    chunk = CHUNK

    def __init__(
        self, spec: WorldSpec, *, seed: int, device: str = "cpu", rig: Rig | None = None,
        compiled: bool | None = None, chunk: int = CHUNK,
    ) -> None:  # fmt: skip
        self.spec, self.seed, self.rig = spec, seed, load_rig(spec.rig) if rig is None else rig
        self._draws = Draws(seed)
        self._rare = Rare(spec, self._draws)
        self._trips = Trips(spec, self._draws)
        self._painter = Painter(self.rig, device=device, compiled=compiled, chunk=chunk)

    @property
    def name(self) -> str:
        """As plans name it."""
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        """Hex digest of the spec, its hours, the conditions, the encounters, the seed, the rig and the painter."""
        shares = {name: condition.probability for name, condition in self._painter.conditions.items()}
        hours = hours_digest(self.spec.hours) if self.spec.hours else ""  # what a file says, not where it lies
        spec = self.spec.model_dump_json(exclude={"hours", "rig"})
        said = (spec, hours, shares, self._rare.names, self.seed, self.rig, self._painter.compiled)
        return sha256("|".join(map(str, said)).encode()).hexdigest()

    def frames(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> CameraFrames:
        """Pictures of n cars: (n, cameras, 3, h, w) uint8."""
        who, when = paired(cars, ticks)
        scene = self._moment(who, when, put).scene
        return CameraFrames(who, when, self._painter.paint(scene), *nearest_echo(scene, self._draws, who, when))

    def scene(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> Scene:
        """What the painter is given for n cars."""
        return self._moment(*paired(cars, ticks), put).scene

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        """How n cars move."""
        who, when = paired(cars, ticks)
        return motion_of(self.spec, self._draws, who, self._trips.progress(who, when))

    def moved(self, cars: ArrayLike, from_ticks: ArrayLike, to_ticks: ArrayLike) -> Floats:
        """How the car frame of one tick lies in that of another, (n, 3)."""
        who, start = paired(cars, from_ticks)
        _, end = paired(cars, to_ticks)
        return roads.moved(
            self.spec, self._draws, who, self._trips.progress(who, start), self._trips.progress(who, end)
        )

    def severities(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """How strong each condition is."""
        who, when = paired(cars, ticks)
        return self._sky(who, when, self._heading(who, self._trips.progress(who, when))).severities

    def moments(self, cars: ArrayLike, ticks: ArrayLike) -> dict[str, NDArray[Any]]:
        """Every condition, `road` by name and `tunnel`; cheap, asks for no picture."""
        who, when = paired(cars, ticks)
        progress = self._trips.progress(who, when)
        sort = road_of_trip(self.spec, self._draws, who, progress.trip)
        tunnel = roads.in_tunnel(*roads.roof_over(self.spec, self._draws, who, progress, sort))
        severities = self._sky(who, when, self._heading(who, progress)).severities
        return {**severities, "road": np.array(ROADS)[sort], "tunnel": tunnel.astype(np.float32)}

    def links(self, cars: ArrayLike, ticks: ArrayLike) -> NDArray[np.uint8]:
        """At home while parked; on the road cellular, less dead zones of 400 m and tunnels."""
        who, when = paired(cars, ticks)
        progress = self._trips.progress(who, when)
        zone = np.floor(progress.along_m / (roads.CELL_M * _DEAD_ZONE_CELLS)).astype(np.int64)
        share = self.spec.dead_zones_per_km * roads.CELL_M * _DEAD_ZONE_CELLS / 1000.0
        dead = self._draws.uniform("dead zone", who, progress.trip * roads.TRIP_STRIDE + zone) < share
        sort = road_of_trip(self.spec, self._draws, who, progress.trip)
        dead = dead | roads.in_tunnel(*roads.roof_over(self.spec, self._draws, who, progress, sort))
        return np.where(progress.driving, np.where(dead, 0, 1), 2).astype(np.uint8)

    def truth(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> Truth:
        """What was really there."""
        who, when = paired(cars, ticks)
        moment = self._moment(who, when, put)
        road, things = moment.road, moment.things
        known = Known(things.thing, things.traits, things.tilt)
        ahead, _ = roads.nearest_ahead(road, road.crosswalk)
        return told(
            who, when, moment.scene, self.rig, known, moment.sky.severities, road=road.kind, tunnel=road.tunnel,
            lane_offset_m=road.offset + (road.lane + 0.5) * road.lane_width, heading_error_rad=road.heading,
            curvature_1pm=road.curvature, crosswalk_m=np.where(ahead < roads.FAR_M, ahead, np.inf), lanes=road.lanes,
            speed_mps=moment.progress.speed_mps,
        )  # fmt: skip

    def top_down(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> TopDown:
        """What was really there, seen from above."""
        scene = self.scene(cars, ticks, put)
        ground = drawn_ground(scene.road)
        junction = scene.road[:, ROAD.index("junction")]
        painted = np.where(junction < roads.FAR_M, junction, np.float32(np.inf))
        return seen_from_above(ground, np.ones(ground.shape[:2], np.bool_), scene.objects, painted)

    def outlines(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> Outlines:
        """What stands in each image column."""
        return outlined(self.scene(cars, ticks, put), self.rig)

    def in_reach(
        self, cars: ArrayLike, ticks: ArrayLike, kinds: Collection[str], put: Put | None = None
    ) -> NDArray[np.bool_]:
        """Whether a thing of these kinds stands ahead of a car."""
        return in_reach(self.scene(cars, ticks, put), kinds)

    def chance(self, name: str) -> Floats:
        """Chance that a cell (or a stretch, whichever it is met on) holds this encounter, (len(ROADS),)."""
        return self._rare.chance(name)

    def met(self, cars: ArrayLike, ticks: ArrayLike, put: Put | None = None) -> tuple[Ints, NDArray[np.str_]]:
        """The sites around n cars, (n, sites), numbered as by `staging.site_of`, and what each holds ("": nothing)."""
        who, when = paired(cars, ticks)
        progress = self._trips.progress(who, when)
        return self._rare.around(who, progress, roads.road_around(self.spec, self._draws, who, progress), put)

    def put(self, names: Sequence[str], keys: Ints) -> Put:
        """One encounter at a site of each of n cars, "" for none; keys: (n,) int64, of the sites."""
        index = np.array([self._rare.names.index(name) if name else -1 for name in names], np.int64)
        on_cell = np.array([not name or ENCOUNTERS[name].on == "cell" for name in names], np.bool_)
        return Put(index, on_cell, np.where(index >= 0, keys, -1))

    def drives(self, cars: ArrayLike) -> Drives:
        """Every trip that these cars begin within their first day."""
        return self._trips.of_first_day(np.asarray(cars, np.uint32))

    def arrival(self, drives: Drives, along_m: Floats) -> Ints:
        """The tick at which each of n drives has come so far, (n,) int64; its last one where it never does."""
        return self._trips.arrival(drives, along_m)

    def _heading(self, cars: NDArray[np.uint32], progress: Progress) -> Floats:
        return motion_of(self.spec, self._draws, cars, progress).heading_deg

    def _sky(self, cars: NDArray[np.uint32], ticks: Ints, heading_deg: Floats) -> Sky:
        return sky(self._painter.conditions, self.spec, self._draws, cars, ticks, heading_deg)

    def _moment(self, cars: NDArray[np.uint32], ticks: Ints, put: Put | None = None) -> _Moment:
        draws, spec = self._draws, self.spec
        progress = self._trips.progress(cars, ticks)
        road = roads.road_around(spec, draws, cars, progress)
        heading = self._heading(cars, progress)
        above = self._sky(cars, ticks, heading)
        weather = above.severities
        night = weather["night"].astype(np.float64)
        standing, lamps = traffic.furniture(draws, cars, road)
        moving = traffic.moving(draws, cars, ticks, progress, road, night)
        riding, relieved = self._rare.along_the_way(cars, ticks, progress, road, put)
        met = self._rare.beside_the_road(cars, ticks, road, put)
        convoy = traffic.convoy(draws, cars, ticks, progress, road, relieved)
        walkers = traffic.walkers(spec, draws, cars, ticks, road)
        things = joined([moving, riding, convoy, met, walkers, traffic.parked(spec, draws, cars, road), standing])
        lights = [
            lighting.headlights(first(moving, traffic.ONCOMING), road),
            lighting.lamps(joined([first(riding, 2), met]), road),
            lighting.street_lamps(road, lamps, night),
            lighting.sun(above, heading),
        ]
        scene = Scene(
            objects=_objects(things, road),
            lights=np.concatenate(lights, axis=1),
            road=roads.painted_road(road, progress.along_m),
            weather=np.stack([weather[name] for name in self._painter.conditions], axis=1),
            noise=noise_of(ticks, cars),
            pose=np.zeros((len(cars), len(POSE)), np.float32),
            covered=self._covered(cars, progress, road),
        )
        return _Moment(progress, road, things, above, scene)

    def _covered(self, cars: NDArray[np.uint32], progress: Progress, road: roads.Road) -> NDArray[np.float32]:
        """How much of each lens is covered: for a kilometre one camera of a car may be blind, (n, cameras)."""
        share = roads.often(self.spec, "blinded_camera")[road.kind]
        stretch = progress.trip * roads.TRIP_STRIDE + np.floor(progress.along_m / 1000.0).astype(np.int64)
        which, camera, _, _ = self._draws.four("blinded camera", cars, stretch)
        blind = np.floor(camera * len(self.rig.cameras))[:, None] == np.arange(len(self.rig.cameras))
        return np.asarray(0.97 * (blind & (which < share)[:, None]), np.float32)


def _objects(things: Slots, road: roads.Road) -> NDArray[np.float32]:
    x, y, direction = roads.to_car(road, things.along, things.aside)
    yaw = direction + things.turn
    values = {
        "x": x, "y": y, "cos": np.cos(yaw), "sin": np.sin(yaw), "half_length": things.half_length,
        "half_width": things.half_width, "z0": things.z0, "z1": things.z1, "kind": things.kind * things.valid,
        "red": things.red, "green": things.green, "blue": things.blue, "round": things.roundness, "state": things.state,
    }  # fmt: skip
    return np.stack([values[name] for name in OBJECT], axis=2).astype(np.float32)


def open_world(
    name: str,
    *,
    seed: int,
    cars: int,
    device: str = "cpu",
    rig: Rig | str | None = None,
    compiled: bool | None = None,
    chunk: int = CHUNK,
    **options: Any,
) -> World:
    """A world by name: one that ships, a YAML file, or "recorded" with `drives=FOLDER`.

    rig: its cars' cameras: a rig that ships by its name, a YAML file of one, or a rig; None for what the world's file
    says; compiled: how it is painted, None for compiled where that is possible; chunk: cars that are
    painted in one go, fewer where one wants few pictures and last bits do not matter; options: `drives` for recorded
    worlds; anything else replaces a top-level field of the world's file.
    Raises UnknownWorld, BadWorld, NoDrives, CorruptDrive, TiltedCamera.
    """
    if name == RECORDED:
        from scenarios.recorded.world import RecordedWorld

        if "drives" not in options:
            raise NoDrivesNamed
        return RecordedWorld(seed=seed, cars=cars, device=device, rig=rig, compiled=compiled, chunk=chunk, **options)
    changes: Mapping[str, Any] = {**options, "rig": rig} if isinstance(rig, str) else options
    given = None if isinstance(rig, str) else rig
    return DrawnWorld(load_world(name, changes), seed=seed, device=device, rig=given, compiled=compiled, chunk=chunk)
