"""Other road users and street furniture, where they are at a tick: closed forms, the same thing from tick to tick."""

import numpy as np
from numpy.typing import NDArray

from scenarios.draws import Draws
from scenarios.exposure import TICK_US, WorldSpec
from scenarios.paint.scene import Kind
from scenarios.roads import CELL_M, Road
from scenarios.sites import smooth
from scenarios.slots import Slots, flat, joined, slots
from scenarios.trips import ROADS, Floats, Ints, Progress

_PAINTS = np.array(
    [(0.78, 0.78, 0.80), (0.15, 0.15, 0.17), (0.50, 0.52, 0.55), (0.62, 0.12, 0.12), (0.15, 0.25, 0.50),
     (0.30, 0.34, 0.30), (0.72, 0.68, 0.58), (0.90, 0.90, 0.88)]
)  # fmt: skip
_CLOTHES = np.array(
    [(0.55, 0.20, 0.20), (0.20, 0.30, 0.55), (0.65, 0.62, 0.30), (0.25, 0.45, 0.30), (0.70, 0.70, 0.72)]
)
_SIDES = np.array([1.0, -1.0])

Cars = NDArray[np.uint32]
STRETCH_M = 800.0
"""What goes along with a car goes along for a stretch."""

_AWAY_M = 110.0  # so far off come, and go, vehicles that ride along: small, and slowly growing
_RAMP = 0.25  # of a stretch, in which they come or go

ONCOMING = 5
"""Places for oncoming vehicles, the first of `moving`."""


def _colours(table: NDArray[np.float64], pick: Floats) -> tuple[Floats, Floats, Floats]:
    chosen = table[(pick * len(table)).astype(np.int64)]
    return chosen[..., 0], chosen[..., 1], chosen[..., 2]


def _seconds(ticks: Ints) -> Floats:
    return np.asarray(ticks * (TICK_US / 1e6), np.float64)


def thing_number(key: Ints, place: int | Ints, sort: int) -> Ints:
    """A number for the thing at a place of a keyed cell; never 0."""
    return (key * 64 + place) * 16 + sort + 1


