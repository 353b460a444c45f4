"""Where the road runs around a car, and what is painted and built beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import rates
from scenarios.draws import Draws
from scenarios.exposure import WorldSpec
from scenarios.paint.scene import ROAD
from scenarios.trips import ROADS, Floats, Ints, Progress, road_of_trip

CELL_M = 40.0
"""Roads are furnished cell by cell."""

BEHIND, AHEAD = 2, 4
CELLS = np.arange(-BEHIND, AHEAD)
"""Cells around a car that it can see, itself in cell 0."""

ROOF_M, BRIDGE_M = 240.0, 9.0
"""Length of a tunnel, and of a bridge over the road."""

CREST_M, CREST_HIGH_M = 60.0, 1.5
"""Length and height of the sharpest crest, or dip, of a street; on a motorway it is three times as long."""

FAR_M = 1.0e4
_WRAP_M = 5760.0  # textures repeat after this: a whole number of dashes, lots, windows and lamps
TRIP_STRIDE = 1 << 17  # more than a trip has cells
_WINDING = np.array([0.25, 1.0, 1.0, 0.0])  # how much each of ROADS bends
_BEND_M = 60.0  # a bend's length over two pi
_PIECES = 16  # of the way between two moments, to sum it up


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """The road around n cars; lengths in m, the frame is (along, aside left of the middle).

    kind: (n,) int64 into ROADS
    cell: (n,) int64 the car's cell; key: (n, cells) int64 what draws for a cell are keyed by
    start: (n, cells) where each cell begins, along, from the car
    lanes: (n,) a direction; lane: (n,) int64 the car's own, 0 next to the middle
    lane_width, walk, facade: (n,) a lane's, the pavement's, and from the middle to the houses
    curvature: (n,) 1/m, left positive; wear: (n,) 0..1 of the paint; seed: (n,) which houses
    offset, heading: (n,) the car's own place left of the middle, m, and angle to the road, rad
    crosswalk, junction: (n, cells) bool, in the middle of the cell
    median: (n,) between the two directions, 0 but on motorways
    bays: (n,) bool, parking bays beside the lane, and no lines on it
    roof, roof_end: (n,) along from the car to where a tunnel (or a bridge over the road) begins and ends; `FAR_M` where
        none is
    """

    kind: Ints
    cell: Ints
    key: Ints
    start: Floats
    lanes: Floats
    lane_width: Floats
    walk: Floats
    facade: Floats
    curvature: Floats
    wear: Floats
    seed: Floats
    lane: Ints
    offset: Floats
    heading: Floats
    crosswalk: NDArray[np.bool_]
    junction: NDArray[np.bool_]
    median: Floats
    bays: NDArray[np.bool_]
    roof: Floats
    roof_end: Floats

    @property
    def tunnel(self) -> NDArray[np.bool_]:
        """Which cars have a roof of some length over them, (n,)."""
        return in_tunnel(self.roof, self.roof_end)

    @property
    def half(self) -> Floats:
        """From the middle to the kerb, m."""
        return self.lanes * self.lane_width


def often(spec: WorldSpec, name: str, otherwise: float = 0.0) -> Floats:
    """How often a car meets something per km, (len(ROADS),): what the world says, or the base rate of its region."""
    usual = rates.per_km(spec.region).get(name, otherwise)
    return np.broadcast_to(np.asarray(spec.encounters_per_km.get(name, usual), np.float64), (len(ROADS),))


def road_around(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], progress: Progress) -> Road:
    """The road of n cars at one moment each."""
    trip, along = progress.trip, progress.along_m
    sort = road_of_trip(spec, draws, cars, trip)
    motorway, urban, residential, lot = (sort == i for i in range(len(ROADS)))
    kind, width, side, paint = draws.four("road", cars, trip)
    bend, phase, weave, home = draws.four("road shape", cars, trip)
    lanes, lane_width, lane = _lanes(sort, kind, width, side)
    offset, heading = _in_lane(lane, lane_width, weave, along)
    cell = np.floor(along / CELL_M).astype(np.int64)
    key = trip[:, None] * TRIP_STRIDE + cell[:, None] + CELLS
    crossing, meeting, _, _ = draws.four("crossings", cars[:, None], key)
    per_cell = np.where(urban, 1.0, np.where(residential, 0.5, 0.0))[:, None] * CELL_M / 1000.0
    roof, roof_end = roof_over(spec, draws, cars, progress, sort)
    return Road(
        kind=sort,
        cell=cell,
        key=key,
        start=(cell[:, None] + CELLS) * CELL_M - along[:, None],
        lanes=lanes,
        lane_width=lane_width,
        walk=np.where(motorway, 2.2, np.where(lot, 5.2, 2.4 + 2.0 * paint)),
        facade=lanes * lane_width + np.where(motorway | lot, 16.0, 7.0) + np.where(residential, 6.0, 9.0) * home,
        curvature=_WINDING[sort] * curvature_at(bend, phase, along),
        wear=paint * 0.9,
        seed=np.floor(home * 1000.0),
        lane=lane,
        offset=offset,
        heading=heading,
        crosswalk=crossing < spec.crosswalks_per_km * per_cell,
        junction=meeting < spec.junctions_per_km * per_cell,
        median=np.where(motorway, 4.0, 0.0),
        bays=lot,
        roof=roof,
        roof_end=roof_end,
    )


def in_tunnel(roof: Floats, roof_end: Floats) -> NDArray[np.bool_]:
    """Which cars have a roof over them that is longer than a bridge, (n,); roof, roof_end: as in `Road`."""
    return np.asarray((roof <= 0.0) & (roof_end >= 0.0) & (roof_end - roof > 0.5 * ROOF_M))


def roof_over(
    spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], progress: Progress, sort: Ints
) -> tuple[Floats, Floats]:
    """Where the nearest roof over the road begins and ends, along from the car, (n,) each; `FAR_M` where none is."""
    unit = np.floor(progress.along_m / ROOF_M).astype(np.int64)[:, None] + np.arange(-1, 2)
    which, _, _, _ = draws.four("roofs", cars[:, None], progress.trip[:, None] * TRIP_STRIDE + unit)
    tunnel, bridge = (often(spec, name)[sort][:, None] * ROOF_M / 1000.0 for name in ("tunnel", "overpass"))
    there = which < tunnel + bridge
    begins = unit * ROOF_M - progress.along_m[:, None]
    ends = begins + np.where(which < tunnel, ROOF_M, BRIDGE_M)
    ahead = np.where(there & (ends > -1.0), begins, FAR_M)
    nearest = np.argmin(ahead, axis=1)[:, None]
    found = np.take_along_axis(ahead, nearest, 1)[:, 0]
    last = np.take_along_axis(ends, nearest, 1)[:, 0]
    return found, np.where(found < FAR_M, last, FAR_M)


def curvature_at(bend: Floats, phase: Floats, along: Floats) -> Floats:
    """Of a road `along` m into a trip, (n,) 1/m, left positive; bend and phase (n,) are the trip's draws in [0, 1)."""
    return 0.0045 * (2.0 * bend - 1.0) * np.sin(along / _BEND_M + phase * 6.283)


