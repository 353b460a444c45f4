import subprocess
import sys

import numpy as np
import pytest
from scenes import drawn

from scenarios import CONDITIONS, Condition, Draws
from scenarios.climate import hours_of
from scenarios.conditions import fog
from scenarios.exposure import load_climate, load_world, world_names
from scenarios.weather import Sky, sky

CARS = np.arange(4000, dtype=np.uint32)
HOUR, DAY = 36_000, 864_000
HEADING = 360.0 * Draws(9).uniform("heading", CARS)


def above(ticks: np.ndarray | int, world: str = "rainy_city", cars: np.ndarray = CARS, **changes: object) -> Sky:
    spec = load_world(world, changes)
    when = np.broadcast_to(np.asarray(ticks, np.int64), cars.shape)
    return sky(CONDITIONS, spec, Draws(3), cars, when, HEADING[: len(cars)])


def at(ticks: np.ndarray | int, world: str = "rainy_city", **changes: object) -> dict[str, np.ndarray]:
    return above(ticks, world, **changes).severities


@pytest.mark.parametrize("world", ["rainy_city", "all_weather", "mixed_fleet", "motorway_at_night"])
def test_severities_are_between_nothing_and_all(world: str) -> None:
    for hour in range(0, 24, 3):
        for severity in at(hour * HOUR + 77 * CARS.astype(np.int64), world).values():
            assert severity.dtype == np.float32
            assert severity.min() >= 0.0
            assert severity.max() <= 1.0


