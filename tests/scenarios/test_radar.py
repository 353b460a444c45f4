"""What the radar hears: metal in the car's path, and only that."""

import numpy as np
from numpy.typing import NDArray
from scenes import drawn, scene_of

from scenarios import Draws
from scenarios.paint.scene import Kind
from scenarios.radar import DEAF, ERROR_M, WANDER_M, nearest_echo

CARS = np.arange(300, dtype=np.uint32)
TICKS = np.full(300, 432_000)


def heard(kind: Kind, *, ahead: float = 25.0, aside: float = 0.0) -> NDArray[np.float32]:
    """What 300 cars hear of one thing of a kind, alone on a straight road."""
    return heard_where(kind, ahead=ahead, aside=aside)[0]


def heard_where(kind: Kind, *, ahead: float, aside: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same, and how far aside they hear it."""
    scene = scene_of([[{"kind": kind, "x": ahead, "y": aside}]] * len(CARS))
    return nearest_echo(scene, Draws(5), CARS, TICKS)


def test_it_hears_a_car_ahead_as_far_as_its_back_with_some_error_and_sometimes_not_at_all() -> None:
    found = heard(Kind.VEHICLE)
    told = found[np.isfinite(found)]
    assert 1.0 - 4 * DEAF < len(told) / len(found) < 1.0
    assert abs(told.mean() - 22.8) < 0.1
    assert 0.7 * ERROR_M < told.std() < 1.3 * ERROR_M


def test_it_hears_how_far_aside_the_car_ahead_is_with_an_error_of_its_own() -> None:
    away, aside = heard_where(Kind.VEHICLE, ahead=15.0, aside=0.9)
    there = np.isfinite(away)
    assert abs(aside[there].mean() - 0.9) < 0.06
    assert WANDER_M < aside[there].std() < 1.25 * WANDER_M
    assert abs(np.corrcoef(away[there], aside[there])[0, 1]) < 0.2


def test_where_it_hears_nothing_there_is_no_place_either() -> None:
    away, aside = heard_where(Kind.PEDESTRIAN, ahead=15.0, aside=0.9)
    assert not np.isfinite(away).any()
    assert (aside == 0).all()


def test_it_hears_a_steel_plate_and_no_person() -> None:
    assert np.isfinite(heard(Kind.STEEL_PLATE)).mean() > 0.9
    assert not np.isfinite(heard(Kind.PEDESTRIAN)).any()


def test_it_does_not_hear_what_is_beside_the_path_or_too_far() -> None:
    assert not np.isfinite(heard(Kind.VEHICLE, aside=3.5)).any()
    assert not np.isfinite(heard(Kind.VEHICLE, ahead=120.0)).any()


def test_a_car_hears_the_same_in_any_company() -> None:
    world = drawn()
    together, alone = world.frames(CARS[:20], TICKS[:20]), world.frames(CARS[7:9], TICKS[7:9])
    for heard in ("radar_m", "radar_aside_m"):
        assert np.array_equal(getattr(together, heard)[7:9], getattr(alone, heard))
