import numpy as np
import pytest

from scenarios import Draws
from scenarios.exposure import load_world
from scenarios.trips import Progress, Trips

SPEC = load_world("rainy_city")
DRIVE, CYCLE = 34 * 600, 37 * 600
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


def test_trips_begin_at_rest_and_end_slowly(lives: list[Progress]) -> None:
    for life in lives:
        starts = np.flatnonzero(~life.driving[:-1] & life.driving[1:]) + 1
        ends = np.flatnonzero(life.driving[:-1] & ~life.driving[1:])
        assert life.speed_mps[starts].max() < 0.1
        assert life.speed_mps[ends].max() < 0.25 * SPEC.top_speed_mps


def test_a_parked_car_stands_where_its_trip_ended(lives: list[Progress]) -> None:
    for life in lives:
        resting = ~life.driving[:-1] & ~life.driving[1:]
        assert life.speed_mps[~life.driving].max() == 0.0
        assert np.diff(life.along_m)[resting].max() == 0.0


def test_hard_brakes_come_as_often_as_the_world_says() -> None:
    """Per hour of legs that begin and end above 8 m/s; binomial, five standard deviations."""
    spec = load_world("rainy_city", {"hard_brakes_per_hour": 20.0})
    cars, legs = np.arange(80, dtype=np.uint32), np.arange(78)
    trips = Trips(spec, Draws(3))
    phase = Draws(3).integers("trip phase", cars, high=CYCLE)
    start = (CYCLE - phase)[:, None] + legs * 256  # of the second trip
    who = np.broadcast_to(cars[:, None], start.shape).ravel()

    def at(ticks: int) -> Progress:
        return trips.progress(who, start.ravel() + ticks)

    fast = (at(0).speed_mps > 8.0) & (at(256).speed_mps > 8.0)
    brakes = at(100).acceleration_mps2 < -4.0  # 0.35 of a leg is 89.6 ticks, and a brake lasts 17
    expected = fast.sum() * 20.0 * 25.6 / 3600.0
    assert not brakes[~fast].any()
    assert abs(brakes.sum() - expected) < 5.0 * np.sqrt(expected)
