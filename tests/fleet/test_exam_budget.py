"""The budget is kept as often as promised, and used."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, poisson

from fleet.exam.budgeting import Purse, budget, frontier, quotas, rates_of, read_quotas, walk
from fleet.exam.errors import BadQuota
from fleet.exam.grading import Scored
from scenarios import Draws
from triggers import TriggerSpec, estimate

CLIP_MB, DRIVEN_S = 0.5, 3300.0
RATES, MIDDLES = (2.0, 6.0), (1.0, -0.5)  # events and near misses a car-day, and where their scores lie


def spec(**changes: Any) -> TriggerSpec:
    return TriggerSpec.model_validate(
        {"name": "some", "kind": "expression", "params": {"fire_when": "Vehicle.Speed > 1"}, **changes}
    )


def rows(rep: int, n: int = 1500) -> Scored:
    """As an exam gives them: events and near misses with known weights; scores are normal."""
    stratum = np.repeat([0, 1], n)
    score = Draws(rep).normal("score", np.arange(2 * n)) + np.array(MIDDLES)[stratum]
    sample = estimate.Sample(
        stratum, np.array(RATES)[stratum] / n, stratum == 0, np.zeros(2 * n, np.bool_), np.zeros(2 * n)
    )
    return Scored(sample, score, rest=2)


def true_mb(threshold: float) -> float:
    return CLIP_MB * sum(rate * norm.sf(threshold - middle) for rate, middle in zip(RATES, MIDDLES, strict=True))


def test_a_thousand_car_days_break_the_budget_in_one_case_of_ten_at_most_and_use_four_fifths_of_it() -> None:
    """An exam's sample sets the threshold; then a thousand cars drive a day, with what luck they have."""
    broken, used = [], []
    for rep in range(60):
        offers = frontier(spec(), rates_of(rows(rep, 800)), purse(1.5))
        rate = true_mb(offers[walk(offers, 1.5)].threshold) / CLIP_MB
        came = poisson.ppf(Draws(rep).uniform("luck", 0), 1000 * rate) * CLIP_MB / 1000
        broken.append(came > 1.5)
        used.append(came / 1.5)
    assert np.mean(broken) <= 0.1
    assert np.mean(used) >= 0.8


def test_a_looser_threshold_catches_more_and_uploads_more() -> None:
    offers = frontier(spec(), rates_of(rows(1)), purse(1.5))
    recalls, mbs = ([getattr(each, name).estimate for each in offers] for name in ("recall", "mb"))
    assert recalls == sorted(recalls)
    assert mbs == sorted(mbs)
    assert all(each.mb.estimate <= each.most_mb for each in offers)


def test_a_budget_below_every_threshold_lengthens_the_cooldown_and_then_lowers_the_limit() -> None:
    found = plan(0.125, rows_=all_alike())
    assert found.chosen >= 0
    assert found.cooldown_s == 14_400
    assert found.per_car_day is None
    assert plan(0.11, rows_=all_alike()).per_car_day == 1


def test_where_nothing_keeps_the_budget_nothing_is_chosen() -> None:
    found = plan(1e-6, rows_=all_alike())
    assert found.chosen == -1
    assert not found.quotas


def test_quotas_add_up_and_favour_what_is_rare() -> None:
    shares = {"dry day": 0.7, "dry night": 0.2, "wet day": 0.09, "wet night": 0.01}
    found = quotas(10_000, shares)
    assert sum(found.values()) == pytest.approx(10_000, abs=2)
    assert found["wet night"] == 200
    assert found["wet day"] == 1800
    assert found["dry day"] < 7000


def test_shares_that_are_asked_for_are_given_and_cost_the_time_that_they_take() -> None:
    found = plan(4.0, rows(1), shares={"one": 0.9})
    assert {name: each.count for name, each in found.quotas.items()} == {"one": 900, "elsewhere": 100}
    assert found.quotas["one"].comes == pytest.approx(0.5, abs=0.05)
    even = plan(4.0, rows(1))
    assert found.hours.estimate == found.quotas["one"].hours.estimate
    assert found.hours.estimate == pytest.approx(1.8 * even.hours.estimate, rel=0.1)


def test_quotas_are_read_or_refused_with_what_was_meant() -> None:
    assert read_quotas("night=30%, rain=0.2") == {"night": 0.3, "rain": 0.2}
    assert not read_quotas("")
    for text, says in (("night", "PART=SHARE"), ("night=x", "PART=SHARE"), ("a=70%, b=40%", "add up to 110%")):
        with pytest.raises(BadQuota, match=says):
            read_quotas(text)
    with pytest.raises(BadQuota, match="did you mean 'one'"):
        plan(4.0, rows(1), shares={"oen": 0.5})


def test_what_the_fleets_total_or_the_last_day_cuts_off_never_comes() -> None:
    free = plan(4.0, rows(1))
    assert np.isfinite(free.hours.estimate)
    few = plan(4.0, rows(1), spec(limits={"fleet_total": 900}))
    assert few.hours.estimate == np.inf
    assert plan(4.0, rows(1), days=free.hours.estimate / 24.0 / 2.0).hours.estimate == np.inf
    assert plan(4.0, rows(1), days=free.hours.high / 24.0 * 2.0).hours == free.hours


def test_a_daily_limit_in_megabytes_is_one_of_so_many_clips() -> None:
    limited = spec(limits={"mb_per_car_day": 1.2})
    offers = frontier(limited, rates_of(rows(1)), purse(1.5))
    assert max(each.mb.high for each in offers) <= 1.0  # two clips of half a megabyte


def all_alike() -> Scored:
    """Every encounter fires, whatever the threshold: only rules about time can help."""
    found = rows(1)
    return Scored(found.sample, np.ones(len(found.score)), rest=2)


def purse(mb: float, **changes: Any) -> Purse:
    return Purse(
        **{"mb_per_car_day": mb, "clip_mb": CLIP_MB, "driven_s": DRIVEN_S, "cars": 1000, "wanted": 1000} | changes
    )


def plan(mb: float, rows_: Scored, spec_: TriggerSpec | None = None, **changes: Any) -> Any:
    half = np.arange(len(rows_.sample)) % 2 == 0
    parts = {"one": half, "other": ~half}
    return budget(spec_ or spec(), rows_, purse(mb, **changes), parts, parts)
