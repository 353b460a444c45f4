import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import simplejpeg
from little_viewer import Blocks
from little_world import LittleWorld
from vehicle_parts import spec

from vehicle import Cut, Loadout, Onboard, Sight, develop
from vehicle.from_above import held
from vehicle.map_picture import draw
from vehicle.perceive import perceive

FAR = 900  # ticks, half a minute from home


def cut(tick: int, car: int = 3, **clip: object) -> Cut:
    return Cut.of_fire(car, tick, spec(clip={"before_s": 2, "after_s": 2, **clip}), 0.5)


def test_a_clip_holds_its_ticks_cameras_and_numbers(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    (clip,) = develop(world, equip(), [cut(FAR, cameras=("rear", "main"))], "run-1")
    assert clip.ticks == (880, 890, 900, 910, 920)
    assert clip.cameras == tuple(each["name"] for each in clip.calibration) == ("main", "rear")
    assert [len(row) for row in clip.frames] == [2] * 5
    assert [pose["x_m"] for pose in clip.poses] == [3280, 3290, 3300, 3310, 3320]
    assert clip.signals["Vehicle.Speed"] == [36.0] * 5
    assert [len(row) for row in clip.percepts["pedestrians"]] == [8] * 5
    assert clip.shadows["candidate"]["weather"] == clip.percepts["weather"]
    assert clip.complete


def test_a_clip_says_how_its_cameras_are_really_turned(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    (level,) = develop(world, equip(), [cut(FAR)], "run-1")
    assert "pitch_deg" not in level.calibration[0]
    world.rig = world.rig.miscalibrated(2.0, 1)
    (clip,) = develop(world, equip(), [cut(FAR)], "run-1")
    for said, camera in zip(clip.calibration, world.rig.cameras, strict=True):
        assert (said["yaw_deg"], said["pitch_deg"], said["roll_deg"]) == (
            camera.yaw_deg,
            camera.pitch_deg,
            camera.roll_deg,
        )
        assert (said["fx"], said["k1"]) == (camera.fx, 0.0)


def test_the_pictures_are_what_the_car_saw(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    (clip,) = develop(world, equip(), [cut(FAR)], "run-1")
    seen = world.frames(np.array([3], np.uint32), FAR).pixels[0, 5].permute(1, 2, 0).numpy()
    shown = simplejpeg.decode_jpeg(clip.frames[2][5])
    assert np.abs(shown.astype(int) - seen).mean() < 8
    assert clip.sha256 == hashlib.sha256(b"".join(picture for row in clip.frames for picture in row)).hexdigest()


def test_a_clip_is_the_same_whenever_it_is_developed(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    cuts = [cut(FAR + 7 * i, car=i) for i in range(15)]
    together = develop(world, equip(), cuts, "run-1")
    alone = develop(world, equip(), [cuts[11]], "run-1")
    assert asdict(together[11]) == asdict(alone[0])


def test_a_clip_shows_the_maps_that_the_car_saw(
    world: LittleWorld, equip: Callable[..., Loadout], viewers: list[Blocks]
) -> None:
    loadout = equip(sight=Sight(tuple(viewers), every_ticks=20))
    (clip,) = develop(world, loadout, [cut(FAR, hz=0.5)], "run-1")
    assert list(clip.top_down) == ["blocks", "stones"]
    onboard, cars, lived = Onboard(world, [loadout], first_car=0, cars=100), np.arange(10, dtype=np.uint32), {}
    for tick in range(FAR - 200, FAR + 40, 20):
        frames = world.frames(cars, tick)
        (seen,) = perceive([loadout.production], frames, viewers)
        (maps, _) = onboard.lookback.fuse(loadout.sight, loadout.production, frames, seen.looks)
        lived[tick] = {viewer.name: draw(held(viewer, maps.by_viewer[viewer.name])[3]) for viewer in viewers}
    assert clip.ticks == (880, 900, 920)
    for row, tick in enumerate(clip.ticks):
        assert {name: maps[row] for name, maps in clip.top_down.items()} == lived[tick]
    parts = [part for row in range(3) for part in [*clip.frames[row], *(maps[row] for maps in clip.top_down.values())]]
    assert clip.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()
    assert clip.nbytes == sum(map(len, parts))


def test_ticks_near_home_never_leave_the_car(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    (clip,) = develop(world, equip(), [cut(705)], "run-1")
    assert clip.ticks == (705, 715, 725)
    assert not clip.complete


def test_a_clip_of_which_nothing_may_leave_is_empty(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    (clip,) = develop(world, equip(), [replace(cut(FAR), first_tick=0, last_tick=40)], "run-1")
    assert (clip.ticks, clip.frames, clip.nbytes, clip.complete) == ((), [], 0, False)
