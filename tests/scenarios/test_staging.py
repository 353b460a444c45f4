"""What is put on a road stands there, nothing else moves, and weights come out as the world's own rates."""

from functools import cache

import numpy as np
import pytest

from scenarios import ENCOUNTERS, ROADS, Draws, ScenarioError, Truth, open_world, staging
from scenarios.world import DrawnWorld

CARS = 400


@cache
def world() -> DrawnWorld:
    return staging.drawn(open_world("mixed_fleet", seed=3, cars=CARS, compiled=False))


def spots(on: str, n: int = 40) -> staging.Spots:
    drives = world().drives(np.arange(CARS))
    found, _, _ = staging.spots_of(drives, on, Draws(1).uniform("pick", np.arange(n)))
    return found


def staged(name: str, here: staging.Spots, *, before_m: float) -> staging.StagedWorld:
    ticks = world().arrival(here.drives, here.begins_m - before_m)
    return staging.stage(world(), here.drives.car, ticks, [name] * len(ticks), here.key)


def at_site(truth: Truth, here: staging.Spots) -> np.ndarray:
    return (staging.site_of(truth.encounter) == here.site[:, None]) & truth.valid


def test_what_is_put_stands_where_it_was_put() -> None:
    here = spots("cell")
    for name, kind in (("caution_light", 7), ("balloon", 8), ("stop_sign", 5)):
        truth = staged(name, here, before_m=30.0).truth(np.arange(40), 0)
        there = at_site(truth, here) & (truth.kind == kind)
        assert there.any(axis=1).mean() > 0.9  # the others are beyond the end of their drive


def test_what_goes_along_with_a_car_can_be_put_there_too() -> None:
    here = spots("stretch")
    world_with = staged("roof_load", here, before_m=-400.0)
    there = at_site(world_with.truth(np.arange(40), 0), here).any(axis=1)
    long_enough = here.drives.length_m > here.begins_m + 400.0
    assert there[long_enough].all()


def test_the_sites_around_a_car_say_what_they_hold() -> None:
    here = spots("cell")
    with_balloons = staged("balloon", here, before_m=30.0)
    sites, names = with_balloons.met(np.arange(40), 0)
    assert ((sites == here.site[:, None]) & (names == "balloon")).any(axis=1).mean() > 0.9
    truth = with_balloons.truth(np.arange(40), 0)
    seen = np.unique(staging.site_of(truth.encounter)[truth.valid])
    assert set(seen[seen >= 0]) <= set(sites[names != ""])


def test_nothing_put_changes_nothing() -> None:
    here = spots("cell", 6)
    ticks = world().arrival(here.drives, here.begins_m)
    empty = staging.stage(world(), here.drives.car, ticks, [""] * 6, here.key)
    plain = world().frames(here.drives.car, ticks + 5)
    assert (empty.frames(np.arange(6), 5).pixels == plain.pixels).all()
    assert empty.motion(np.arange(6), 5).speed_mps == pytest.approx(
        world().motion(here.drives.car, ticks + 5).speed_mps
    )


def test_only_the_site_changes() -> None:
    here = spots("cell")
    with_, without = (staged(name, here, before_m=30.0).truth(np.arange(40), 0) for name in ("balloon", ""))
    elsewhere = without.valid & (without.encounter != 0) & ~at_site(without, here)
    for field in ("kind", "x_m", "y_m", "encounter"):
        assert (getattr(with_, field) == getattr(without, field))[elsewhere].all()


def test_one_drive_may_be_shown_twice_with_different_things() -> None:
    here = spots("cell", 1)
    ticks = np.repeat(world().arrival(here.drives, here.begins_m - 30.0), 2)
    both = staging.stage(
        world(), np.repeat(here.drives.car, 2), ticks, ["balloon", "stop_sign"], np.repeat(here.key, 2)
    )
    kinds = both.truth(np.arange(2), 0)
    sites = staging.site_of(kinds.encounter) == here.site
    assert [set(kinds.kind[i][sites[i] & kinds.valid[i]].tolist()) & {5, 8} for i in (0, 1)] == [{8}, {5}]


def test_drives_are_what_cars_drive() -> None:
    drives = world().drives(np.arange(CARS))
    assert 1.5 < len(drives) / CARS < 4.0
    for at, driving in ((drives.first_tick - 1, False), (drives.first_tick, True), (drives.last_tick, True)):
        assert (world().motion(drives.car, at).driving == driving).all()
    assert not world().motion(drives.car, drives.last_tick + 1).driving.any()
    parts = [world().moments(drives.car, at)["road"] for at in (drives.first_tick, drives.last_tick)]
    assert (parts[0] == np.array(ROADS)[drives.road]).all()
    assert (parts[1] == parts[0]).all()


def test_a_car_arrives_at_the_first_tick_at_which_it_is_there() -> None:
    drives = world().drives(np.arange(60))
    there = world().arrival(drives, 0.4 * drives.length_m)

    def along(ticks: np.ndarray) -> np.ndarray:
        return np.asarray(world()._trips.progress(drives.car, ticks).along_m)

    assert (along(there) >= 0.4 * drives.length_m).all()
    assert (along(there - 1) < 0.4 * drives.length_m).all()
    assert (world().arrival(drives, drives.length_m + 500.0) == drives.last_tick).all()


def test_sites_are_chosen_evenly_over_all_there_are() -> None:
    drives = world().drives(np.arange(CARS))
    found, row, total = staging.spots_of(drives, "cell", Draws(2).uniform("pick", np.arange(20_000)))
    cells = np.floor(drives.length_m / 40.0) + 6
    assert total == cells.sum()
    drawn = np.bincount(row, minlength=len(drives))
    assert drawn == pytest.approx(20_000 * cells / total, abs=5 * np.sqrt(20_000 * cells.max() / total))
    assert found.number.min() == -2
    assert (found.number <= cells[row] - 3).all()


def test_chances_are_the_rates_a_kilometre() -> None:
    assert world().chance("caution_light") * 1000 / 40 == pytest.approx([0.01, 0.03, 0.01, 0.005])
    assert world().chance("cut_in") * 1000 / 800 == pytest.approx([0.08, 0.05, 0.001, 0.0])
    names = [name for name, each in ENCOUNTERS.items() if each.on == "cell"]
    assert (sum(world().chance(name) for name in names) < 0.5).all()


def test_as_many_are_met_as_chance_times_sites() -> None:
    plain = world()
    drives = plain.drives(np.arange(CARS))
    found, _, _ = staging.spots_of(drives, "cell", Draws(4).uniform("pick", np.arange(3000)))
    truth = plain.truth(found.drives.car, plain.arrival(found.drives, found.begins_m - 10.0))
    met = at_site(truth, found) & (truth.kind == 18)
    inside = (found.number >= 1) & (found.begins_m + 45.0 < found.drives.length_m)
    wanted = plain.chance("hydrant")[found.drives.road][inside]
    assert met[inside].any(axis=1).sum() == pytest.approx(wanted.sum(), abs=4 * np.sqrt(wanted.sum()))


def test_recorded_drives_cannot_be_staged(drives: object) -> None:
    recorded = open_world("recorded", seed=1, cars=2, drives=drives, compiled=False)
    with pytest.raises(ScenarioError, match="not drawn from rates"):
        staging.drawn(recorded)
