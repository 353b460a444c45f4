"""The map from above: the same ground and things as in the pictures, and still the same when the car has moved on."""

import numpy as np
import pytest
import torch

from scenarios import CLASSES, GRID, TopDown, World, open_world
from scenarios.paint.columns import SHEET
from scenarios.paint.scene import OBJECT, ROAD, Kind
from scenarios.paint.shade import Sheet, drawn_ground
from scenarios.roads import FAR_M

FINE = 5  # places along the side of a cell


@pytest.fixture(scope="module")
def world() -> World:
    return open_world("all_weather", seed=5, cars=100, compiled=False)


@pytest.fixture(scope="module")
def moments(world: World) -> tuple[np.ndarray, np.ndarray]:
    cars, ticks = np.arange(400, dtype=np.uint32), np.arange(400) * 991 + 5000
    driving = world.motion(cars, ticks).driving & world.motion(cars, ticks + 20).driving
    return cars[driving], ticks[driving]


@pytest.fixture(scope="module")
def above(world: World, moments: tuple[np.ndarray, np.ndarray]) -> TopDown:
    return world.top_down(*moments)


def test_row_0_is_farthest_ahead_and_column_0_farthest_left() -> None:
    middles = GRID.middles()
    assert middles.shape == (GRID.rows, GRID.columns, 2)
    np.testing.assert_allclose(middles[0, 0], (27.75, 19.75))
    np.testing.assert_allclose(middles[-1, -1], (-11.75, -19.75))


def test_ground_is_where_the_painter_paints_it(
    world: World, moments: tuple[np.ndarray, np.ndarray], above: TopDown
) -> None:
    asphalt, paint = _painted(world.scene(*moments).road)  # type: ignore[attr-defined]
    drivable, line, crosswalk = (above.cells[:, i] for i in range(3))
    middle = FINE // 2
    assert (asphalt[:, middle::FINE, middle::FINE] == drivable).mean() > 0.9995
    painted = _cells(paint).any(axis=(3, 4))
    assert (painted & ~_spread(line | crosswalk)).sum() < 0.002 * painted.sum()
    assert (painted & (line | crosswalk))[painted].mean() > 0.97  # the rest lies on the border of two cells
    near_paint = _spread(painted)
    assert (near_paint & line)[line].mean() > 0.97  # a sample a decimetre misses half lines beside a median
    assert (near_paint & crosswalk)[crosswalk].mean() > 0.99
    assert line.any()
    assert crosswalk.any()


