"""The BEV net: what cars run is what was trained, in any company, with any rig, and what it remembers stays put."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from scenarios import CLASSES, GRID, Draws, Rig, World, open_world
from scenarios.cameras import EIGHT_CAMERAS
from vehicle.networks import load_network
from vehicle.networks.bev import CHANNELS, COARSER, LOOK, SIZE, BevNet, geometry_of, places, side_by_side
from vehicle.networks.bev_viewer import load_bev
from vehicle.top_down import Features, Viewer, load_viewer

CARS = 8
NAMES = ("bev-v1", "bev-v1-single")
Arrays = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def world() -> World:
    return open_world("all_weather", seed=71, cars=400, compiled=False)


@pytest.fixture(scope="module")
def moments(world: World) -> Arrays:
    cars, ticks = np.arange(400, dtype=np.uint32), np.arange(400) * 1999 + 9000
    whole = world.motion(cars, ticks).driving & world.motion(cars, ticks - 40).driving
    return cars[whole][: 3 * CARS], ticks[whole][: 3 * CARS]


@pytest.fixture(scope="module")
def seen(world: World, moments: Arrays) -> Features:
    cars, ticks = (values[:CARS] for values in moments)
    return load_network("hydranet-v1").see(world.frames(cars, ticks).pixels.numpy())[1]


@pytest.fixture(scope="module", params=NAMES)
def viewer(request: pytest.FixtureRequest) -> Viewer:
    return load_viewer(request.param, EIGHT_CAMERAS)


def _before(viewer: Viewer, now: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same look some metres ago, for each look back, and none in the second car."""
    earlier = np.repeat(now[:, None], viewer.looks, axis=1)
    moved = np.linspace((-4.0, 0.1, 0.02), (-12.0, -0.4, -0.05), CARS * viewer.looks).reshape(CARS, viewer.looks, 3)
    present = np.ones((CARS, viewer.looks), np.bool_)
    earlier[1], moved[1], present[1] = 0, 0, False
    return earlier, moved, present


def test_a_look_is_small_and_a_map_is_probabilities(viewer: Viewer, seen: Features) -> None:
    now = viewer.look(seen)
    assert now.shape == (CARS, *viewer.shape)
    assert now.dtype == viewer.dtype
    assert viewer.looks * now[0].nbytes <= 165_000
    chances = viewer.fuse(now, *_before(viewer, now))
    assert chances.shape == (CARS, len(CLASSES), GRID.rows, GRID.columns)
    assert chances.dtype == np.float32
    assert 0.0 <= chances.min() < 0.05
    assert 0.95 < chances.max() <= 1.0


def test_a_car_comes_out_the_same_in_any_company(viewer: Viewer, seen: Features) -> None:
    order = np.array([5, 2, 7, 5, 5, 1, 0, 3])
    now, other = (
        viewer.look(seen),
        viewer.look({name: _by_car(maps)[order].reshape(maps.shape) for name, maps in seen.items()}),
    )
    np.testing.assert_array_equal(other, now[order])
    before = _before(viewer, now)
    chances = viewer.fuse(now, *before)
    np.testing.assert_array_equal(viewer.fuse(now[order], *(each[order] for each in before)), chances[order])


def _by_car(maps: np.ndarray) -> np.ndarray:
    return maps.reshape(CARS, -1, *maps.shape[1:])


def test_cars_run_what_was_trained(viewer: Viewer, seen: Features) -> None:
    net = load_bev(viewer.name)
    now = viewer.look(seen)
    earlier, moved, _ = before = _before(viewer, now)
    with torch.no_grad():
        maps = [torch.from_numpy(_by_car(seen[name])).flatten(3) for name in ("fine", "x")]
        trained = (net.packed(net.look(*maps, geometry_of(EIGHT_CAMERAS))) * 255).numpy()
        assert np.abs(trained - now).max() < 0.51  # bytes are rounded
        looks = torch.from_numpy(np.concatenate([now[:, None], earlier], axis=1)).float() / 255
        cells = torch.from_numpy(np.stack([net.places(each) for each in moved]))
        together = torch.sigmoid(net.fuse(net.remember(looks, cells))).numpy()
    np.testing.assert_allclose(viewer.fuse(now, *before), together, atol=1e-5)


def _remounted(*, higher_m: float, turned: float) -> Rig:
    """The usual cameras mounted higher, and all turned away from straight ahead by another angle."""
    cameras = EIGHT_CAMERAS.cameras
    return Rig(tuple(replace(each, z_m=each.z_m + higher_m, yaw_deg=each.yaw_deg * turned) for each in cameras))


def test_no_weight_knows_the_rig() -> None:
    net, higher = BevNet(), _remounted(higher_m=0.4, turned=1.1)
    maps = torch.rand(1, 8, 32, 16 * 24), torch.rand(1, 8, 80, 8 * 12)
    with torch.no_grad():
        usual, other = (net.look(*maps, geometry_of(rig)) for rig in (EIGHT_CAMERAS, higher))
    assert usual.shape == other.shape
    assert not torch.allclose(usual, other)