def parked(spec: WorldSpec, draws: Draws, cars: Cars, road: Road) -> Slots:
    """Vehicles at the kerb, or across it in a car park's bays, four places a side and cell: (n, cells * 8).

    At a kerb every other place stays free; nobody parks on a motorway.
    """
    place = np.arange(8)
    key = road.key[:, :, None] * 8 + place  # (n, cells, 8)
    there, jitter, paint, size = (flat(v) for v in draws.four("parked", cars[:, None, None], key))
    side = flat(np.broadcast_to(_SIDES[place % 2], key.shape))
    bay = road.bays[:, None]
    along = flat(road.start[:, :, None] + 5.0 + 10.0 * (place // 2)) + np.where(bay, 0.3, 3.0) * (jitter - 0.5)
    free = road.crosswalk | road.junction | (road.kind == ROADS.index("motorway"))[:, None]
    every_other = (place // 2 % 2 == 1) & ~road.bays[:, None, None]
    free_here = flat(np.broadcast_to(free[:, :, None] | every_other, key.shape))
    truck = (size > 0.94) & ~bay
    half_length = np.where(truck, 3.6, 2.0 + 0.5 * size)
    half_width = np.where(truck, 1.1, 0.88)
    return slots(
        (there < spec.parked_share) & ~free_here,
        np.where(truck, int(Kind.TRUCK), int(Kind.VEHICLE)),
        along=along,
        aside=side * (road.half[:, None] + 0.35 + np.where(bay, half_length, half_width)),
        turn=np.where(side > 0, np.pi, 0.0) + np.where(bay, 0.5 * np.pi, 0.0) + 0.03 * (jitter - 0.5),
        half_length=half_length,
        half_width=half_width,
        z1=np.where(truck, 2.9, 1.42 + 0.35 * size),
        colour=_colours(_PAINTS, paint),
        roundness=0.985,
        thing=flat(thing_number(road.key[:, :, None], place, 1)),
    )


def furniture(draws: Draws, cars: Cars, road: Road) -> tuple[Slots, Floats]:
    """Trees and lamp posts: slots, and where along the road the lamps hang, (n, cells) m from the car."""
    place = np.arange(2)
    key = road.key[:, :, None] * 2 + place
    there, jitter, green, tall = (flat(v) for v in draws.four("trees", cars[:, None, None], key))
    side = flat(np.broadcast_to(_SIDES[place], key.shape))
    along = flat(road.start[:, :, None] + np.zeros(2)) + 38.0 * jitter
    aside = side * (road.half[:, None] + road.walk[:, None] + 0.9)
    top = 4.0 + 4.0 * tall
    planted = (there < 0.5) & ~_roofed(road, along)
    trunk = slots(planted, Kind.POLE, along=along, aside=aside, half_length=0.16, half_width=0.16, z1=2.4,
                  colour=(0.30, 0.22, 0.16), roundness=1.0)  # fmt: skip
    crown = slots(planted, Kind.TREE, along=along, aside=aside, half_length=1.7, half_width=1.7, z0=1.8, z1=top,
                  colour=(0.16 + 0.12 * green, 0.34 + 0.10 * green, 0.14), roundness=0.35)  # fmt: skip
    right = road.start + 8.0
    post_aside = -(road.half[:, None] + 0.7) + 0.0 * right
    lamps = street_lamps(road)[:, None] & ~_roofed(road, right)
    post = slots(lamps, Kind.POLE, along=right, aside=post_aside, half_length=0.08,
                 half_width=0.08, z1=5.6, colour=(0.35, 0.36, 0.38), roundness=1.0)  # fmt: skip
    return joined([trunk, crown, post]), right


def street_lamps(road: Road) -> NDArray[np.bool_]:
    """Which roads have street lamps: all but motorways, (n,)."""
    return np.asarray(road.kind != ROADS.index("motorway"))


def _roofed(road: Road, along: Floats) -> NDArray[np.bool_]:
    """Which places (n, k) along the road are in a tunnel or under a bridge."""
    return np.asarray((along > road.roof[:, None] - 2.0) & (along < road.roof_end[:, None] + 2.0))


def walkers(spec: WorldSpec, draws: Draws, cars: Cars, ticks: Ints, road: Road) -> Slots:
    """People on the pavement, and people crossing where there is a crosswalk."""
    time = _seconds(ticks)[:, None]
    place = np.arange(2)
    key = road.key[:, :, None] * 2 + place
    there, jitter, clothes, pace = (flat(v) for v in draws.four("walkers", cars[:, None, None], key))
    side = flat(np.broadcast_to(_SIDES[place], key.shape))
    stroll = 14.0 * np.abs(np.mod(time * (0.9 + 0.6 * pace) / 28.0 + jitter, 2.0) - 1.0)
    strolling = slots(
        (there < spec.walkers_share) & (road.kind != ROADS.index("motorway"))[:, None],
        Kind.PEDESTRIAN,
        along=flat(road.start[:, :, None] + np.array([4.0, 18.0])) + stroll,
        aside=side * (road.half[:, None] + 0.6 + (road.walk[:, None] - 1.0) * clothes),
        half_length=0.26, half_width=0.26, z1=1.55 + 0.35 * pace, colour=_colours(_CLOTHES, clothes), roundness=0.55,
        thing=flat(thing_number(road.key[:, :, None], place, 2)),
    )  # fmt: skip
    here, start, shirt, speed = (flat(v) for v in draws.four("crossing walkers", cars[:, None, None], key))
    width = 2.0 * road.half[:, None] + 4.0
    step = np.abs(np.mod(time * (1.1 + 0.5 * speed) / width + 2.0 * start, 2.0) - 1.0)
    zebra = flat(np.broadcast_to(road.crosswalk[:, :, None], key.shape))
    crossing = slots(
        zebra & (here < 0.6),
        Kind.PEDESTRIAN,
        along=flat(road.start[:, :, None] + CELL_M / 2 + np.array([-0.8, 0.8])),
        aside=(step - 0.5) * width,
        half_length=0.26, half_width=0.26, z1=1.55 + 0.35 * speed, colour=_colours(_CLOTHES, shirt), roundness=0.55,
        thing=flat(thing_number(road.key[:, :, None], place, 3)),
    )  # fmt: skip
    return joined([strolling, crossing])


def _stream(
    draws: Draws, cars: Cars, progress: Progress, name: str, drift_m: Floats, gap_m: float, count: int
) -> tuple[Floats, tuple[Floats, ...], Ints]:
    """Vehicles about `gap_m` apart, drifted by `drift_m`: (n, count) places along from the car, draws, numbers."""
    coordinate = progress.along_m + drift_m
    first = np.floor(coordinate / gap_m).astype(np.int64) - 1
    number = first[:, None] + np.arange(count)
    key = progress.trip[:, None] * (1 << 22) + number
    drawn = draws.four(name, cars[:, None], key)
    return number * gap_m + 0.6 * gap_m * drawn[0] - coordinate[:, None], drawn, key


def moving(draws: Draws, cars: Cars, ticks: Ints, progress: Progress, road: Road, night: Floats) -> Slots:
    """Vehicles oncoming and in the next lane; headlights glow at night."""
    time = _seconds(ticks)
    driven = ~road.bays[:, None]
    towards, drawn, number = _stream(draws, cars, progress, "oncoming", 10.0 * time, 46.0, ONCOMING)
    truck = drawn[3] > 0.9
    lane = np.minimum((drawn[2] * road.lanes[:, None]).astype(np.int64), 2) + 0.5
    oncoming = slots(
        (drawn[1] < 0.6) & driven, np.where(truck, int(Kind.TRUCK), int(Kind.VEHICLE)), along=towards,
        aside=lane * road.lane_width[:, None] + road.median[:, None], turn=np.pi,
        half_length=np.where(truck, 3.8, 2.25),
        half_width=np.where(truck, 1.15, 0.9), z1=np.where(truck, 3.0, 1.5), colour=_colours(_PAINTS, drawn[3]),
        roundness=0.985, glow=0.9 * night[:, None], thing=thing_number(number, 0, 4),
    )  # fmt: skip
    beside, drawn, number = _stream(draws, cars, progress, "beside", -9.0 * time, 52.0, 4)
    other = np.where(road.lane == 0, 1.5, 0.5)[:, None] * road.lane_width[:, None]
    next_lane = slots(
        (drawn[1] < 0.55) & (road.lanes > 1)[:, None], Kind.VEHICLE, along=beside, aside=-other, half_length=2.25,
        half_width=0.9, z1=1.5, colour=_colours(_PAINTS, drawn[2]), roundness=0.985, thing=thing_number(number, 0, 5),
    )  # fmt: skip
    return joined([oncoming, next_lane])


def convoy(draws: Draws, cars: Cars, ticks: Ints, progress: Progress, road: Road, relieved: NDArray[np.bool_]) -> Slots:
    """The vehicle ahead in the own lane and the one behind; the one ahead shows its brake lights when it slows.

    relieved: (n,) cars that meet something else ahead on this stretch.
    """
    _, share, key = stretch_of(progress)
    ahead, gap, paint, rear = draws.four("lead", cars, key)
    slowing, _, _, _ = draws.four("lead brakes", cars, ticks // 20)
    braking = (progress.acceleration_mps2 < -0.5) | (slowing < 0.15)
    along = np.stack([gap_ahead(progress, ticks, share, gap), -gap_ahead(progress, ticks, share, rear) - 1.0], axis=1)
    there = np.stack([(ahead < 0.85) & ~relieved, rear < 0.8], axis=1) & ~road.bays[:, None]
    return slots(
        there, Kind.VEHICLE, along=along,
        aside=(-(road.lane + 0.5) * road.lane_width)[:, None] + np.zeros(2), half_length=2.3, half_width=0.92, z1=1.5,
        colour=_colours(_PAINTS, np.stack([paint, rear], axis=1)), roundness=0.985,
        state=np.stack([braking, np.zeros_like(braking)], axis=1),
        thing=thing_number(key[:, None], np.arange(2), 7),
    )  # fmt: skip


def stretch_of(progress: Progress) -> tuple[Ints, Floats, Ints]:
    """Number of the stretch of 800 m that each car is on, the share of it behind the car, and its key, (n,) each."""
    number = np.floor(progress.along_m / STRETCH_M).astype(np.int64)
    return number, progress.along_m / STRETCH_M - number, progress.trip * (1 << 12) + number


def gap_ahead(progress: Progress, ticks: Ints, share: Floats, draw: Floats) -> Floats:
    """Gap to a vehicle ahead, m: it is caught up with, leads for half a stretch, and draws away again."""
    sway = 2.5 * np.sin(ticks * 0.013 + 6.283 * draw)
    near = np.maximum(7.5 + 20.0 * draw * draw + 0.7 * progress.speed_mps + sway, 6.5)
    away = 1.0 - smooth(share / _RAMP) * (1.0 - smooth((share - 1.0 + _RAMP) / _RAMP))
    return np.asarray(near + _AWAY_M * away)
