"""Roads and what drives, walks and stands on them."""

import numpy as np
import pytest
from scenes import drawn

from scenarios import Draws
from scenarios.paint.scene import Kind
from scenarios.roads import CELL_M, Road, road_around, to_car
from scenarios.slots import Slots
from scenarios.traffic import ONCOMING, convoy, furniture, moving, parked, walkers
from scenarios.trips import ROADS, Progress, Trips

CARS = np.arange(400, dtype=np.uint32)
NOON = 432_000
SPEC, DRAWS = drawn().spec, Draws(7)


def around(tick: int) -> tuple[Progress, Road, np.ndarray]:
    ticks = np.full(len(CARS), tick)
    progress = Trips(SPEC, DRAWS).progress(CARS, ticks)
    return progress, road_around(SPEC, DRAWS, CARS, progress), ticks


def seen(sort: str, tick: int) -> tuple[Slots, Progress]:
    progress, road, ticks = around(tick)
    dark = np.zeros(len(CARS))
    made = {
        "parked": lambda: parked(SPEC, DRAWS, CARS, road),
        "walkers": lambda: walkers(SPEC, DRAWS, CARS, ticks, road),
        "moving": lambda: moving(DRAWS, CARS, ticks, progress, road, dark),
    }
    return made[sort](), progress


def meetings(sort: str, places: slice, apart: int) -> np.ndarray:
    """Columns of things that are there at noon and some ticks later: along the trip then and now, the car's way."""
    (now, before), (then, after) = seen(sort, NOON), seen(sort, NOON + apart)
    found = []
    for car in np.flatnonzero(before.driving & after.driving & (before.trip == after.trip)):
        later = {int(then.thing[car, k]): k for k in np.flatnonzero(then.valid[car])}
        for k in np.flatnonzero(now.valid[car])[places]:
            if int(now.thing[car, k]) in later:
                at = later[int(now.thing[car, k])]
                found.append((now.along[car, k], then.along[car, at], after.along_m[car] - before.along_m[car]))
    assert len(found) > 100
    return np.array(found).T


def test_what_stands_comes_closer_by_what_the_car_drives() -> None:
    now, then, driven = meetings("parked", slice(None), 20)
    np.testing.assert_allclose(now - then, driven, atol=1e-6)


def test_who_walks_keeps_a_walking_pace() -> None:
    now, then, driven = meetings("walkers", slice(None), 10)
    assert np.abs(then - now + driven).max() < 1.7


def test_an_oncoming_vehicle_comes_closer_at_its_speed_and_the_cars() -> None:
    cars_now, progress = seen("moving", NOON)
    cars_then, after = seen("moving", NOON + 5)
    same = (cars_now.thing == cars_then.thing)[:, :ONCOMING] & (progress.trip == after.trip)[:, None]
    closer = (cars_now.along - cars_then.along)[:, :ONCOMING]
    driven = np.broadcast_to((after.along_m - progress.along_m)[:, None], closer.shape)
    np.testing.assert_allclose(closer[same], driven[same] + 5.0, atol=1e-6)


@pytest.mark.parametrize("sort", ["parked", "walkers", "moving"])
def test_a_thing_has_a_number_of_its_own(sort: str) -> None:
    things, _ = seen(sort, NOON)
    for car in range(0, len(CARS), 20):
        numbers = things.thing[car][things.valid[car]]
        assert len(np.unique(numbers)) == len(numbers)
        assert (numbers != 0).all()


def test_a_thing_keeps_its_looks() -> None:
    (now, _), (then, _) = seen("parked", NOON), seen("parked", NOON + 30)
    looks = {int(n): now.red[0, k] for k, n in enumerate(now.thing[0]) if now.valid[0, k]}
    again = {int(n): then.red[0, k] for k, n in enumerate(then.thing[0]) if then.valid[0, k]}
    assert looks.keys() & again.keys()
    assert all(looks[number] == again[number] for number in looks.keys() & again.keys())


def test_who_drives_ahead_is_caught_up_with_and_never_appears_from_nowhere() -> None:
    gaps = {}
    for tick in range(NOON, NOON + 900):
        progress, road, ticks = around(tick)
        ahead = convoy(DRAWS, CARS, ticks, progress, road, np.zeros(len(CARS), np.bool_))
        for car in np.flatnonzero(ahead.valid[:, 0] & progress.driving)[:40].tolist():
            gaps.setdefault((car, int(ahead.thing[car, 0])), []).append(ahead.along[car, 0])
    whole = [np.array(gap) for gap in gaps.values() if len(gap) > 100]
    assert whole
    assert max(np.abs(np.diff(gap)).max() for gap in whole) < 3.0  # 30 m/s relative to the car
    begun = [gap[0] for (car, _), gap in gaps.items() if len(gap) < 800 and gap[0] != gap[-1]]
    assert np.median(begun) > 30.0 or not begun


