"""What an exam aims at, and what it foretells."""

import datetime as dt
import math

import pytest

from fleet.errors import UnknownEncounter
from fleet.exam.aims import aim_of
from fleet.exam.forecast import days_left, forecast, hours_to, hours_within, kept
from fleet.exam.grounds import LEAD, lead_of
from scenarios import KINDS
from triggers import TriggerSpec, estimate
from triggers.estimate import Interval


def spec(**limits: object) -> TriggerSpec:
    return TriggerSpec.model_validate(
        {"name": "some", "kind": "expression", "params": {"fire_when": "Vehicle.Speed > 1"}, **limits}
    )


def test_a_triggers_name_says_what_it_ought_to_catch() -> None:
    aim = aim_of("caution_light")
    assert aim.catches == ("caution_light", "caution_light_on_barrier", "caution_light_on_bus")
    assert aim.near_misses == ("dark_lamp", "balloon")
    assert aim.kind == KINDS.index("caution_light")


def test_the_longest_name_counts() -> None:
    assert aim_of("stop_sign_held_at_night").catches == ("stop_sign_held",)
    assert "round_bag" in aim_of("stop_sign_held_at_night").near_misses


def test_a_trigger_that_is_named_after_nothing_has_no_aim_until_one_is_given() -> None:
    assert not aim_of("shadow_surprise").catches
    assert aim_of("shadow_surprise", ["animal"]).near_misses == ("rubbish",)


def test_an_encounter_that_no_world_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownEncounter, match="did you mean 'balloon'"):
        aim_of("mine", ["baloon"])


def test_a_trigger_settles_for_as_long_as_it_remembers() -> None:
    assert lead_of([spec()], 1.0) == LEAD
    assert lead_of([spec(when="max(Vehicle.Speed over 30 s) > 3")], 1.0) == LEAD + 30
    assert lead_of([spec(fire={"dwell_s": 5.0})], 0.5) == LEAD + 10


def test_a_cooldown_is_dead_time_and_a_limit_cuts_the_day() -> None:
    rare = kept(0.01, spec(fire={"cooldown_s": 300}), 3300.0)
    assert rare == pytest.approx(0.01, rel=0.01)
    often = kept(1000.0, spec(fire={"cooldown_s": 300}), 3300.0)
    assert often == pytest.approx(3300 / 300, rel=0.02)
    assert kept(1000.0, spec(limits={"per_car_day": 5}), 3300.0) == pytest.approx(5.0)
    assert kept(0.0, spec(), 3300.0) == 0


def test_the_hours_to_so_many_right_fires_hold_the_luck_of_the_draw() -> None:
    known = hours_to(100, Interval(24.0, 24.0, 24.0))
    assert known.estimate == pytest.approx(100.0)
    assert known.low == pytest.approx(81.36, abs=0.01)  # Garwood's lower limit for a count of 100
    unsure = hours_to(100, Interval(24.0, 12.0, 48.0))
    assert unsure.low < known.low
    assert unsure.high > known.high


def test_right_fires_come_until_the_fleets_total_is_reached_or_the_trigger_expires() -> None:
    right, fires = Interval(24.0, 24.0, 24.0), Interval(48.0, 48.0, 48.0)
    assert hours_within(spec(limits={"fleet_total": 200}), 100, right, fires, None) == hours_to(100, right)
    assert hours_within(spec(limits={"fleet_total": 199}), 100, right, fires, None).estimate == math.inf
    assert hours_within(spec(), 100, right, fires, 4.0).estimate == math.inf
    assert hours_within(spec(), 100, right, fires, 4.5).estimate == 100.0
    expires = spec(limits={"expires": dt.date(2027, 1, 31)})
    assert days_left(expires, dt.date(2027, 1, 1)) == 31
    assert days_left(expires, None) is None
    assert days_left(spec(), dt.date(2027, 1, 1)) is None


def test_a_fleet_sends_what_its_cars_send() -> None:
    sample = estimate.Sample(*(_column(name) for name in ("stratum", "weight", "event", "right", "wrong")))
    figures = estimate.figures_of(sample)
    told = forecast(spec(), figures, cars=1000, wanted=10, driven_s=3300.0, clip_mb=0.5)
    assert told.fires.estimate == pytest.approx(1000 * figures.fires.estimate)
    assert told.mb.estimate == pytest.approx(500 * figures.fires.estimate)
    assert told.mb_per_car_day.estimate == pytest.approx(0.5 * figures.fires.estimate)
    assert told.kept == pytest.approx(1.0)


def _column(name: str) -> object:
    import numpy as np

    n = np.arange(100)
    return {
        "stratum": n // 50, "weight": np.full(100, 0.01), "event": n < 50, "right": n < 40,
        "wrong": (n >= 80).astype(float),
    }[name]  # fmt: skip