def moved(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], start: Progress, end: Progress) -> Floats:
    """Where the car frames of `start` lie in those of `end`, of the same trip each: (n, 3) x and y, m, and turn, rad.

    What wheels and a gyroscope say who never err: the way along the bending road summed up in short pieces, and the
    car's own sway in its lane.
    """
    sort = road_of_trip(spec, draws, cars, start.trip)
    kind, width, side, _ = draws.four("road", cars, start.trip)
    bend, phase, weave, _ = draws.four("road shape", cars, start.trip)
    _, lane_width, lane = _lanes(sort, kind, width, side)
    offset, heading = zip(*(_in_lane(lane, lane_width, weave, each.along_m) for each in (start, end)), strict=True)
    strength = _WINDING[sort] * 0.0045 * (2.0 * bend - 1.0) * _BEND_M

    def turned(along: Floats) -> Floats:
        at = (start.along_m / _BEND_M + phase * 6.283, along / _BEND_M + phase * 6.283)
        return np.asarray(strength * (np.cos(at[0]) - np.cos(at[1])))

    way = end.along_m - start.along_m
    x, y = np.zeros(len(cars)), np.zeros(len(cars))
    for piece in range(_PIECES):
        angle = turned(start.along_m + way * ((piece + 0.5) / _PIECES))
        x, y = x + np.cos(angle) * way / _PIECES, y + np.sin(angle) * way / _PIECES
    road = turned(end.along_m)
    ahead, left = offset[1] * np.sin(road) - x, offset[0] - offset[1] * np.cos(road) - y
    turn = road + heading[1]
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * ahead + sin * left, cos * left - sin * ahead, heading[0] - turn], axis=1)


