import numpy as np
import pytest
from scenes import drawn

from scenarios import CONDITIONS, Condition, Draws
from scenarios.conditions import fog
from scenarios.exposure import load_climate, load_world
from scenarios.weather import severities

SPEC = load_world("rainy_city")
CARS = np.arange(4000, dtype=np.uint32)
HOUR = 36_000


def at(ticks: np.ndarray | int, **changes: object) -> dict[str, np.ndarray]:
    spec = load_world("rainy_city", changes)
    return severities(CONDITIONS, spec, Draws(3), CARS, np.broadcast_to(np.asarray(ticks, np.int64), CARS.shape))


def test_severities_are_between_nothing_and_all() -> None:
    for hour in range(0, 24, 3):
        for severity in at(hour * HOUR + 77 * CARS.astype(np.int64)).values():
            assert severity.dtype == np.float32
            assert severity.min() >= 0.0
            assert severity.max() <= 1.0


def test_weather_changes_smoothly() -> None:
    for ticks in (9 * HOUR - 1, 19 * HOUR, 19 * HOUR + 8999):  # also where an hour or a quarter begins
        now, next_tick = at(ticks), at(ticks + 1)
        assert all(np.abs(now[name] - next_tick[name]).max() < 0.002 for name in now)


@pytest.mark.parametrize(("name", "share"), [("rain", 0.85), ("fog", 0.10)])
def test_a_condition_is_there_for_its_share_of_car_hours(name: str, share: float) -> None:
    there = np.array([(at(hour * HOUR + HOUR // 4)[name] > 0).mean() for hour in range(8)])
    assert abs(there.mean() - share) < 5.0 * np.sqrt(share * (1 - share) / (8 * len(CARS)))


def test_it_gets_dark_when_the_world_says() -> None:
    light, dark, morning = at(18 * HOUR)["night"], at(21 * HOUR)["night"], at(9 * HOUR)["night"]
    assert light.max() == 0.0
    assert dark.min() == 1.0
    assert morning.max() == 0.0
    assert 0.0 < at(int(19.25 * HOUR))["night"].mean() < 1.0


def test_a_share_of_car_hours_is_dark_where_no_clock_says() -> None:
    dark = at(12 * HOUR, night={"share": 0.45})["night"] > 0
    assert abs(dark.mean() - 0.45) < 0.04


def test_a_condition_that_is_added_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = at(19 * HOUR)
    monkeypatch.setitem(CONDITIONS, "sandstorm", Condition(0.2, fog))
    after = at(19 * HOUR)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert abs((at(19 * HOUR + HOUR // 4)["sandstorm"] > 0).mean() - 0.2) < 0.04


def test_a_world_keeps_the_conditions_it_was_opened_with(monkeypatch: pytest.MonkeyPatch) -> None:
    world = drawn()
    monkeypatch.setitem(CONDITIONS, "sandstorm", Condition(1.0, fog))
    assert list(world.severities(CARS, 19 * HOUR)) == ["rain", "fog", "night"]


def test_recorded_drives_have_a_climate_too() -> None:
    climate = load_climate({"night": {"share": 1.0}})
    dark = severities(CONDITIONS, climate, Draws(3), CARS, np.zeros(len(CARS), np.int64))["night"]
    assert dark.min() > 0.0
