from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from scenarios import CLASSES, GRID
from vehicle.from_above import REACH_M, difference, free_space_m, held, nearest_obstacle_m
from vehicle.top_down import Viewer

X_M, Y_M = np.moveaxis(GRID.middles(), 2, 0)


def street(**boxes: tuple[float, float, float, float]) -> Any:
    """One map of a road 10 m wide; boxes: class to where it stands, x and y from and to, m."""
    cells = np.zeros((1, len(CLASSES), GRID.rows, GRID.columns), np.bool_)
    cells[0, CLASSES.index("drivable")] = np.abs(Y_M) < 5
    for name, (near, far, right, left) in boxes.items():
        cells[0, CLASSES.index(name)] |= (near < X_M) & (far > X_M) & (right < Y_M) & (left > Y_M)
    return cells


def test_an_empty_road_is_free_as_far_as_the_map_shows() -> None:
    assert free_space_m(street()) == pytest.approx(REACH_M)
    assert nearest_obstacle_m(street()) == pytest.approx(REACH_M)


def test_space_ends_at_what_stands_in_the_lane_and_not_beside_it() -> None:
    assert free_space_m(street(vehicle=(10, 14, -1, 1))) == pytest.approx(10 - 2.4, abs=0.5)
    assert free_space_m(street(pedestrian=(6, 6.6, 1.0, 1.6))) == pytest.approx(6 - 2.4, abs=0.5)
    assert free_space_m(street(vehicle=(10, 14, 2, 4))) == pytest.approx(REACH_M)


def test_space_ends_where_the_road_does() -> None:
    road = street()
    road[0, CLASSES.index("drivable")] &= X_M < 12
    assert free_space_m(road) == pytest.approx(12 - 2.4, abs=0.5)


def test_what_is_behind_takes_no_space_ahead_but_is_near() -> None:
    behind = street(vehicle=(-9, -5, -1, 1))
    assert free_space_m(behind) == pytest.approx(REACH_M)
    assert nearest_obstacle_m(behind) == pytest.approx(5 - 2.4, abs=0.5)


def test_the_car_is_no_obstacle_to_itself() -> None:
    assert nearest_obstacle_m(street(vehicle=(-2.4, 2.4, -1, 1))) == pytest.approx(REACH_M)


def test_viewers_that_see_the_same_do_not_differ() -> None:
    seen = street(vehicle=(10, 14, -1, 1))
    assert difference(seen, seen) == 0
    assert difference(seen, street(vehicle=(10.5, 14.5, -1, 1))) == 0  # half a metre is the same place


def test_viewers_differ_by_what_only_one_of_them_sees() -> None:
    car, bus = street(vehicle=(10, 14, -1, 1)), street(vehicle=(10, 20, -1, 1))
    assert difference(street(), car) == difference(car, street()) == pytest.approx(32 / 48)
    assert 0 < difference(car, bus) < difference(street(), bus) < 1


def test_each_row_is_measured_by_itself() -> None:
    rows = np.concatenate([street(), street(vehicle=(8, 12, -1, 1)), street(vehicle=(4, 8, 3, 5))])
    for measure in (free_space_m, nearest_obstacle_m):
        assert [measure(rows[[i]])[0] for i in range(3)] == measure(rows).tolist()


def test_a_class_is_held_from_its_threshold_on() -> None:
    card = {"thresholds": dict.fromkeys(CLASSES, 0.5) | {"pedestrian": 0.2}}
    viewer = cast("Viewer", SimpleNamespace(card=card))
    maps = np.full((1, len(CLASSES), 2, 2), 0.3, np.float32)
    assert held(viewer, maps).any(axis=(0, 2, 3)).tolist() == [name == "pedestrian" for name in CLASSES]