def test_bins_lie_where_the_rig_sees_them() -> None:
    geometry = geometry_of(EIGHT_CAMERAS)
    splat = geometry.splat
    which = torch.searchsorted(splat.start, torch.arange(len(splat.index)), right=True) - 1
    shares = torch.zeros(len(splat.start)).index_add_(0, which, splat.weight)
    assert ((shares - 1).abs() < 1e-5).float().mean() > 0.98  # the ground is seen but for what is under the car
    assert (shares[(shares - 1).abs() >= 1e-5] == 0).all()


def test_what_is_remembered_lies_side_by_side_where_places_finds_it() -> None:
    looks = Draws(5).integers("looks", np.arange(2 * 4 * math.prod(LOOK)), high=256).astype(np.uint8)
    now, earlier = np.split(looks.reshape(2, 4, *LOOK), [1], axis=1)
    now, earlier = now[:, 0], np.ascontiguousarray(earlier)
    moved = (Draws(6).uniform("moves", np.arange(18), 0).reshape(2, 3, 3) - 0.8) * (15.0, 2.0, 0.5)
    for car, (present, past) in enumerate(side_by_side(now, earlier, moved)):
        cells = places(moved[car])
        there = np.stack([look.reshape(-1, CHANNELS)[each] for look, each in zip(earlier[car], cells, strict=True)])
        np.testing.assert_array_equal(_raster(present), now[car, None, 1:-1, 1:-1])
        elsewhere = (_raster(past) != there.reshape(3, GRID.rows, GRID.columns, CHANNELS)).any(axis=3)
        assert elsewhere.mean() < 0.001  # on a border, the last bit decides


def _raster(cells: np.ndarray) -> np.ndarray:
    """Looks cell by cell, (cells, looks * BYTES): (looks, rows, columns, CHANNELS)."""
    split = cells.reshape(*SIZE, -1, COARSER, COARSER, CHANNELS).transpose(2, 0, 3, 1, 4, 5)
    return split.reshape(-1, GRID.rows, GRID.columns, CHANNELS)


def _remembered(world: World, moments: Arrays, back: int) -> tuple[np.ndarray, np.ndarray]:
    """Where something was by the truth of `back` ticks ago, moved here, and where it is: (n, 5, rows, columns) each."""
    cars, ticks = moments
    then, now = world.top_down(cars, ticks - back).cells, world.top_down(cars, ticks).cells
    moved = world.moved(cars, ticks - back, ticks)
    look = np.zeros((len(cars), GRID.rows + 2, GRID.columns + 2, CHANNELS), np.uint8)
    look[:, 1:-1, 1:-1, : len(CLASSES)] = 255 * np.moveaxis(then, 1, 3)
    cells = np.concatenate([_raster(earlier) for _, earlier in side_by_side(look, look[:, None], moved[:, None])])
    return np.moveaxis(cells[..., : len(CLASSES)], 3, 1) > 0, now


def test_what_stands_still_is_remembered_where_it_is(world: World, moments: Arrays) -> None:
    slow = world.moved(moments[0], moments[1] - 10, moments[1])[:, 0] > -15
    then, now = _remembered(world, (moments[0][slow], moments[1][slow]), back=10)
    near = slice(40, 70)  # rows that the look of then had as well
    drivable = then[:, 0, near] & now[:, 0, near]
    assert drivable.sum() / (then[:, 0, near] | now[:, 0, near]).sum() > 0.97
    line = (then[:, 1, near] & now[:, 1, near]).sum() / now[:, 1, near].sum()
    assert line > 0.6  # it is one or two cells wide


def test_it_maps_a_world_it_has_not_learnt_from_also_with_another_rig() -> None:
    other = _remounted(higher_m=0.3, turned=0.95)
    for rig, least in ((EIGHT_CAMERAS, 0.8), (other, 0.7)):
        found, wrong = _drivable(rig, told=rig), _drivable(rig, told=EIGHT_CAMERAS)
        assert found > least
        assert found >= wrong


def _drivable(rig: Rig, told: Rig) -> float:
    """Intersection over union of where one can drive, in a dry day's world with this rig."""
    world = open_world("sunny_city", seed=72, cars=400, compiled=False, rig=rig)
    cars, ticks = np.arange(40, dtype=np.uint32), np.full(40, 430_000)
    cars = cars[world.motion(cars, 430_000).driving][:CARS]
    ticks = ticks[: len(cars)]
    viewer = load_viewer("bev-v1-single", told)
    pixels = world.frames(cars, ticks).pixels.numpy()
    now = viewer.look(load_network("hydranet-v1").see(pixels)[1])
    none = np.zeros((CARS, 0, *viewer.shape), np.uint8), np.zeros((CARS, 0, 3)), np.zeros((CARS, 0), np.bool_)
    chance, there = viewer.fuse(now, *none)[:, 0], world.top_down(cars, ticks).cells[:, 0]
    found = chance > viewer.card["thresholds"]["drivable"]
    return float((found & there).sum() / (found | there).sum())