def test_roads_differ_as_one_expects() -> None:
    world = drawn("all_weather")
    progress = Trips(world.spec, DRAWS).progress(CARS, np.full(len(CARS), NOON))
    road = road_around(world.spec, DRAWS, CARS, progress)
    motorway, lot = (road.kind == ROADS.index(name) for name in ("motorway", "parking_lot"))
    assert motorway.any()
    assert lot.any()
    assert not road.crosswalk[motorway | lot].any()
    assert (road.median[motorway] > 0).all()
    assert (road.median[~motorway] == 0).all()
    assert np.array_equal(road.bays, lot)
    things = parked(world.spec, DRAWS, CARS, road)
    assert not things.valid[motorway].any()
    across = np.abs(np.sin(things.turn[lot][things.valid[lot]]))
    assert across.min() > 0.99  # parked in bays, across the lane


def test_nobody_parks_on_a_crosswalk_or_a_lane() -> None:
    _, road, _ = around(NOON)
    things = parked(SPEC, DRAWS, CARS, road)
    free = np.repeat(road.crosswalk | road.junction, 8, axis=1)
    assert not things.valid[free].any()
    assert (np.abs(things.aside) - things.half_width >= road.half[:, None]).all()
    every_other = np.arange(things.valid.shape[1]) // 2 % 2 == 0
    assert abs(things.valid[:, every_other][~free[:, every_other]].mean() - SPEC.parked_share) < 0.03
    assert not things.valid[:, ~every_other].any()


def test_people_cross_only_where_there_is_a_crosswalk() -> None:
    _, road, ticks = around(NOON)
    people = walkers(SPEC, DRAWS, CARS, ticks, road)
    on_the_road = people.valid & (np.abs(people.aside) < road.half[:, None])
    crossing = np.repeat(road.start + CELL_M / 2, 2, axis=1)
    zebra = np.repeat(road.crosswalk, 2, axis=1)
    assert on_the_road.any()
    half = zebra.shape[1]
    assert not on_the_road[:, :half].any()  # the first half strolls on the pavement
    assert zebra[on_the_road[:, half:]].all()
    assert np.abs(people.along[:, half:] - crossing)[on_the_road[:, half:]].max() < 1.0


def test_crosswalks_and_junctions_are_as_frequent_as_the_world_says() -> None:
    _, road, _ = around(NOON)
    for there, per_km in ((road.crosswalk, SPEC.crosswalks_per_km), (road.junction, SPEC.junctions_per_km)):
        for sort, factor in (("urban", 1.0), ("residential", 0.5)):
            here = there[road.kind == ROADS.index(sort)]
            share = factor * per_km * CELL_M / 1000.0
            assert abs(here.mean() - share) < 5.0 * np.sqrt(share * (1.0 - share) / here.size)


def test_the_car_keeps_to_its_lane_on_the_right() -> None:
    _, road, _ = around(NOON)
    assert (road.lane < road.lanes).all()
    middle = -(road.lane + 0.5) * road.lane_width
    assert np.abs(road.offset - middle).max() <= 0.22


def test_a_place_on_the_road_lies_where_the_car_stands_and_heads() -> None:
    _, road, _ = around(NOON)
    here = np.zeros((len(CARS), 1))
    x, y, _ = to_car(road, here, road.offset[:, None])
    assert np.abs(x).max() < 1e-9
    assert np.abs(y).max() < 1e-9
    x, y, turn = to_car(road, here + 10.0, road.offset[:, None])
    np.testing.assert_allclose(np.hypot(x, y), 10.0, atol=0.03)
    np.testing.assert_allclose(turn[:, 0], 10.0 * road.curvature - road.heading)


def test_trees_and_lamp_posts_stand_beside_the_road() -> None:
    _, road, _ = around(NOON)
    things, lamps = furniture(DRAWS, CARS, road)
    assert set(np.unique(things.kind[things.valid])) == {Kind.POLE, Kind.TREE}
    assert (
        np.abs(things.aside)[things.valid] > np.broadcast_to(road.half[:, None], things.valid.shape)[things.valid]
    ).all()
    assert np.diff(lamps, axis=1) == pytest.approx(CELL_M)
