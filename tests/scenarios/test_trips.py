from dataclasses import fields

import numpy as np
import pytest

from scenarios import Draws
from scenarios.exposure import load_world
from scenarios.trips import ROADS, Progress, Trips, road_of_trip

SPEC = load_world("rainy_city")
DRIVE, CYCLE = 34 * 600, 37 * 600
HOUR = 36_000
TICKS = np.arange(CYCLE + 6000)


@pytest.fixture(scope="module")
def trips() -> Trips:
    return Trips(SPEC, Draws(3))


@pytest.fixture(scope="module")
def lives(trips: Trips) -> list[Progress]:
    """A cycle and more of two cars, tick by tick."""
    return [trips.progress(np.full(len(TICKS), car, np.uint32), TICKS) for car in range(2)]


def within(life: Progress) -> np.ndarray:
    """Ticks that are on the same trip as the next one."""
    return life.driving[:-1] & life.driving[1:] & (life.trip[:-1] == life.trip[1:])


def test_speed_is_the_derivative_of_distance(lives: list[Progress]) -> None:
    for life in lives:
        step, speed = np.diff(life.along_m), (life.speed_mps[:-1] + life.speed_mps[1:]) / 2
        assert np.abs(step - 0.1 * speed)[within(life)].max() < 0.01


def test_acceleration_is_the_derivative_of_speed(lives: list[Progress]) -> None:
    for life in lives:
        gained = np.diff(life.speed_mps) - 0.05 * (life.acceleration_mps2[:-1] + life.acceleration_mps2[1:])
        assert np.quantile(np.abs(gained[within(life)]), 0.99) < 0.001
        assert np.abs(gained[within(life)]).max() < 0.5  # where a brake begins or ends


def test_a_car_never_goes_backwards_or_faster_than_the_road_allows(lives: list[Progress]) -> None:
    for life in lives:
        assert life.speed_mps.min() >= 0.0
        assert life.speed_mps.max() <= SPEC.top_speed_mps


def test_a_trip_lasts_as_long_as_it_should_and_the_rest_too(lives: list[Progress]) -> None:
    for life in lives:
        assert life.driving[:CYCLE].sum() == DRIVE


def test_trips_begin_and_end_at_rest(lives: list[Progress]) -> None:
    for life in lives:
        starts = np.flatnonzero(~life.driving[:-1] & life.driving[1:]) + 1
        ends = np.flatnonzero(life.driving[:-1] & ~life.driving[1:])
        assert life.speed_mps[starts].max() < 0.1
        assert life.speed_mps[ends].max() < 0.1


def test_a_parked_car_stands_where_its_trip_ended(lives: list[Progress]) -> None:
    for life in lives:
        resting = ~life.driving[:-1] & ~life.driving[1:]
        assert life.speed_mps[~life.driving].max() == 0.0
        assert np.diff(life.along_m)[resting].max() == 0.0


@pytest.mark.parametrize(("road", "top"), [("urban", 13.5), ("residential", 11.0), ("motorway", 33.0)])
def test_hard_brakes_come_as_often_as_the_world_says(road: str, top: float) -> None:
    """Per hour driven, within a tenth: some 150 hours, 15 a hour, is 2 % of scatter."""
    spec = load_world("rainy_city", {"hard_brakes_per_hour": 15.0, "roads": {road: 1.0}, "top_speed_mps": 13.5})
    cars, legs, leg = np.arange(260, dtype=np.uint32), np.arange(80), DRIVE / 80
    trips = Trips(spec, Draws(3))
    phase = Draws(3).integers("trip phase", cars, high=CYCLE)
    ticks = (CYCLE - phase)[:, None] + np.round((legs + 0.35) * leg + 8).astype(np.int64)  # in the middle of a brake
    life = trips.progress(np.repeat(cars, len(legs)), ticks.ravel())
    assert life.speed_mps.max() > 0.9 * top
    assert (life.acceleration_mps2 < -4.0).sum() / (len(cars) * DRIVE / HOUR) == pytest.approx(15.0, rel=0.1)


def test_nobody_brakes_hard_in_a_parking_lot() -> None:
    spec = load_world("rainy_city", {"hard_brakes_per_hour": 15.0, "roads": {"parking_lot": 1.0}})
    life = Trips(spec, Draws(3)).progress(np.zeros(CYCLE, np.uint32), np.arange(CYCLE))
    assert life.acceleration_mps2.min() > -1.0
    assert 3.0 < life.speed_mps.max() <= 4.0


