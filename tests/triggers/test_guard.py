"""The dry run: it bounds precision whatever was missed, notices what was missed, and rarely cries for nothing."""

import numpy as np
import pytest
from scipy import stats

from scenarios import Draws
from triggers import estimate
from triggers.estimate import Interval

FIRES, RIGHT = Interval(2e-5, 1.8e-5, 2.2e-5), Interval(1.2e-5, 1.1e-5, 1.3e-5)


def test_a_mode_with_three_tenths_of_the_alerts_is_noticed_in_ten_million_frames() -> None:
    counts = _poisson(2e-5 / 0.7 * 1e7, 400)
    alarms = [estimate.judge_dry_run(1e7, k, FIRES, RIGHT).alarm for k in counts]
    assert np.mean([alarm.startswith("more") for alarm in alarms]) >= 0.95


def test_an_estimate_that_misses_nothing_is_let_be() -> None:
    draws = Draws(8)
    spread = (np.log(FIRES.high) - np.log(FIRES.low)) / 3.92
    rates = FIRES.estimate * np.exp(spread * draws.normal("rate", np.arange(600)))
    counts = stats.poisson.ppf(draws.uniform("count", np.arange(600)), rates * 1e7).astype(int)
    alarms = [bool(estimate.judge_dry_run(1e7, k, FIRES, RIGHT).alarm) for k in counts]
    assert np.mean(alarms) <= 0.05


def test_precision_is_no_lower_than_the_bound_whatever_was_missed() -> None:
    truth = 1.2e-5 / (2e-5 + 6e-5)  # most of the alerts come from where nobody looked
    bounds = [estimate.judge_dry_run(1e6, k, FIRES, RIGHT).precision_low for k in _poisson(8e-5 * 1e6, 300)]
    assert np.mean(np.array(bounds) <= truth) >= 0.975
    assert np.mean(bounds) > 0.5 * truth


def test_more_driving_gives_more_power_and_the_need_is_what_gives_nineteen_in_twenty() -> None:
    short, long = (estimate.power(frames, FIRES) for frames in (1e6, 1e7))
    assert short < 0.5
    assert long > 0.9
    assert estimate.power(estimate.frames_for_power(FIRES), FIRES) == pytest.approx(0.95, abs=0.01)


def test_the_power_that_is_stated_is_the_power_there_is() -> None:
    counts = _poisson(2e-5 / 0.7 * 4e6, 600)
    seen = np.mean([estimate.judge_dry_run(4e6, k, FIRES, RIGHT).alarm.startswith("more") for k in counts])
    assert seen == pytest.approx(estimate.power(4e6, FIRES), abs=0.06)


def test_fewer_alerts_than_foretold_are_noticed_too() -> None:
    assert estimate.judge_dry_run(1e7, 60, FIRES, RIGHT).alarm.startswith("fewer")


def test_no_driving_says_nothing() -> None:
    found = estimate.judge_dry_run(0.0, 0, FIRES, RIGHT)
    assert not found.alarm
    assert found.precision_low == 0
    assert found.power < 0.05


def _poisson(mean: float, n: int) -> list[int]:
    found: list[int] = stats.poisson.ppf(Draws(1).uniform("poisson", np.arange(n)), mean).astype(int).tolist()
    return found
