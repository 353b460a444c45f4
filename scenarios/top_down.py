"""What lies and stands around a car, seen from above: the truth about a map, for labeller and examiner only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import OBJECT, ROAD, Kind

CLASSES = ("drivable", "lane_line", "crosswalk", "vehicle", "pedestrian")
"""What a cell may hold, several at a time: ground as painted, then what stands on it."""

_STANDING: dict[str, tuple[Kind, ...]] = {
    "vehicle": (Kind.VEHICLE, Kind.TRUCK, Kind.SCHOOL_BUS),
    "pedestrian": (Kind.PEDESTRIAN,),
}
_LINE_M, _ZEBRA_M, _STREET_M = 0.075, 1.7, 5.5  # half widths of lines, crosswalks and crossing streets, as painted
_DASH_M, _PAINTED, _BAY_M = 9.0, 0.38, 2.88  # a dash and its gap, the share of it that is dash, a bay's width

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells around a car, in its frame: an array (rows, columns) shown as a picture has what is ahead on top.

    rows, columns: of cells; row 0 is farthest ahead, column 0 farthest left
    cell_m: side of a cell
    ahead_m, left_m: where the first row and column begin
    """

    rows: int = 80
    columns: int = 80
    cell_m: float = 0.5
    ahead_m: float = 28.0
    left_m: float = 20.0

    def middles(self) -> Floats:
        """Middles of the cells, ahead and left in the car frame: (rows, columns, 2) m."""
        x = self.ahead_m - (np.arange(self.rows, dtype=np.float32) + 0.5) * self.cell_m
        y = self.left_m - (np.arange(self.columns, dtype=np.float32) + 0.5) * self.cell_m
        return np.stack(np.broadcast_arrays(x[:, None], y[None, :]), axis=2)


GRID = Grid()
"""40 m by 40 m in half metres: from 12 m behind to 28 m ahead, 20 m to either side."""


@dataclass(frozen=True, slots=True, eq=False)
class TopDown:
    """n cars at one moment each, on `GRID`.

    cells: (n, classes, rows, columns) bool; ground by a cell's middle, but a line, a vehicle or a person has every
        cell that it touches
    known: (n, classes) bool, whether the world knows where such a class is; where not, its cells are False
    thing: (n, rows, columns) int16, the place in `Truth` of the thing that stands there; -1 for none
    junction_m: (n,) float32, along the road to the middle of the crossing street that is painted; inf where none is
    """

    cells: NDArray[np.bool_]
    known: NDArray[np.bool_]
    thing: NDArray[np.int16]
    junction_m: Floats


def seen_from_above(
    ground: NDArray[np.bool_], known: NDArray[np.bool_], objects: Floats, junction_m: Floats
) -> TopDown:
    """What is known of the ground, with the things that stand on it.

    ground: (n, 3, rows, columns), drivable, lane_line and crosswalk; known: (n, 3)
    objects: (n, K, len(OBJECT)) as a scene has them
    """
    standing, thing = footprints(objects)
    certain = np.ones((len(objects), len(_STANDING)), np.bool_)
    cells, known = np.concatenate([ground, standing], axis=1), np.concatenate([known, certain], axis=1)
    return TopDown(cells, known, thing, junction_m)


def drawn_ground(road: Floats) -> NDArray[np.bool_]:
    """Drivable, lane_line and crosswalk of drawn roads (n, len(ROAD)): (n, 3, rows, columns).

    The same ground as `paint.shade.drawn_ground`, asked where its paint is instead of how it looks.
    """

    def of(name: str) -> Floats:
        return road[:, ROAD.index(name), None, None]

    x, y = GRID.middles()[None, ..., 0], GRID.middles()[None, ..., 1]
    ahead = of("cos") * x - of("sin") * y
    aside = of("offset") + of("sin") * x + of("cos") * y
    aside = aside - 0.5 * of("curvature") * ahead * np.minimum(np.abs(ahead), 120.0) * np.sign(ahead)
    median, half_road = of("median"), of("lanes") * of("lane_width")
    between = (aside > 0.0) & (aside < median)
    away = np.where(aside > 0.0, np.abs(aside - median), -aside)
    paved = half_road + np.where((of("bays") > 0.0) | (median > 0.0), of("walk"), 0.0)
    street = np.abs(ahead - of("junction")) < _STREET_M
    drivable = ((away < paved) & ~between) | street
    nearest = np.minimum(np.abs(ahead - of("crossing")), np.abs(ahead - of("crossing_behind")))
    crosswalk = (nearest < _ZEBRA_M) & (away < half_road)
    along = of("along") + ahead
    lines = np.where(of("bays") > 0.0, _bays(along, away, half_road, paved), _lanes(along, aside, of))
    return np.stack([drivable, lines & ~crosswalk & ~street, crosswalk], axis=1)


