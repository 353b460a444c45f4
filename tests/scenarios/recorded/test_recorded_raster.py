import numpy as np
import pytest
from little_drives import straight_drive, town

from scenarios.recorded import RoadLine, rasterise
from scenarios.recorded.raster import (
    ASPHALT,
    CROSSWALK,
    LANE_LINE,
    MOST_CELLS,
    OFF_ROAD,
    SIDEWALK,
    GroundGrid,
    dashes,
    fill,
    stroke,
)


def _empty(rows: int = 40, columns: int = 60) -> GroundGrid:
    return GroundGrid(np.zeros((rows, columns), np.uint8), 0.0, 0.0, 0.25)


def _inside(ring: np.ndarray, x: float, y: float) -> bool:
    """Plain ray casting, one point at a time."""
    odd = False
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def test_a_street_has_asphalt_lines_crosswalk_and_pavement() -> None:
    ground = rasterise(straight_drive(agents=[], roads=town()))
    x, y = np.array([10.0, 42.0, 10.0, 10.0, -4.0]), np.array([1.0, 0.0, 7.0, 12.0, 3.05])
    assert ground.at(x, y).tolist() == [ASPHALT, CROSSWALK, SIDEWALK, OFF_ROAD, LANE_LINE]


def test_a_yard_inside_a_block_is_not_road() -> None:
    ground = rasterise(straight_drive(agents=[], roads=town()))
    assert ground.at(np.array([25.0, 40.0]), np.array([40.0, 40.0])).tolist() == [ASPHALT, OFF_ROAD]


def test_paint_does_not_leave_the_road() -> None:
    ground = rasterise(straight_drive(agents=[], roads=town()))
    assert ground.at(np.array([10.0]), np.array([-6.1]))[0] == SIDEWALK


def test_an_unmapped_drive_has_a_road_under_it() -> None:
    drive = straight_drive(agents=[])
    ground = rasterise(drive)
    assert np.all(ground.at(drive.x_m, drive.y_m) == ASPHALT)
    assert ground.at(np.array([5.0, 5.0]), np.array([1.6, 2.5])).tolist() == [ASPHALT, SIDEWALK]


def test_outside_the_grid_is_off_road() -> None:
    assert rasterise(straight_drive(agents=[])).at(np.array([1e6, -1e6]), np.zeros(2)).tolist() == [OFF_ROAD, OFF_ROAD]


def test_the_same_drive_gives_the_same_ground() -> None:
    assert np.array_equal(*(rasterise(straight_drive(agents=[], roads=town())).cells for _ in range(2)))


def test_a_long_drive_gets_coarser_cells_and_not_more_of_them() -> None:
    ground = rasterise(straight_drive(agents=[], speed_mps=5_000.0, yaw_rad=0.7))
    assert ground.cells.size <= MOST_CELLS
    assert ground.cell_m > 0.25


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.2, 2.9])
def test_filling_agrees_with_casting_a_ray_from_every_cell(turn: float) -> None:
    angle, radius = np.arange(10) * np.pi / 5 + turn, np.tile([6.0, 2.0], 5)
    star = np.stack([7 + radius * np.cos(angle), 5 + radius * np.sin(angle)], axis=1)
    grid = _empty()
    mask = np.zeros(grid.cells.shape, bool)
    fill(grid, (star,), mask)
    plain = [[_inside(star, (c + 0.5) * 0.25, (r + 0.5) * 0.25) for c in range(60)] for r in range(40)]
    assert np.array_equal(mask, plain)


def test_a_ring_that_leaves_the_grid_fills_only_what_is_on_it() -> None:
    grid = _empty()
    mask = np.zeros(grid.cells.shape, bool)
    fill(grid, (np.array([[-50.0, -50.0], [5.0, -50.0], [5.0, 50.0], [-50.0, 50.0]]),), mask)
    assert mask[:, :20].all()
    assert not mask[:, 20:].any()
    fill(grid, (np.array([[100.0, 0.0], [101.0, 0.0], [101.0, 1.0]]),), mask)
    assert mask.sum() == 40 * 20


def test_a_thick_line_has_its_width_and_no_holes() -> None:
    grid = _empty()
    mask = np.zeros(grid.cells.shape, bool)
    stroke(grid, np.array([[1.0, 1.0], [13.0, 8.0]]), 1.5, mask)
    area = mask.sum() * 0.25**2
    assert area == pytest.approx(1.5 * np.hypot(12, 7), rel=0.25)
    ends = [np.flatnonzero(row)[[0, -1]] for row in mask if row.any()]
    assert all(mask[r, a : b + 1].all() for r, (a, b) in zip(np.flatnonzero(mask.any(1)), ends, strict=True))


def test_dashes_are_three_metres_with_gaps_of_six() -> None:
    pieces = dashes(RoadLine(np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]]), "dashed"))
    assert [piece[0].tolist() for piece in pieces] == [[0, 0], [9, 0], [10, 8]]
    assert pieces[1].tolist() == [[9, 0], [10, 0], [10, 2]]
