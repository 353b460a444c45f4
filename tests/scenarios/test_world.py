"""A world is pure functions of (cars, tick)."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from scenes import drawn

from scenarios import TICK_US, open_world
from scenarios.exposure import load_world
from scenarios.world import DrawnWorld

CARS = np.arange(40)
TICKS = 600_000 + 977 * CARS


def same(one: object, other: object, rows: object = slice(None)) -> bool:
    """Whether two dataclasses or dicts of arrays hold the same bits, the second one in the given rows."""
    names = [field.name for field in fields(one)] if hasattr(one, "__dataclass_fields__") else list(one)
    get = getattr if hasattr(one, "__dataclass_fields__") else lambda held, name: held[name]
    pairs = [(get(one, name), get(other, name)) for name in names]
    return all(same(a, b, rows) if isinstance(a, dict) else np.array_equal(a, b[rows]) for a, b in pairs)


@pytest.mark.parametrize("asked", ["motion", "severities", "truth"])
def test_any_split_and_order_of_cars_gives_the_same(asked: str) -> None:
    ask = getattr(drawn(), asked)
    together = ask(CARS, TICKS)
    shuffled = np.array([31, 2, 39, 17, 0])
    assert same(ask(CARS[shuffled], TICKS[shuffled]), together, shuffled)
    assert same(ask(CARS[5:22], TICKS[5:22]), together, slice(5, 22))
    assert same(ask(CARS, TICKS), together)


def test_links_do_not_depend_on_company_either() -> None:
    world = drawn()
    assert np.array_equal(world.links(CARS, TICKS)[::3], world.links(CARS[::3], TICKS[::3]))


def test_ticks_as_an_array_are_ticks_one_by_one() -> None:
    world, moments = drawn(), TICKS[:6]
    at_once = world.frames(np.full(6, 3), moments)
    assert at_once.ticks.tolist() == moments.tolist()
    for row, tick in enumerate(moments.tolist()):
        assert torch.equal(world.frames([3], tick).pixels[0], at_once.pixels[row])
        assert same(world.motion([3], tick), world.motion(np.full(6, 3), moments), [row])


def test_a_second_world_of_the_same_seed_is_the_same_and_another_seed_another() -> None:
    again, other = (DrawnWorld(load_world("rainy_city"), seed=seed, compiled=False) for seed in (7, 8))
    assert same(again.truth(CARS, TICKS), drawn().truth(CARS, TICKS))
    assert not same(other.motion(CARS, TICKS), drawn().motion(CARS, TICKS))


def test_what_shapes_a_world_shows_in_its_fingerprint() -> None:
    spec = load_world("rainy_city")
    worlds = [
        drawn(),
        DrawnWorld(spec, seed=8, compiled=False),
        DrawnWorld(load_world("rainy_city", {"top_speed_mps": 9.0}), seed=7, compiled=False),
        DrawnWorld(spec, seed=7, rig=drawn().rig.resized(2), compiled=False),
    ]
    assert len({world.fingerprint for world in worlds}) == len(worlds)
    assert DrawnWorld(spec, seed=7, compiled=False).fingerprint == drawn().fingerprint


def test_nobody_at_all_is_no_trouble() -> None:
    world = drawn()
    assert world.truth([], 7).kind.shape[0] == 0
    assert world.motion([], 7).speed_mps.shape == (0,)
    assert world.links([], 7).shape == (0,)


def test_a_parked_car_is_at_home_and_a_driving_one_is_mostly_connected() -> None:
    world, cars = drawn(), np.arange(4000)
    links, driving = world.links(cars, TICKS[0]), world.motion(cars, TICKS[0]).driving
    assert (links[~driving] == 2).all()
    assert set(np.unique(links[driving])) == {0, 1}
    share = world.spec.dead_zones_per_km * 0.4
    assert abs((links[driving] == 0).mean() - share) < 5.0 * np.sqrt(share / driving.sum())


def test_a_world_opens_by_name() -> None:
    world = open_world("sunny_city", seed=3, cars=5, top_speed_mps=9.0)
    assert (world.name, world.rig.names[0], TICK_US) == ("sunny_city", "main", 100_000)
    assert world.motion(np.arange(200), 432_000).speed_mps.max() <= 9.0


def test_only_what_is_ahead_and_near_is_in_reach() -> None:
    world, cars = drawn("all_weather"), np.arange(60)
    near = world.in_reach(cars, 432_000, ["caution_light"])
    truth = world.truth(cars, 432_000)
    sees = ((truth.kind == 7) & (truth.pixels[:, :3].max(axis=1) > 0) & (truth.distance_m < 60)).any(axis=1)
    assert near[sees].all()
    assert 0 < near.sum() < len(cars)
