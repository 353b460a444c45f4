"""The painter against geometry by hand: what covers which pixel, who hides whom, and that company does not matter."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import drawn, scene_of

from scenarios.cameras import EIGHT_CAMERAS, Camera, Rig
from scenarios.paint.painter import Painter, can_compile
from scenarios.paint.scene import Kind, Scene

LARGE = EIGHT_CAMERAS.resized(4)
MAGENTA = {"red": 0.9, "green": 0.0, "blue": 0.9}
EVENING = 19 * 36_000


def painted(scene: Scene, rig: Rig = LARGE) -> np.ndarray:
    """(n, cameras, h, w, 3) int."""
    clean = replace(scene, covered=np.zeros((len(scene), len(rig.cameras)), np.float32))
    pixels = Painter(rig, compiled=False, chunk=1).paint(clean)
    return pixels.permute(0, 1, 3, 4, 2).numpy().astype(int)


def box_at(bearing_deg: float, distance_m: float, turn_deg: float, **more: float) -> dict[str, float]:
    """A magenta box seen from the car's middle at a bearing, turned."""
    bearing, turn = math.radians(bearing_deg), math.radians(turn_deg)
    place = {"x": distance_m * math.cos(bearing), "y": distance_m * math.sin(bearing)}
    return {**MAGENTA, **place, "cos": math.cos(turn), "sin": math.sin(turn), **more}


def corners(thing: dict[str, float]) -> np.ndarray:
    """(8, 3) in the car frame."""
    signs = np.array([(a, b) for a in (-1, 1) for b in (-1, 1)]) * (2.2, 0.9)
    turn = np.array([[thing["cos"], thing["sin"]], [-thing["sin"], thing["cos"]]])
    ground = signs @ turn + (thing["x"], thing["y"])
    return np.concatenate([np.c_[ground, np.full(4, thing.get(end, 1.5 * (end == "z1")))] for end in ("z0", "z1")])


def inside_by(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w): how far each pixel's middle is inside the convex hull of points (8, 2), in pixels; negative outside."""
    y, x = np.mgrid[:height, :width] + 0.5
    least = np.full((height, width), np.inf)
    for a in range(len(points)):
        for b in range(len(points)):
            along = points[b] - points[a]
            length = np.hypot(*along)
            side = (points - points[a]) @ np.array([-along[1], along[0]])
            if length > 1e-9 and side.min() > -1e-6 * length:  # an edge: nobody is on its right
                least = np.minimum(least, ((y - points[a][1]) * along[0] - (x - points[a][0]) * along[1]) / length)
    return least


POSES = [
    box_at(bearing, distance, turn, z0=z0, z1=z0 + high)
    for bearing, distance, turn, z0, high in (
        (0, 9, 20, 0.0, 1.5), (3, 20, 90, 0.0, 1.5), (-6, 14, 200, 1.9, 1.0), (55, 8, 70, 0.0, 3.0),
        (-62, 7, 310, 0.0, 0.8), (140, 11, 10, 0.0, 1.5), (-146, 9, 45, 0.5, 2.0), (180, 12, 135, 0.0, 1.5),
        (28, 10, 160, 0.0, 1.5), (-90, 6, 0, 0.0, 1.5),
    )
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LARGE.cameras)), ids=LARGE.names)
def test_a_box_covers_the_projection_of_its_corners(number: int) -> None:
    camera, seen = LARGE.cameras[number], 0
    rig = Rig((camera,))
    nothing = painted(scene_of([[{"kind": Kind.NONE}]]), rig)
    for pose in POSES:
        projected = camera.project(corners(pose))
        if projected[:, 2].min() < 0.3:
            continue
        shown = (painted(scene_of([[pose]]), rig) != nothing)[0, 0].any(axis=2)
        inside = inside_by(projected[:, :2], camera.height, camera.width)
        assert shown[inside > 1.0].all()
        assert not shown[inside < -1.0].any()
        seen += bool(shown.any())
    assert seen >= 1


def test_what_is_behind_a_camera_does_not_show() -> None:
    nothing, behind, ahead = painted(scene_of([[{"kind": Kind.NONE}], [POSES[7]], [POSES[0]]]), EIGHT_CAMERAS)
    shows = [(each != nothing).any(axis=(1, 2, 3)) for each in (behind, ahead)]
    assert not shows[0][:3].any()  # main, narrow, wide
    assert not shows[1][5:].any()  # both repeaters, rear


def test_the_nearer_thing_hides_the_farther_one_in_any_order() -> None:
    near = {"x": 10.0, "y": 0.0, "red": 0.9, "z1": 1.0}
    far = {"x": 20.0, "y": 1.6, "blue": 0.9, "z1": 3.0}
    one, other = painted(scene_of([[near, far], [far, near]]))
    assert np.array_equal(one, other)
    red = (one[0, ..., 0] > 180) & (one[0, ..., 2] < 60)
    alone = painted(scene_of([[near]]))[0, 0]
    assert np.array_equal(red, (alone[..., 0] > 180) & (alone[..., 2] < 60))
    blue = (one[0, ..., 2] > 180) & (one[0, ..., 0] < 60)
    assert blue.any()
    assert np.nonzero(blue)[0].max() < np.nonzero(red)[0].max()