def test_trips_are_on_each_type_of_road_for_its_share() -> None:
    spec = load_world("all_weather")
    road = road_of_trip(spec, Draws(3), np.arange(8000, dtype=np.uint32), np.full(8000, 5))
    shares = np.bincount(road, minlength=len(ROADS)) / 8000
    assert np.abs(shares - [spec.roads[name] for name in ROADS]).max() < 0.025
    alone = load_world("all_weather", {"roads": {"residential": 1.0}})
    assert set(road_of_trip(alone, Draws(3), np.arange(500, dtype=np.uint32), np.full(500, 5))) == {2}


def test_a_fast_road_is_fast_and_a_slow_one_slow() -> None:
    spec, cars = load_world("all_weather"), np.arange(4000, dtype=np.uint32)
    life = Trips(spec, Draws(3)).progress(cars, np.full(4000, 777_777))
    road = road_of_trip(spec, Draws(3), cars, life.trip)
    fastest = [life.speed_mps[road == i].max() for i in range(len(ROADS))]
    assert all(0.9 * top < fast <= top for fast, top in zip(fastest, (33.0, 16.0, 11.0, 4.0), strict=True))


@pytest.fixture(scope="module")
def fleet() -> Progress:
    """A day of the mixed fleet: 1000 cars, (cars, 288), every five minutes."""
    cars, moments = np.arange(1000, dtype=np.uint32), np.arange(0, 24 * HOUR, 3000)
    trips = Trips(load_world("mixed_fleet"), Draws(3))
    parts = [trips.progress(np.repeat(some, 288), np.tile(moments, 100)) for some in cars.reshape(10, 100)]
    names = [field.name for field in fields(Progress)]
    return Progress(*(np.concatenate([getattr(part, name).reshape(100, 288) for part in parts]) for name in names))


def test_most_cars_of_a_mixed_fleet_are_parked_most_of_the_day(fleet: Progress) -> None:
    assert 0.95 < 1.0 - fleet.driving.mean() < 0.97
    assert fleet.driving.mean() * 24 * 60 == pytest.approx(55.0, abs=4.0)  # minutes of driving a day


def test_cars_leave_by_the_hours_of_the_survey(fleet: Progress) -> None:
    """Trips by hour, Wednesday, Highway Statistics 2006, table NT-3; five standard deviations of Poisson counts."""
    survey = np.array([147, 82, 83, 36, 249, 639, 1607, 3893, 2994, 2294, 2600, 2967, 3166, 3032, 3321, 3888, 3959,
                       4377, 3746, 2819, 2061, 1559, 783, 381])  # fmt: skip
    begins = np.argwhere(~fleet.driving[:, :-1] & fleet.driving[:, 1:])
    expected = 2.75 * 1000 * survey / survey.sum()
    assert (np.abs(np.bincount(begins[:, 1] // 12, minlength=24) - expected) < 5.0 * np.sqrt(expected) + 5.0).all()


def test_a_car_that_leaves_late_stands_where_its_trip_begins_and_then_where_it_ends() -> None:
    spec = load_world("mixed_fleet", {"leaving": [1.0] * 24, "drive_minutes": 5, "park_minutes": 10})
    life = Trips(spec, Draws(3)).progress(np.full(3 * 9000, 4, np.uint32), np.arange(3 * 9000))
    for trip in np.unique(life.trip)[1:-1]:
        along, driving = life.along_m[life.trip == trip], life.driving[life.trip == trip]
        first, last = np.flatnonzero(driving)[[0, -1]]
        assert (len(along), driving.sum(), last - first + 1) == (9000, 3000, 3000)
        assert along[:first].max(initial=0.0) == 0.0
        assert np.ptp(along[last + 1 :]) == 0.0
        assert life.speed_mps[~life.driving].max() == 0.0


def test_nobody_leaves_where_nobody_is_said_to() -> None:
    trips = Trips(load_world("mixed_fleet", {"leaving": [0.0] * 24}), Draws(3))
    life = trips.progress(np.arange(3000, dtype=np.uint32), np.full(3000, 17 * HOUR))
    assert not life.driving.any()
    assert life.along_m.max() == life.speed_mps.max() == 0.0


def test_many_ticks_of_a_trip_are_what_each_is_alone(trips: Trips) -> None:
    cars = np.array([7, 3, 7, 3, 7, 3], np.uint32)
    ticks = np.array([100, 90_000, 40_000, 90_010, 110, 100], np.int64)
    together = trips.progress(cars, ticks)
    alone = [trips.progress(cars[[i]], ticks[[i]]) for i in range(len(cars))]
    for field in fields(Progress):
        one_by_one = np.concatenate([getattr(each, field.name) for each in alone])
        np.testing.assert_array_equal(getattr(together, field.name), one_by_one)
