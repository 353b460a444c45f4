"""Plain driving is filmed once, and counted as an exam counts."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from fixtures import plain_painting

from fleet.exam import plain
from fleet.exam.aims import Aim, aim_of
from fleet.exam.crew import Kit, Studio
from fleet.exam.driving import Fire, drive
from fleet.exam.grounds import Grounds, Passes
from fleet.exam.plain import Counted, PlainDriving, Sights, counted, sights
from scenarios import Draws, open_world, staging
from triggers import TriggerSpec

pytestmark = pytest.mark.timeout(900)  # painting without a compiler, on however busy a machine

BUSY = {
    "name": "busy", "kind": "expression", "params": {"fire_when": "vehicles.main + Vehicle.Speed / 100 > 0.5"},
    "fire": {"cooldown_s": 0, "edge": "always"},
}  # fmt: skip
AIM = Aim(("lamp",), ("balloon",), None)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stretches of 20 looks after 4 to settle and 10 before, and 5 after."""
    for name, value in (("BEFORE", 10), ("LONG", 20), ("AFTER", 5), ("REEL", 2)):
        monkeypatch.setattr(plain, name, value)
    with plain_painting():
        yield


def stretches(n: int) -> Passes:
    cars, zeros = np.arange(n, dtype=np.uint32), np.zeros(n, np.int64)
    return Passes(cars, zeros, zeros + 39, zeros + 4, ("",) * n, zeros - 1, zeros - 1)


def seen(*rows: tuple[int, int, int, str]) -> Sights:
    """Row, site, look and name of each."""
    row, site, look, name = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Sights(*(np.array(each, np.int64) for each in (row, site, [0] * len(row), look)), np.array(name, np.str_))


def fire(row: int, look: int, site: int, name: str) -> Fire:
    return Fire(row, look, 0, site, name)


def count(there: Sights, *fires: Fire) -> Counted:
    return counted(stretches(2), there, fires, AIM, frozenset(AIM.forced), 4)


def test_an_encounter_belongs_to_the_looks_in_which_it_is_first_seen_and_is_caught_as_long_as_it_lasts() -> None:
    there = seen(
        (0, 7, 13, "lamp"), (0, 8, 14, "lamp"), (1, 9, 33, "lamp"), (1, 10, 34, "lamp"), (1, 11, 20, "balloon")
    )
    found = count(there, fire(0, 15, 7, "lamp"), fire(1, 37, 9, "lamp"), fire(1, 38, 9, "lamp"))
    assert found.events.tolist() == [1, 1]  # sites 8 and 9
    assert found.right.tolist() == [0, 1]
    assert found.wrong.tolist() == [0, 0]
    assert found.looks.tolist() == [20, 20]


def test_a_near_miss_is_wrong_once_and_where_it_is_first_fired_at() -> None:
    found = count(
        seen(), fire(0, 20, 5, "balloon"), fire(0, 22, 5, "balloon"), fire(0, 23, 6, "balloon"),
        fire(1, 12, 5, "balloon"), fire(1, 20, 5, "balloon"),
    )  # fmt: skip
    assert found.wrong.tolist() == [2, 0]


def test_a_block_with_a_fire_at_nothing_is_wrong_once_unless_one_came_shortly_before() -> None:
    assert count(seen(), fire(0, 16, -1, ""), fire(0, 20, 3, "tree"), fire(1, 36, -1, "")).wrong.tolist() == [1, 0]
    assert count(seen(), fire(0, 11, 5, "lamp"), fire(0, 16, -1, "")).wrong.tolist() == [0, 0]
    assert count(seen(), fire(0, 9, 5, "lamp"), fire(0, 16, -1, "")).wrong.tolist() == [1, 0]


def test_shares_and_rates_have_the_errors_of_stretches() -> None:
    one, none, looks = np.ones(100), np.zeros(100), np.full(100, 50)
    right = (np.arange(100) < 80).astype(float)
    found = Counted(looks, one, right, 1 - right)
    assert found.recall.estimate == found.precision.estimate == pytest.approx(0.8)
    assert found.recall.high - 0.8 == pytest.approx(1.96 * np.sqrt(0.8 * 0.2 / 99))
    assert found.a_day(one, 3000.0).estimate == pytest.approx(60.0)
    assert np.isnan(Counted(looks, none, none, none).precision.estimate)


def test_plain_driving_is_painted_once_and_holds_what_painting_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BEFORE", 2), ("LONG", 6), ("AFTER", 1), ("REEL", 1)):
        monkeypatch.setattr(plain, name, value)
    studio = studio_of()
    grounds = Grounds(studio.world, Draws(1), 2.0, car_days=40)
    film, frames = PlainDriving(tmp_path / "plain", grounds), list[int]()
    film.extend(studio, 1, watch=frames.append)
    film.extend(studio, 2, watch=frames.append)
    PlainDriving(tmp_path / "plain", grounds).extend(studio, 2, watch=frames.append)
    passes = film.passes([0, 1])
    assert len(frames) == 2
    assert sum(frames) == passes.looks.sum()
    again, there = sights(studio, passes), film.seen([0, 1])
    assert len(there.row) > 0
    assert sorted(zip(*(getattr(there, each.name).tolist() for each in fields(Sights)), strict=True)) == sorted(
        zip(*(getattr(again, each.name).tolist() for each in fields(Sights)), strict=True)
    )
    driven = drive(studio.world, studio.fitting, passes, studio.aim, studio.step)
    assert film.fires(studio, [0, 1]) == driven.fires
    assert driven.fires


def studio_of() -> Studio:
    return Kit("mixed_fleet", 1, "hydranet-v1", (), (TriggerSpec.model_validate(BUSY),), aim_of("stop_sign"), 20).open()


def test_what_is_seen_is_what_truth_shows(tmp_path: Path) -> None:
    studio = studio_of()
    film = PlainDriving(tmp_path, Grounds(studio.world, Draws(1), 2.0, car_days=40))
    passes = film.passes([0])
    found = sights(studio, passes)
    row, look = int(found.row[0]), int(found.look[0])
    staged = staging.stage(open_drawn(), passes.cars, passes.ticks, passes.names, passes.keys)
    now, before = (staged.truth(np.array([row], np.uint32), each * studio.step) for each in (look, look - 1))
    assert found.site[0] in staging.site_of(now.encounter)[plain.shown(now)]
    assert look == 0 or found.site[0] not in staging.site_of(before.encounter)[plain.shown(before)]


def open_drawn() -> staging.DrawnWorld:
    return staging.drawn(open_world("mixed_fleet", seed=1, cars=1))
