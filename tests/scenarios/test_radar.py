"""What the radar hears: metal in the car's path, and only that."""

import numpy as np
from numpy.typing import NDArray
from scenes import drawn, scene_of

from scenarios import Draws
from scenarios.paint.scene import Kind
from scenarios.radar import DEAF, ERROR_M, nearest_echo_m

CARS = np.arange(300, dtype=np.uint32)
TICKS = np.full(300, 432_000)


def heard(kind: Kind, *, ahead: float = 25.0, aside: float = 0.0) -> NDArray[np.float32]:
    """What 300 cars hear of one thing of a kind, alone on a straight road."""
    scene = scene_of([[{"kind": kind, "x": ahead, "y": aside}]] * len(CARS))
    return nearest_echo_m(scene, Draws(5), CARS, TICKS)


def test_it_hears_a_car_ahead_as_far_as_its_back_with_some_error_and_sometimes_not_at_all() -> None:
    found = heard(Kind.VEHICLE)
    told = found[np.isfinite(found)]
    assert 1.0 - 4 * DEAF < len(told) / len(found) < 1.0
    assert abs(told.mean() - 22.8) < 0.1
    assert 0.7 * ERROR_M < told.std() < 1.3 * ERROR_M


def test_it_hears_a_steel_plate_and_no_person() -> None:
    assert np.isfinite(heard(Kind.STEEL_PLATE)).mean() > 0.9
    assert not np.isfinite(heard(Kind.PEDESTRIAN)).any()


def test_it_does_not_hear_what_is_beside_the_path_or_too_far() -> None:
    assert not np.isfinite(heard(Kind.VEHICLE, aside=3.5)).any()
    assert not np.isfinite(heard(Kind.VEHICLE, ahead=120.0)).any()


def test_a_car_hears_the_same_in_any_company() -> None:
    world = drawn()
    together, alone = world.frames(CARS[:20], TICKS[:20]).radar_m, world.frames(CARS[7:9], TICKS[7:9]).radar_m
    assert together is not None
    assert alone is not None
    assert np.array_equal(together[7:9], alone)
