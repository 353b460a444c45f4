from collections.abc import Callable

import numpy as np
import pytest
from little_viewer import Blocks
from little_world import MINUTE, LittleWorld

from scenarios import CameraFrames
from vehicle import Network, Sight
from vehicle.lookback import Lookback
from vehicle.perceive import perceive

CARS = np.arange(11, dtype=np.uint32)
FAR = MINUTE + 300  # half a minute from home


@pytest.fixture
def viewer(viewers: list[Blocks]) -> Blocks:
    return viewers[0]


@pytest.fixture
def see(world: LittleWorld, production: Network, viewer: Blocks) -> Callable[..., np.ndarray]:
    """The maps of cars at a tick: (n, classes, rows, columns)."""

    def maps(lookback: Lookback, cars: np.ndarray, tick: int | np.ndarray) -> np.ndarray:
        sight, frames = Sight((viewer,)), world.frames(cars, tick)
        (seen,) = perceive([production], frames, [viewer])
        parts = [each.by_viewer["blocks"] for each in lookback.fuse(sight, production, frames, seen.looks)]
        return np.concatenate(parts)

    return maps


def test_a_map_shows_what_was_seen_a_moment_ago(
    world: LittleWorld, production: Network, viewer: Blocks, see: Callable[..., np.ndarray]
) -> None:
    frames = world.frames(CARS, FAR)
    (seen,) = perceive([production], frames, [viewer])
    alone = viewer.fuse(
        seen.looks["blocks"], np.zeros((11, 2, *viewer.shape)), np.zeros((11, 2, 3)), np.zeros((11, 2), np.bool_)
    )
    assert not np.array_equal(see(Lookback(world), CARS, FAR), alone)


def test_what_was_forgotten_is_looked_at_again_to_the_same_bits(
    world: LittleWorld, see: Callable[..., np.ndarray]
) -> None:
    driven = Lookback(world)
    for tick in range(FAR - 50, FAR, 10):
        see(driven, CARS, tick)
    assert np.array_equal(see(driven, CARS, FAR), see(Lookback(world), CARS, FAR))


def test_a_car_sees_the_same_map_in_any_company(world: LittleWorld, see: Callable[..., np.ndarray]) -> None:
    among_all = see(Lookback(world), CARS, FAR)
    for chosen in ([3], [9, 10], [0, 2, 4, 6, 8, 10]):
        assert np.array_equal(see(Lookback(world), CARS[chosen], FAR), among_all[chosen])


def test_moments_of_any_cars_in_any_order_are_seen_as_the_cars_saw_them(
    world: LittleWorld, see: Callable[..., np.ndarray]
) -> None:
    ticks = FAR + np.array([0, 5, 10, 20, 0, 40, 5, 10])
    cars = np.array([1, 1, 1, 1, 7, 7, 2, 0], np.uint32)
    mixed = see(Lookback(world), cars, ticks)
    for i in range(len(cars)):
        assert np.array_equal(see(Lookback(world), cars[[i]], int(ticks[i]))[0], mixed[i])


def test_nothing_from_before_the_trip_or_near_home_is_remembered(
    world: LittleWorld, viewer: Blocks, production: Network, see: Callable[..., np.ndarray]
) -> None:
    leaving = MINUTE + 100  # the first moment that is not near home
    frames = world.frames(CARS[:8], leaving)
    (seen,) = perceive([production], frames, [viewer])
    nothing = np.zeros((8, 2, *viewer.shape)), np.zeros((8, 2, 3)), np.zeros((8, 2), np.bool_)
    assert np.array_equal(see(Lookback(world), CARS[:8], leaving), viewer.fuse(seen.looks["blocks"], *nothing))


def test_memory_is_bounded_by_the_looks_of_cars_on_the_road(world: LittleWorld, see: Callable[..., np.ndarray]) -> None:
    lookback = Lookback(world)
    sizes = set()
    for tick in range(FAR, FAR + 200, 10):
        see(lookback, CARS if tick < FAR + 100 else CARS[:4], tick)
        sizes.add(len(lookback))
    assert max(sizes) == len(CARS) * 2
    assert len(lookback) == 4 * 2


def test_a_look_is_made_once_and_never_again(
    world: LittleWorld, see: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []
    frames = LittleWorld.frames
    lookback = Lookback(world)
    see(lookback, CARS, FAR)

    def counted(self: LittleWorld, cars: np.ndarray, ticks: np.ndarray) -> CameraFrames:
        painted.append(len(cars))
        return frames(self, cars, ticks)

    monkeypatch.setattr(LittleWorld, "frames", counted)
    see(lookback, CARS, FAR + 10)
    see(lookback, CARS, FAR + 20)
    assert painted == [11, 11]