def _lanes(sort: Ints, kind: Floats, width: Floats, side: Floats) -> tuple[Floats, Floats, Ints]:
    """Lanes of n roads, how wide each is, m, and the one that a car is in, 0 next to the middle; (n,) each."""
    motorway, urban, residential = (sort == ROADS.index(name) for name in ("motorway", "urban", "residential"))
    lanes = np.where(urban, np.where(kind < 0.5, 1.0, np.where(kind < 0.87, 2.0, 3.0)), 1.0)
    lanes = np.where(motorway, np.where(kind < 0.6, 2.0, 3.0), lanes)
    lane_width = np.where(motorway, 3.6 + 0.15 * width, np.where(residential, 2.9 + 0.4 * width, 3.2 + 0.5 * width))
    return lanes, lane_width, np.minimum((side * lanes).astype(np.int64), lanes.astype(np.int64) - 1)


def _in_lane(lane: Ints, lane_width: Floats, weave: Floats, along: Floats) -> tuple[Floats, Floats]:
    """How far cars are left of the road's middle, m, and how they head along it, rad: each sways in its lane."""
    sway, slope = 0.22 * np.sin(along / 19.0 + weave * 6.283), 0.22 / 19.0 * np.cos(along / 19.0 + weave * 6.283)
    return -(lane + 0.5) * lane_width + sway, slope


def slope_change(spec: WorldSpec, draws: Draws, cars: NDArray[np.uint32], progress: Progress) -> Floats:
    """How quickly the road grows steeper where each car is, (n,) 1/m: above 0 in a dip, below on a crest.

    A crest is one wave of a cosine over flat road. Cars feel it; the pictures stay level.
    """
    unit = np.floor(progress.along_m / ROOF_M).astype(np.int64)
    sort = road_of_trip(spec, draws, cars, progress.trip)
    which, sharp, downwards, _ = draws.four("crests", cars, progress.trip * TRIP_STRIDE + unit)
    there = which < often(spec, "crest")[sort] * ROOF_M / 1000.0
    length = np.where(sort == ROADS.index("motorway"), 3.0, 1.0) * CREST_M
    share = (progress.along_m - unit * ROOF_M) / length
    height = np.where(downwards < 0.5, 1.0, -1.0) * CREST_HIGH_M * (0.2 + 0.8 * sharp)
    turning = 0.5 * height * (2.0 * np.pi / length) ** 2 * np.cos(2.0 * np.pi * share)
    return np.where(there & (share < 1.0), turning, 0.0)


def nearest_ahead(road: Road, there: NDArray[np.bool_], *, shift_m: float = 0.0) -> tuple[Floats, Floats]:
    """Middles of the next marked cell ahead and of the last one behind, m along from the car; `FAR_M` where none."""
    middle = road.start + (CELL_M / 2 + shift_m)
    ahead = np.where(there & (middle > -1.0), middle, FAR_M).min(axis=1)
    behind = np.where(there & (middle <= -1.0), middle, -FAR_M).max(axis=1)
    return ahead, behind


def painted_road(road: Road, along: Floats) -> NDArray[np.float32]:
    """The painter's road rows, (n, len(ROAD))."""
    crossing, passed = nearest_ahead(road, road.crosswalk)
    junction, _ = nearest_ahead(road, road.junction, shift_m=12.0)
    values = {
        "along": np.mod(along, _WRAP_M),
        "offset": road.offset,
        "cos": np.cos(road.heading),
        "sin": np.sin(road.heading),
        "curvature": road.curvature,
        "lanes": road.lanes,
        "lane_width": road.lane_width,
        "walk": road.walk,
        "crossing": crossing,
        "crossing_behind": passed,
        "junction": junction,
        "facade": road.facade,
        "seed": road.seed,
        "wear": road.wear,
        "median": road.median,
        "bays": road.bays,
        "roof": road.roof,
        "roof_end": road.roof_end,
    }
    return np.stack([values[name] for name in ROAD], axis=1).astype(np.float32)


def to_car(road: Road, along: Floats, aside: Floats) -> tuple[Floats, Floats, Floats]:
    """(n, k) places on the road, along from the car and left of the middle, m: x, y and the road's direction, rad."""
    bend, heading = road.curvature[:, None], road.heading[:, None]
    left = aside + 0.5 * bend * along * np.minimum(np.abs(along), 120.0) * np.sign(along) - road.offset[:, None]
    cos, sin = np.cos(heading), np.sin(heading)
    return cos * along + sin * left, cos * left - sin * along, bend * np.abs(along) * np.sign(along) - heading