def test_a_stop_sign_shows_its_letters_and_a_brake_light_shines() -> None:
    sign = {
        "x": 8.0,
        "half_length": 0.04,
        "half_width": 0.42,
        "z0": 1.0,
        "z1": 1.84,
        "kind": Kind.STOP_SIGN,
        "red": 0.72,
    }
    car = {"x": 9.0, "kind": Kind.VEHICLE, "red": 0.3, "green": 0.3, "blue": 0.3}
    seen = painted(scene_of([[sign | {"cos": -1.0}], [car], [car | {"state": 1.0}]]))[:, 0]
    assert ((seen[0].min(axis=2) > 200) & (np.arange(LARGE.width) > 150)).sum() > 30
    braking = seen[2, ..., 0] - seen[1, ..., 0]
    assert (braking > 60).sum() > 20
    assert not (braking < 0).any()


@pytest.mark.parametrize("distance", [12.0, 20.0, 35.0])
def test_a_crosswalk_lies_at_its_distance(distance: float) -> None:
    street, main = {"lanes": 2.0, "walk": 3.0}, LARGE.cameras[0]
    places = ({}, {"crossing": distance})
    without, with_it = (painted(scene_of([[{"kind": Kind.NONE}]], **street, **place), Rig((main,))) for place in places)
    rows = np.nonzero((without != with_it).any(axis=(0, 1, 3, 4)))[0]
    near, far = (main.project(np.array([distance + end, 0.0, 0.0]))[1] for end in (-1.7, 1.7))
    assert abs(rows.min() - far) <= 1.0
    assert abs(rows.max() + 1 - near) <= 1.0


def ground_of(camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y of the road under each pixel below the horizon, m in the car frame, and a pixel's size there."""
    v, u = np.mgrid[: camera.height, : camera.width] + 0.5
    depth = np.where(v > camera.cy + 0.5, camera.focal * camera.z_m / np.maximum(v - camera.cy, 0.5), np.nan)
    aside, yaw = depth * (camera.cx - u) / camera.focal, math.radians(camera.yaw_deg)
    x = camera.x_m + depth * math.cos(yaw) - aside * math.sin(yaw)
    y = camera.y_m + depth * math.sin(yaw) + aside * math.cos(yaw)
    return x, y, depth / camera.focal


@pytest.mark.parametrize("number", range(len(LARGE.cameras)), ids=LARGE.names)
def test_lane_lines_lie_where_the_road_says(number: int) -> None:
    camera, offset, wide = LARGE.cameras[number], -1.6, 3.4
    street = {"lanes": 2.0, "lane_width": wide, "walk": 3.0, "offset": offset, "curvature": 0.003}
    roads = (scene_of([[{"kind": Kind.NONE}]], **street, wear=wear) for wear in (0.0, 4 / 3))
    fresh, worn = (painted(road, Rig((camera,)))[0, 0] for road in roads)
    x, y, pixel = ground_of(camera)
    marked = (np.abs(fresh - worn).max(axis=2) > 30) & (x * x + y * y < 250.0**2)
    aside = y + offset - 0.0015 * x * np.minimum(np.abs(x), 120.0) * np.sign(x)
    from_line = np.abs(aside - wide * np.round(aside / wide))
    assert marked.sum() > 50
    assert (from_line < 0.075 + 0.5 * pixel)[marked].all()
    solid = (from_line < 0.03) & (np.abs(np.round(aside / wide)) == 2) & (pixel < 0.02)
    assert marked[solid].all()


def test_a_car_is_painted_the_same_in_any_company_and_at_any_place_of_a_chunk() -> None:
    world = drawn()
    together = world.frames(np.arange(20), EVENING).pixels
    assert torch.equal(world.frames([3], EVENING).pixels[0], together[3])
    assert torch.equal(world.frames([17, 3, 19, 0], EVENING).pixels, together[[17, 3, 19, 0]])


def test_nobody_at_all_is_painted_as_nothing() -> None:
    assert drawn().frames(np.zeros(0), EVENING).pixels.shape == (0, 8, 3, 64, 96)


def test_noise_is_fresh_every_tick() -> None:
    world = drawn()
    parked = np.flatnonzero(~world.motion(np.arange(60), EVENING).driving)[:1]
    now, then = (world.frames(parked, EVENING + tick).pixels.int() for tick in (0, 1))
    assert 0.5 < (now - then).abs().float().mean() < 12.0


@pytest.mark.slow
@pytest.mark.skipif(not can_compile("cpu"), reason="no C++ compiler")
def test_compiled_and_plain_painting_agree() -> None:
    scene = drawn("all_weather").scene(np.arange(16), EVENING)
    plain, compiled = (Painter(EIGHT_CAMERAS, compiled=way).paint(scene).int() for way in (False, True))
    assert ((plain - compiled).abs() <= 2).float().mean() > 0.999


@pytest.mark.slow
@pytest.mark.skipif(not can_compile("cpu"), reason="no C++ compiler")
def test_compiled_painting_does_not_depend_on_company_either() -> None:
    scene = drawn("all_weather").scene(np.arange(20), EVENING)
    painter = Painter(EIGHT_CAMERAS, compiled=True)
    assert torch.equal(painter.paint(scene)[[18, 5]], painter.paint(drawn("all_weather").scene([18, 5], EVENING)))