def _lanes(along: Floats, aside: Floats, of: Callable[[str], Floats]) -> NDArray[np.bool_]:
    """Cells that the lines of both carriageways touch: the middle and the edges through, dashes between lanes."""
    dash = np.mod(along / _DASH_M, 1.0) < _PAINTED
    found = np.zeros(along.shape, np.bool_)
    for from_middle, least, most in ((aside, -of("lanes"), 0.0), (aside - of("median"), 0.0, of("lanes"))):
        line = np.clip(np.round(from_middle / of("lane_width")), least, most)
        through = (line == 0) | (np.abs(line) == of("lanes"))
        touched = np.abs(from_middle - line * of("lane_width")) < _LINE_M + GRID.cell_m / 2
        found |= touched & (through | dash)
    return found


def _bays(along: Floats, away: Floats, half_road: Floats, paved: Floats) -> NDArray[np.bool_]:
    """Cells that the lines between parking bays touch."""
    stall = along / _BAY_M
    touched = np.abs(stall - np.round(stall)) * _BAY_M < _LINE_M + GRID.cell_m / 2
    return np.asarray(touched & (away > half_road) & (away < paved))


def footprints(objects: Floats) -> tuple[NDArray[np.bool_], NDArray[np.int16]]:
    """Cells that the vehicles and the pedestrians of n scenes (n, K, len(OBJECT)) touch, (n, 2, rows, columns).

    And whose they are, (n, rows, columns); a cell that two share is the later one's.
    """
    cells = np.zeros((len(objects), len(_STANDING), GRID.rows, GRID.columns), np.bool_)
    thing = np.full((len(objects), GRID.rows, GRID.columns), -1, np.int16)
    kind = objects[:, :, OBJECT.index("kind")]
    for number, kinds in enumerate(_STANDING.values()):
        car, slot = np.nonzero(np.isin(kind, kinds))
        one, row, column = _touched(objects[car, slot])
        cells[car[one], number, row, column] = True
        thing[car[one], row, column] = slot[one]
    return cells, thing


def _touched(box: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Cells that each of m upright boxes (m, len(OBJECT)) touches: number of the box, row and column, (cells,) each."""
    x, y, cos, sin, half_length, half_width = (box[:, i, None, None] for i in range(6))
    reach = np.hypot(half_length, half_width).max(initial=0.0) + GRID.cell_m
    window = np.arange(-int(reach / GRID.cell_m) - 1, int(reach / GRID.cell_m) + 2)
    row = np.floor((GRID.ahead_m - x) / GRID.cell_m).astype(np.intp) + window[:, None]
    column = np.floor((GRID.left_m - y) / GRID.cell_m).astype(np.intp) + window
    dx = GRID.ahead_m - (row + 0.5) * GRID.cell_m - x  # (m, window, 1)
    dy = GRID.left_m - (column + 0.5) * GRID.cell_m - y  # (m, 1, window)
    along, across = np.abs(cos * dx + sin * dy), np.abs(cos * dy - sin * dx)
    hit = (along < half_length + GRID.cell_m / 2) & (across < half_width + GRID.cell_m / 2)
    hit &= (row >= 0) & (row < GRID.rows) & (column >= 0) & (column < GRID.columns)
    one, i, j = np.nonzero(hit)
    return one, row[one, i, 0], column[one, 0, j]
