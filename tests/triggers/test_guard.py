"""The dry run: it bounds precision whatever was missed, notices what was missed, and rarely cries for nothing."""

import numpy as np
import pytest
from scipy import stats

from scenarios import Draws
from triggers import estimate
from triggers.estimate import Interval
from triggers.estimate.guard import NEGLIGIBLE, STRAYS, p_strays

FIRES, RIGHT = Interval(2e-5, 1.8e-5, 2.2e-5), Interval(1.2e-5, 1.1e-5, 1.3e-5)


def test_a_mode_with_three_tenths_of_the_alerts_is_noticed_in_ten_million_frames() -> None:
    counts = _poisson(2e-5 / 0.7 * 1e7, 400)
    assert np.mean([estimate.judge_dry_run(1e7, k, FIRES, RIGHT).missed for k in counts]) >= 0.95


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


def test_alerts_at_nothing_that_was_sampled_give_a_mode_away_with_a_fifth_of_the_driving() -> None:
    assert estimate.power(1e6, FIRES) >= 0.95
    assert estimate.power(1e6, FIRES, labelled=False) < 0.5
    known, strays = _poisson(20.0, 400), _poisson(20.0 * 0.3 / 0.7, 400, "strays")
    seen = [_labelled(k + s, s).missed for k, s in zip(known, strays, strict=True)]
    assert np.mean(seen) == pytest.approx(estimate.power(1e6, FIRES), abs=0.04)


def test_a_stray_in_two_hundred_alerts_raises_no_alarm_but_three_times_in_a_hundred() -> None:
    for total in (3.0, 30.0, 300.0):
        alerts, strays = _poisson(total * (1 - NEGLIGIBLE), 2000), _poisson(total * NEGLIGIBLE, 2000, "strays")
        level = np.mean([p_strays(s, k + s) <= STRAYS for k, s in zip(alerts, strays, strict=True)])
        assert level <= STRAYS + 3 * np.sqrt(STRAYS * (1 - STRAYS) / 2000)


@pytest.mark.parametrize("labelled", [True, False])
def test_more_driving_gives_more_power_and_the_need_is_what_gives_nineteen_in_twenty(labelled: bool) -> None:
    short, long = (estimate.power(frames, FIRES, labelled=labelled) for frames in (4e4, 1e7))
    assert short < 0.5
    assert long > 0.9
    needed = estimate.frames_for_power(FIRES, labelled=labelled)
    assert estimate.power(needed, FIRES, labelled=labelled) == pytest.approx(0.95, abs=0.01)


def test_the_power_that_is_stated_is_the_power_there_is() -> None:
    counts = _poisson(2e-5 / 0.7 * 4e6, 600)
    seen = np.mean([estimate.judge_dry_run(4e6, k, FIRES, RIGHT).missed for k in counts])
    assert seen == pytest.approx(estimate.power(4e6, FIRES, labelled=False), abs=0.06)


def test_no_test_has_more_power_than_the_limit() -> None:
    exact = Interval(2e-5, 2e-5 * 0.999, 2e-5 * 1.001)
    for frames in (1e5, 1e6, 4e6):
        for labelled in (True, False):
            assert estimate.power(frames, exact, labelled=labelled) <= estimate.best_power(
                2e-5 * frames, labelled=labelled
            )
    assert estimate.best_power(0.0) == pytest.approx(0.05)
    assert estimate.best_power(0.0, labelled=False) == pytest.approx(0.05)
    # Neyman and Pearson by hand: mean 1 against 2, level 5 %: alarm from 4 on, and at 3 by lot
    lot = (0.05 - stats.poisson.sf(3, 1.0)) / stats.poisson.pmf(3, 1.0)
    by_hand = stats.poisson.sf(3, 2.0) + lot * stats.poisson.pmf(3, 2.0)
    assert estimate.best_power(1.0, 0.5, labelled=False) == pytest.approx(by_hand)


def test_fewer_alerts_than_foretold_are_noticed_too() -> None:
    assert estimate.judge_dry_run(1e7, 60, FIRES, RIGHT).alarm.startswith("fewer")


def test_no_driving_says_nothing() -> None:
    found = estimate.judge_dry_run(0.0, 0, FIRES, RIGHT)
    assert not found.alarm
    assert found.precision_low == 0
    assert found.power < 0.05


def _labelled(alerts: int, strays: int) -> estimate.Guard:
    return estimate.judge_dry_run(1e6, alerts, FIRES, RIGHT, strays=strays)


def _poisson(mean: float, n: int, stream: str = "poisson") -> list[int]:
    found: list[int] = stats.poisson.ppf(Draws(1).uniform(stream, np.arange(n)), mean).astype(int).tolist()
    return found
