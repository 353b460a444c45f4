"""From recipe to pictures: the ticks of a cut are painted again, looked at again and packed as JPEG."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from scenarios import TICK_US, Camera, CameraFrames, Rig, World
from vehicle.from_above import held
from vehicle.loadout import Loadout
from vehicle.lookback import Lookback
from vehicle.map_picture import draw
from vehicle.perceive import CHUNK, Percepts, perceive
from vehicle.privacy import Privacy
from vehicle.recorder import Cut
from vehicle.signals import AUTONOMY, VSS, meanings, read, vehicle_signals

QUALITY = 90
BLOCK = 4 * CHUNK  # moments painted at once
POSE = ("x_m", "y_m", "heading_deg", "latitude", "longitude")
CALIBRATION = ("name", "x_m", "y_m", "z_m", "yaw_deg", "fov_deg", "height", "width", "cx", "cy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Developed:
    """A clip as it leaves the car; T ticks, C cameras.

    id: unique within its run
    run: the run it belongs to
    car, tick: where and when the trigger fired
    t_us: simulated time of the fire
    trigger, version, score, priority: what fired, and how strongly
    ticks: (T,) camera ticks, ascending; those at which the car was on the road and not near its home
    cameras: (C,) names
    frames: T lists of C JPEGs
    calibration: C dicts of a camera's numbers
    poses: T dicts of x_m, y_m, heading_deg, latitude, longitude
    signals: VSS path to T values
    percepts: task to T outputs of the production network, as probabilities or in their unit
    shadows: candidate to the same
    top_down: viewer to T maps, a PNG each
    complete: whether every tick that was asked for is there
    sha256: hex, over each tick's pictures and then its maps, one after the other
    """

    id: str
    run: str
    car: int
    tick: int
    t_us: int
    trigger: str
    version: int
    score: float
    priority: int
    ticks: tuple[int, ...]
    cameras: tuple[str, ...]
    frames: list[list[bytes]]
    calibration: list[dict[str, Any]]
    poses: list[dict[str, Any]]
    signals: dict[str, list[Any]]
    percepts: dict[str, list[Any]]
    shadows: dict[str, dict[str, list[Any]]]
    top_down: dict[str, list[bytes]]
    complete: bool
    sha256: str

    @property
    def nbytes(self) -> int:
        """What the clip weighs on an uplink: the bytes of its pictures and maps."""
        rows = [*self.frames, *self.top_down.values()]
        return sum(len(picture) for row in rows for picture in row)


@dataclass(frozen=True, slots=True)
class _Moment:
    """One tick of one car, ready to be packed: a dict each from camera, name, path, task, candidate or viewer."""

    tick: int
    pictures: dict[str, bytes]
    pose: dict[str, float]
    signals: dict[str, float | bool | str | None]
    percepts: dict[str, list[float]]
    shadows: dict[str, dict[str, list[float]]]
    maps: dict[str, bytes]


def develop(world: World, loadout: Loadout, cuts: Sequence[Cut], run: str) -> list[Developed]:
    """The clips of these cuts, in their order; the same bytes whenever and in whatever company they are developed."""
    asked = [(cut, tick) for cut in cuts for tick in cut.ticks]
    moments: dict[str, list[_Moment]] = {cut.clip: [] for cut in cuts}
    for cut, moment in _look_again(world, loadout, _recordable(world, loadout.privacy, asked)):
        moments[cut.clip].append(moment)
    return [_pack(world, cut, moments[cut.clip], run) for cut in cuts]


def _recordable(world: World, privacy: Privacy, asked: list[tuple[Cut, int]]) -> list[tuple[Cut, int]]:
    """Without the ticks at which the car was parked or its moment was private."""
    cars, ticks = _arrays(asked)
    allowed = world.motion(cars, ticks).driving & ~privacy.private(world, cars, ticks)
    return [one for one, yes in zip(asked, allowed.tolist(), strict=True) if yes]


def _look_again(world: World, loadout: Loadout, asked: list[tuple[Cut, int]]) -> Iterator[tuple[Cut, _Moment]]:
    lookback = Lookback(world, loadout.privacy)
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        cars, ticks = _arrays(block)
        frames, motion = world.frames(cars, ticks), world.motion(cars, ticks)
        percepts = perceive(loadout.networks, frames, loadout.sight.viewers)
        maps = _maps(loadout, lookback, frames, percepts[0])
        columns, valid = vehicle_signals(world, frames, read(percepts[0]))
        meant = [meanings(each) for each in percepts]
        for i, (cut, tick) in enumerate(block):
            yield (
                cut,
                _Moment(
                    tick=tick,
                    pictures=_pictures(frames, world.rig, _cameras(world.rig, cut), i),
                    pose={name: float(getattr(motion, name)[i]) for name in POSE},
                    signals={path: _said(path, _scalar(columns[path], valid.get(path), i)) for path in VSS},
                    percepts=_row(meant[0], i),
                    shadows={net.name: _row(each, i) for net, each in zip(loadout.shadows, meant[1:], strict=True)},
                    maps={viewer: drawn[i] for viewer, drawn in maps.items()},
                ),
            )


def _maps(loadout: Loadout, lookback: Lookback, frames: CameraFrames, percepts: Percepts) -> dict[str, list[bytes]]:
    """Viewer to n PNGs."""
    drawn: dict[str, list[bytes]] = {viewer.name: [] for viewer in loadout.sight.viewers}
    for maps in lookback.fuse(loadout.sight, loadout.production, frames, percepts.looks):
        for viewer in loadout.sight.viewers:
            drawn[viewer.name] += [draw(each) for each in held(viewer, maps.by_viewer[viewer.name])]
    return drawn


def _pack(world: World, cut: Cut, moments: list[_Moment], run: str) -> Developed:
    cameras = _cameras(world.rig, cut)
    frames = [[moment.pictures[name] for name in cameras] for moment in moments]
    shadows = moments[0].shadows if moments else {}
    return Developed(
        id=cut.clip,
        run=run,
        car=cut.car,
        tick=cut.tick,
        t_us=cut.tick * TICK_US,
        trigger=cut.spec.name,
        version=cut.spec.version,
        score=cut.score,
        priority=cut.spec.priority,
        ticks=tuple(moment.tick for moment in moments),
        cameras=cameras,
        frames=frames,
        calibration=_calibration(world.rig, cameras),
        poses=[moment.pose for moment in moments],
        signals=_over_time([moment.signals for moment in moments]),
        percepts=_over_time([moment.percepts for moment in moments]),
        shadows={name: _over_time([moment.shadows[name] for moment in moments]) for name in shadows},
        top_down={name: [moment.maps[name] for moment in moments] for name in (moments[0].maps if moments else {})},
        complete=len(moments) == len(cut.ticks),
        sha256=_hash(frames, moments),
    )


def _hash(frames: list[list[bytes]], moments: list[_Moment]) -> str:
    rows = [[*pictures, *moment.maps.values()] for pictures, moment in zip(frames, moments, strict=True)]
    return hashlib.sha256(b"".join(part for row in rows for part in row)).hexdigest()


def _arrays(asked: list[tuple[Cut, int]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    return np.array([cut.car for cut, _ in asked], np.uint32), np.array([tick for _, tick in asked], np.int64)


def _cameras(rig: Rig, cut: Cut) -> tuple[str, ...]:
    """The cameras that the spec asks for and the car has, in the car's order; all where it names none."""
    return tuple(name for name in rig.names if not cut.spec.clip.cameras or name in cut.spec.clip.cameras)


