"""The exam, examined where the truth is known in closed form: the real sampler and estimators, without pictures."""

import numpy as np
import pytest

from fleet.exam.analytic import Analytic
from fleet.exam.trial import PILOT, allocate, sample
from scenarios import Draws
from triggers import estimate

TRIGGERS, FRAMES = 100, 2000


def exam(trigger: int, *, missed: float = 0.0, frames: int = FRAMES) -> tuple[Analytic, estimate.Figures]:
    prevalence = 10 ** float(-7 + 3 * Draws(11).uniform("prevalence", trigger))
    field = Analytic(trigger, prevalence, missed=missed)
    return field, estimate.figures_of(sample(field, frames, pilot=40).sample, rest=field.rest)


def test_intervals_cover_over_prevalences_from_one_in_ten_million_to_one_in_ten_thousand() -> None:
    covered = {"precision": 0, "recall": 0, "fires": 0}
    for trigger in range(TRIGGERS):
        field, found = exam(trigger)
        for name in covered:
            interval = getattr(found, name)
            covered[name] += interval.low <= field.truth[name] <= interval.high
    for count in covered.values():
        assert count / TRIGGERS == pytest.approx(0.955, abs=3 * np.sqrt(0.955 * 0.045 / TRIGGERS))


def test_far_fewer_frames_than_plain_sampling_needs() -> None:
    savings = []
    for trigger in range(20):
        field, found = exam(trigger)
        p, wide = field.truth["precision"], found.precision.half_width
        savings.append(3.84 * p * (1 - p) / wide**2 / field.truth["fires"] / FRAMES)
    assert np.median(savings) > 1000


def test_a_hidden_mode_raises_the_alarm_and_the_bound_holds_all_the_same() -> None:
    alarms, valid = [], []
    for trigger in range(12):
        field = Analytic(trigger, 1e-4, missed=0.3)
        sampled = sample(field, 8000, pilot=40)
        known = estimate.foretold_by(sampled.sample, field.rest)
        alerts, strays = field.dry_run(1e7)
        guard = estimate.guard_of(sampled.sample, field.rest, car_days=1e7, alerts=alerts, strays=strays)
        assert not known.precision.low <= field.truth["precision"] <= known.precision.high
        alarms.append(guard.missed)
        valid.append(guard.precision_low <= field.truth["precision"])
    assert all(alarms)
    assert all(valid)


def test_the_guard_is_seldom_wrong_and_notices_a_hidden_mode_where_any_test_could() -> None:
    false, noticed, told = [], [], []
    for trigger in range(60):
        missed = 0.3 * (trigger % 2)
        field = Analytic(trigger, 10 ** (-6 + 2 * trigger / 60), missed=missed)
        alerts, strays = field.dry_run(1e7)
        guard = estimate.guard_of(
            sample(field, FRAMES, pilot=40).sample, field.rest, car_days=1e7, alerts=alerts, strays=strays
        )
        (noticed if missed else false).append(bool(guard.alarm))
        told.append(guard.power)
        assert guard.power <= guard.limit
    assert np.mean(false) <= 0.1  # 5 %, of thirty
    assert np.mean(noticed) == pytest.approx(np.mean(told), abs=0.1)
    assert np.mean(noticed) >= 0.9


def test_the_pilot_is_not_counted_twice() -> None:
    field = Analytic(3, 1e-5)
    found = sample(field, FRAMES)
    again = field.look(PILOT, found.counts.tolist())
    assert (np.concatenate([each.right for each in again]) == found.sample.right).all()
    assert found.frames == sum(found.counts) + PILOT * len(field.strata)


def test_weights_add_up_to_what_a_car_meets() -> None:
    field = Analytic(4, 1e-5)
    found = sample(field, FRAMES).sample
    for number, stratum in enumerate(field.strata):
        assert found.weight[found.stratum == number].sum() == pytest.approx(stratum.per_car_day)


def test_ordinary_driving_gets_its_share_and_more_where_that_settles_it() -> None:
    rare, common = Analytic(5, 1e-7), Analytic(5, 3e-3)
    shares = []
    for field in (rare, common):
        counts = allocate(field, field.look(0, [PILOT] * len(field.strata)), 20_000)
        shares.append(counts[field.rest] / 20_000)
    assert shares[0] == pytest.approx(0.1, abs=0.01)
    assert shares[1] > 0.1
    assert estimate.figures_of(sample(common, 20_000).sample, rest=common.rest).resolved