def _painted(road: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The painter's ground, asked from straight above: where it is road and where paint, (n, rows, columns) fine."""
    side = (np.arange(GRID.rows * FINE, dtype=np.float32) + 0.5) * (GRID.cell_m / FINE)
    behind = 100.0
    values = torch.zeros(len(road), len(SHEET), len(side))
    values[:, SHEET.index("x")], values[:, SHEET.index("dx")] = -behind, 1.0
    values[:, SHEET.index("y")] = torch.from_numpy(GRID.left_m - side)
    values[:, SHEET.index("focal")] = 1e6  # lines are sharp
    for i, name in enumerate(ROAD):
        values[:, SHEET.index(name)] = torch.from_numpy(road[:, i, None]) if name != "wear" else 0.0
    depth = torch.from_numpy(GRID.ahead_m - side + behind)[None, :, None].expand(len(road), -1, len(side))
    ground = drawn_ground(Sheet(values, torch.zeros(len(side), 1)), depth)
    asphalt = ground.wet.numpy() > 0.5
    return asphalt, ground.red.numpy() > 0.75  # brighter than a kerb


def _cells(fine: np.ndarray) -> np.ndarray:
    """(n, rows, columns, FINE, FINE)."""
    return fine.reshape(len(fine), GRID.rows, FINE, GRID.columns, FINE).swapaxes(2, 3)


def _spread(cells: np.ndarray) -> np.ndarray:
    """Cells, and those beside them."""
    out = np.pad(cells, ((0, 0), (1, 1), (1, 1)))
    return np.any([out[:, i : i + cells.shape[1], j : j + cells.shape[2]] for i in range(3) for j in range(3)], axis=0)


def test_vehicles_and_people_have_the_cells_they_stand_on(
    world: World, moments: tuple[np.ndarray, np.ndarray], above: TopDown
) -> None:
    objects = world.scene(*moments).objects  # type: ignore[attr-defined]
    x, y, kind = (objects[..., OBJECT.index(name)] for name in ("x", "y", "kind"))
    inside = (x > -11.5) & (x < 27.5) & (np.abs(y) < 19.5)
    for name, kinds in {"vehicle": (Kind.VEHICLE, Kind.TRUCK), "pedestrian": (Kind.PEDESTRIAN,)}.items():
        car, slot = np.nonzero(np.isin(kind, kinds) & inside)
        row = ((GRID.ahead_m - x[car, slot]) / GRID.cell_m).astype(int)
        column = ((GRID.left_m - y[car, slot]) / GRID.cell_m).astype(int)
        assert len(car) > 50
        assert above.cells[car, CLASSES.index(name), row, column].all()
    car, row, column = np.nonzero(above.thing >= 0)
    slot = above.thing[car, row, column]
    away = np.hypot(*(GRID.middles()[row, column].T - np.stack([x[car, slot], y[car, slot]])))
    size = np.hypot(*(objects[car, slot, OBJECT.index(name)] for name in ("half_length", "half_width")))
    assert (away < size + GRID.cell_m).all()
    assert (above.cells[:, 3:].any(axis=1) == (above.thing >= 0)).all()


def test_a_lane_line_is_no_crosswalk_and_a_drawn_world_knows_all_classes(above: TopDown) -> None:
    assert not (above.cells[:, 1] & above.cells[:, 2]).any()
    assert above.known.all()
    assert (above.junction_m < FAR_M).any()


def test_a_car_has_the_same_map_in_any_company(
    world: World, moments: tuple[np.ndarray, np.ndarray], above: TopDown
) -> None:
    cars, ticks = (values[7:9] for values in moments)
    alone = world.top_down(cars, ticks)
    np.testing.assert_array_equal(alone.cells, above.cells[7:9])
    np.testing.assert_array_equal(alone.thing, above.thing[7:9])


@pytest.mark.parametrize(("ticks_on", "usual_m", "mostly_m"), [(10, 0.05, 0.3), (20, 0.1, 0.6)])
def test_what_stands_still_is_found_where_odometry_says(
    world: World, moments: tuple[np.ndarray, np.ndarray], ticks_on: int, usual_m: float, mostly_m: float
) -> None:
    cars, then = moments
    before, after = world.truth(cars, then), world.truth(cars, then + ticks_on)
    moved = world.moved(cars, then, then + ticks_on)
    assert np.abs(moved[:, 0]).max() > 5.0
    errors = []
    for i in range(len(cars)):
        parked = [set(truth.encounter[i][truth.encounter[i] % 16 == 2]) for truth in (before, after)]
        for thing in parked[0] & parked[1]:
            a, b = (int(np.flatnonzero(truth.encounter[i] == thing)[0]) for truth in (before, after))
            if -12 < after.x_m[i, b] < 28:
                x, y, turn = moved[i]
                ahead = np.cos(turn) * before.x_m[i, a] - np.sin(turn) * before.y_m[i, a] + x
                left = np.sin(turn) * before.x_m[i, a] + np.cos(turn) * before.y_m[i, a] + y
                errors.append(np.hypot(ahead - after.x_m[i, b], left - after.y_m[i, b]))
    assert len(errors) > 100
    assert np.median(errors) < usual_m
    assert np.percentile(errors, 90) < mostly_m


def test_to_move_there_and_back_is_to_stay(world: World, moments: tuple[np.ndarray, np.ndarray]) -> None:
    cars, then = moments
    there, back = world.moved(cars, then, then + 15), world.moved(cars, then + 15, then)
    cos, sin = np.cos(back[:, 2]), np.sin(back[:, 2])
    x = cos * there[:, 0] - sin * there[:, 1] + back[:, 0]
    y = sin * there[:, 0] + cos * there[:, 1] + back[:, 1]
    np.testing.assert_allclose(np.stack([x, y, there[:, 2] + back[:, 2]]), 0.0, atol=1e-6)