def _pictures(frames: CameraFrames, rig: Rig, cameras: tuple[str, ...], row: int) -> dict[str, bytes]:
    images = frames.pixels[row].permute(0, 2, 3, 1).numpy()  # (cameras, h, w, 3)
    return {
        camera.name: _jpeg(image[: camera.height, : camera.width])
        for camera, image in zip(rig.cameras, images, strict=True)
        if camera.name in cameras
    }


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    packed: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(image), QUALITY, "RGB", "420")
    return packed


def _scalar(column: NDArray[Any], valid: NDArray[np.bool_] | None, row: int) -> float | bool | None:
    value: float | bool = column[row].item()
    return value if valid is None or valid[row] else None


def _said(path: str, value: float | bool | None) -> float | bool | str | None:
    """The value of a signal, in VSS's word for it where it has one."""
    return f"SAE_{value}" if path == AUTONOMY else value


def _row(meant: dict[str, NDArray[np.float32]], row: int) -> dict[str, list[float]]:
    return {task: values[row].tolist() for task, values in meant.items()}


def _over_time(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [record[name] for record in records] for name in (records[0] if records else {})}


def _calibration(rig: Rig, cameras: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {name: getattr(camera, name) for name in (*CALIBRATION, "fx", "fy")} | _beyond_level(camera)
        for camera in rig.cameras
        if camera.name in cameras
    ]


def _beyond_level(camera: Camera) -> dict[str, float]:
    """What else there is to say of a camera that is tilted, or whose lens distorts."""
    if camera.is_level:
        return {}
    tilt = {"pitch_deg": camera.pitch_deg, "roll_deg": camera.roll_deg}
    return tilt | dict(zip(("k1", "k2", "k3"), camera.distortion, strict=True))