@pytest.mark.parametrize("world", [name for name in world_names() if name != "recorded"])
def test_weather_changes_smoothly_all_day(world: str) -> None:
    """Every moment at which something could begin or end, and an odd one between; 200 cars; a fiftieth at most."""
    marks = np.arange(0, DAY + HOUR, HOUR // 12)
    moments = np.unique(np.concatenate([marks, marks - 1, marks + 1234]))
    cars = np.repeat(CARS[:200], len(moments))
    spec, ticks = load_world(world), np.tile(moments, 200)
    heading = HEADING[cars]
    now, then = (sky(CONDITIONS, spec, Draws(3), cars, ticks + i, heading).severities for i in range(2))
    jumps = {name: np.abs(now[name] - then[name]).max() for name in now}
    assert max(jumps.values()) < 0.02


def test_a_car_that_dirt_hits_has_it_for_hours() -> None:
    dirty = np.array([at(tick)["dirty_lens"] > 0 for tick in range(HOUR, DAY, HOUR // 2)])
    begun = dirty[1:] & ~dirty[:-1]
    assert dirty.sum() / max(begun.sum(), 1) > 10  # half hours each


@pytest.mark.parametrize(("name", "share"), [("rain", 0.85), ("fog", 0.10)])
def test_a_condition_is_there_for_its_share_of_car_hours(name: str, share: float) -> None:
    there = np.array([(at(hour * HOUR + HOUR // 4)[name] > 0).mean() for hour in range(8)])
    assert abs(there.mean() - share) < 5.0 * np.sqrt(share * (1 - share) / (8 * len(CARS)))


def test_a_condition_is_as_strong_as_the_world_says() -> None:
    rain = at(5 * HOUR + 1234, conditions={"rain": {"probability": 1, "low": 0.7, "high": 0.7}})["rain"]
    assert np.abs(rain - 0.7).max() < 1e-6


def test_it_gets_dark_when_the_world_says() -> None:
    light, dark, morning = at(18 * HOUR)["night"], at(21 * HOUR)["night"], at(9 * HOUR)["night"]
    assert light.max() == 0.0
    assert dark.min() == 1.0
    assert morning.max() == 0.0
    assert 0.0 < at(int(19.25 * HOUR))["night"].mean() < 1.0


def test_a_share_of_car_hours_is_dark_where_no_clock_says() -> None:
    dark = at(12 * HOUR + HOUR // 3, night={"share": 0.45})["night"] > 0
    assert abs(dark.mean() - 0.45) < 0.04


def test_a_condition_that_is_added_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = at(19 * HOUR)
    monkeypatch.setitem(CONDITIONS, "sandstorm", Condition(0.2, fog))
    after = at(19 * HOUR)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert abs((at(19 * HOUR + HOUR // 4)["sandstorm"] > 0).mean() - 0.2) < 0.04


def test_a_world_keeps_the_conditions_it_was_opened_with(monkeypatch: pytest.MonkeyPatch) -> None:
    world, names = drawn(), list(CONDITIONS)
    monkeypatch.setitem(CONDITIONS, "sandstorm", Condition(1.0, fog))
    assert list(world.severities(CARS, 19 * HOUR)) == names


def test_recorded_drives_have_a_climate_too() -> None:
    climate = load_climate({"night": {"share": 1.0}})
    north, midnight = np.zeros(len(CARS)), np.zeros(len(CARS), np.int64)
    dark = sky(CONDITIONS, climate, Draws(3), CARS, midnight, north).severities["night"]
    assert dark.min() > 0.0


def test_cars_see_the_weather_of_the_whole_year_as_often_as_it_is() -> None:
    """Over car-days, so with the scatter of days: five standard deviations of 4000 of them."""
    wet = hours_of("greensboro").rain.reshape(365, 24) >= 0.05
    scatter = 5.0 * wet.mean(axis=1).std() / np.sqrt(len(CARS))
    seen = np.mean([at(hour * HOUR + HOUR // 2, "mixed_fleet")["rain"] >= 0.05 for hour in range(24)])
    assert abs(seen - wet.mean()) < scatter


def test_rain_at_night_is_rare_in_real_hours_and_common_where_it_is_staged() -> None:
    def share(world: str) -> float:
        hours = [at(hour * HOUR + HOUR // 2, world) for hour in range(24)]
        return float(np.mean([(each["rain"] >= 0.05) & (each["night"] >= 0.5) for each in hours]))

    assert 0.02 < share("mixed_fleet") < 0.035
    assert share("rainy_city") > 0.25


def test_it_is_dark_for_half_of_the_year() -> None:
    dark = np.mean([at(tick, "mixed_fleet")["night"] >= 0.5 for tick in range(0, DAY, HOUR // 4)])
    assert abs(dark - 0.472) < 0.01  # twilight makes the day longer than the night


def test_night_comes_with_the_sun() -> None:
    overhead = above(19 * HOUR, "mixed_fleet")
    night, elevation = overhead.severities["night"], overhead.sun_elevation_deg
    assert (night[elevation > -0.8] == 0.0).all()
    assert (night[elevation < -6.0] == 1.0).all()
    assert 0.0 < night[(elevation < -2.0) & (elevation > -5.0)].mean() < 1.0


def test_glare_needs_a_low_sun_ahead_and_a_clear_sky() -> None:
    overhead = above(7 * HOUR, "mixed_fleet")
    glare, elevation = overhead.severities["glare"], overhead.sun_elevation_deg
    ahead = np.cos(np.radians(overhead.sun_azimuth_deg - HEADING))
    low = (elevation > -1.0) & (elevation < 18.0)
    assert not glare[~low | (ahead <= 0.0)].any()
    assert not glare[overhead.severities["rain"] == 1.0].any()
    assert 0.3 < (glare[(elevation > 1.0) & (elevation < 8.0) & (ahead > 0.8)] > 0.2).mean() < 0.9  # under no cloud
    assert 0.01 < np.mean([at(hour * HOUR, "mixed_fleet")["glare"] > 0.05 for hour in range(24)]) < 0.06


def test_where_glare_is_drawn_its_sun_stands_low_and_ahead() -> None:
    changes = {"conditions": {"glare": {"probability": 1, "low": 0.7, "high": 0.7}}}
    for world in ("sunny_city", "mixed_fleet"):
        noon = above(12 * HOUR, world, **changes)
        assert np.abs(noon.severities["glare"] - 0.7).max() < 1e-6
        assert np.cos(np.radians(noon.sun_azimuth_deg - HEADING)).min() > 0.9
        assert 2.0 < noon.sun_elevation_deg.min() < noon.sun_elevation_deg.max() < 15.0
    assert above(23 * HOUR, "sunny_city", **changes).severities["glare"].max() == 0.0


def test_what_a_world_says_itself_goes_before_its_hours() -> None:
    forced = at(20 * HOUR + 99, "mixed_fleet", conditions={"fog": {"probability": 1, "low": 0.5, "high": 0.5}})
    plain = at(20 * HOUR + 99, "mixed_fleet")
    assert np.abs(forced["fog"] - 0.5).max() < 1e-6
    assert np.array_equal(forced["rain"], plain["rain"])
    assert np.array_equal(forced["night"], plain["night"])
    dark = at(12 * HOUR, "mixed_fleet", night={"share": 1})
    assert dark["night"].min() > 0.0
    assert np.array_equal(dark["snow"], at(12 * HOUR, "mixed_fleet")["snow"])


def test_a_car_lives_through_consecutive_hours() -> None:
    noon = [at(day * DAY + 12 * HOUR, "mixed_fleet")["rain"] for day in (0, 1, 365, 366)]
    assert np.array_equal(noon[0], noon[2])
    assert np.array_equal(noon[1], noon[3])
    year = hours_of("greensboro").rain[12::24]
    first, second = (at(day * DAY + 12 * HOUR + HOUR // 2, "mixed_fleet")["rain"] for day in (0, 1))
    follows = {(float(one), float(two)) for one, two in zip(year, np.roll(year, -1), strict=True)}
    assert {(float(one), float(two)) for one, two in zip(first, second, strict=True)} <= follows


@pytest.mark.parametrize("world", ["rainy_city", "all_weather", "mixed_fleet"])
def test_a_sky_is_the_same_in_any_company(world: str) -> None:
    together, few = above(DAY - 3, world), above(DAY - 3, world, CARS[:7])
    assert all(np.array_equal(together.severities[name][:7], few.severities[name]) for name in few.severities)
    assert np.array_equal(together.sun_azimuth_deg[:7], few.sun_azimuth_deg)
    assert above(5, world, CARS[:0]).sun_elevation_deg.shape == (0,)


def test_worlds_without_real_hours_do_not_load_the_library_for_them() -> None:
    start = "import sys, numpy; from scenarios import open_world; open_world('rainy_city', seed=1, cars=2)"
    ask = ".severities(numpy.arange(2), 5); print('pvlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", start + ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
