"""The circuit breaker's promise, by simulation, and what it does to a run."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures import small_plan
from hypothesis import given
from hypothesis import strategies as st

from fleet.report import write_report
from fleet.simulation import run as runs
from fleet.simulation.breaker import Breaker, Spending, Spent
from fleet.simulation.run_folder import RunFolder
from scenarios import Draws
from telemetry import open_run
from triggers import TriggerSpec
from vehicle import Cut

CARS, LOOKS = 50, 600  # a look a second: 600 s between barriers, all cars on the road
HIGH = 6.0  # fires a car-day of 1.2 h driving: each interval expects 50 * 600 / 3600 / 1.2 * 6 = 41.7


def spec(**forecast: Any) -> TriggerSpec:
    return TriggerSpec(
        name="t", kind="expression", params={"fire_when": "true"}, forecast={"driving_h": 1.2, **forecast}
    )


def breaker(alpha: float = 0.05, **forecast: Any) -> Breaker:
    return Breaker([spec(**forecast)], 1.0, alpha)


def poisson(u: np.ndarray, mean: np.ndarray | float) -> np.ndarray:
    """Poisson counts of small mean, by inversion."""
    term = np.exp(-np.asarray(mean, float)) * np.ones_like(u)
    total, count = term.copy(), np.zeros(u.shape, int)
    for k in range(1, 30):
        count += u > total
        term = term * mean / k
        total = total + term
    return count


PER_CAR = HIGH * LOOKS / 3600 / 1.2  # 0.83 fires of a car in an interval
COLUMNS = np.arange(CARS, dtype=np.uint32)


def steady(seed: int, barrier: int) -> np.ndarray:
    """Every car alike, at the very end of the forecast."""
    return poisson(Draws(seed).uniform("a", COLUMNS, barrier), PER_CAR)


def bursts(seed: int, barrier: int) -> np.ndarray:
    """One car in eighty meets a place where it fires sixty-six times."""
    return 66 * (Draws(seed).uniform("b", COLUMNS, barrier) < PER_CAR / 66)


def uneven(seed: int, barrier: int) -> np.ndarray:
    """One car in ten fires ten times as often as the fleet's mean, the others not at all."""
    return poisson(Draws(seed).uniform("c", COLUMNS, barrier), PER_CAR * 10 * (COLUMNS % 10 == 0))


def suspended_at(watch: Breaker, fires: Callable[[int], np.ndarray], barriers: int, nbytes: int = 0) -> int | None:
    """The first barrier at which the trigger is suspended."""
    for barrier in range(barriers):
        counts = fires(barrier)
        spent = [
            Spent("t", car, int(counts[car]), nbytes * int(counts[car])) for car in np.flatnonzero(counts).tolist()
        ]
        if watch.decide(CARS * LOOKS, spent):
            return barrier
    return None


@pytest.mark.parametrize("fleet", [steady, bursts, uneven])
def test_a_trigger_at_the_end_of_its_forecast_is_suspended_no_oftener_than_promised(
    fleet: Callable[[int, int], np.ndarray],
) -> None:
    wrong = sum(
        suspended_at(breaker(0.2, fires_per_car_day=(0, HIGH)), lambda at, seed=seed: fleet(seed, at), 60) is not None
        for seed in range(60)
    )
    assert wrong <= 0.2 * 60 + 3 * math.sqrt(60 * 0.2 * 0.8)


@pytest.mark.parametrize(("times", "barriers"), [(1.5, 6), (3, 1)])
def test_a_storm_is_stopped_soon(times: float, barriers: int) -> None:
    def storm(barrier: int) -> np.ndarray:
        return poisson(Draws(1).uniform("a", COLUMNS, barrier), times * PER_CAR)

    found = suspended_at(breaker(0.001, fires_per_car_day=(0, HIGH)), storm, 50)
    assert found is not None
    assert found < barriers


def test_megabytes_are_watched_like_fires() -> None:
    watch = breaker(0.001, fires_per_car_day=(0, 10 * HIGH), mb_per_car_day=(0, HIGH))
    assert suspended_at(watch, lambda barrier: steady(1, barrier), 50, nbytes=3_000_000) is not None
    assert " mb in " in watch.suspended["t"]
    assert "forecast allows 6 a car-day" in watch.suspended["t"]


def test_a_trigger_that_is_rarer_than_foretold_or_has_no_forecast_is_left_alone() -> None:
    assert suspended_at(breaker(fires_per_car_day=(5, HIGH)), lambda _: np.zeros(CARS), 50) is None
    assert suspended_at(Breaker([]), lambda barrier: 99 * steady(1, barrier), 5) is None


SPENT = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.integers(0, 10**7)), unique_by=lambda one: one[0])


@given(st.lists(SPENT, max_size=5), st.integers(0, 20))
def test_the_verdict_does_not_depend_on_shards(intervals: list[list[tuple[int, int, int]]], cut: int) -> None:
    one, two = (breaker(fires_per_car_day=(0, 1.0), mb_per_car_day=(0, 2.0)) for _ in range(2))
    for interval in intervals:
        spent = [Spent("t", *each) for each in interval]
        assert one.decide(999, spent) == two.decide(999, [*spent[cut:], *spent[:cut]])
    assert one.entry() == two.entry()


@given(st.lists(SPENT, min_size=1, max_size=4))
def test_a_breaker_goes_on_from_what_the_log_says(intervals: list[list[tuple[int, int, int]]]) -> None:
    whole, first = (breaker(fires_per_car_day=(0, 1.0), mb_per_car_day=(0, 2.0)) for _ in range(2))
    for interval in intervals:
        for each in (whole, first):
            each.decide(7, [Spent("t", *one) for one in interval])
        again = breaker(fires_per_car_day=(0, 1.0), mb_per_car_day=(0, 2.0))
        again.restore(json.loads(json.dumps(first.entry())))
        first = again
    assert first.entry() == whole.entry()


def test_spending_survives_a_checkpoint_between_two_barriers() -> None:
    cut = Cut.of_fire(3, 100, spec(), 1.0)
    spending, again = Spending(["t"]), Spending(["t"])
    spending.fired([cut, cut])
    spending.queued(cut, 500)
    again.restore(json.loads(json.dumps(spending.facts())))
    assert again.take() == spending.take() == (Spent("t", 3, 2, 500),)
    assert spending.take() == ()
    other = Spending(["another"])
    other.fired([cut])
    assert other.take() == ()


WATCHED = "forecast: {fires_per_car_day: [0, 20], driving_h: 1.2}\n"  # and `often` fires every two seconds


@pytest.fixture(scope="module")
def storm(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose one trigger storms."""
    folder = tmp_path_factory.mktemp("storm")
    (folder / "often.yaml").write_text((small / "often.yaml").read_text() + WATCHED)
    (folder / "small.yaml").write_text((small / "small.yaml").read_text())
    return folder


@pytest.fixture(scope="module")
def stormy(storm: Path) -> runs.Summary:
    return runs.start(small_plan(storm), storm / "one")


def test_a_storm_in_a_run_is_suspended_with_the_evidence_in_its_log_and_tables(stormy: runs.Summary) -> None:
    log = RunFolder(Path(stormy.run)).log()
    (tripped,) = [entry for entry in log if entry["events"]]
    ((action, reason),) = tripped["events"]
    assert action == "suspend"
    assert reason.startswith("often: ")
    assert "the forecast allows 20 a car-day" in reason
    assert tripped["breaker"]["suspended"] == log[-1]["breaker"]["suspended"]
    page = write_report(Path(stormy.run)).read_text()
    assert "What happened to the software" in page
    assert "the forecast allows 20 a car-day" in page
    with open_run(Path(stormy.run)) as db:
        assert db.sql("SELECT action, reason, cars FROM rollouts").fetchall() == [("suspend", reason, 14)]
        counted = db.sql("SELECT t_us, reason FROM reasons WHERE reason IN ('FIRED', 'SUSPENDED')").fetchall()
    fired = {at for at, why in counted if why == "FIRED"}
    silent = {at for at, why in counted if why == "SUSPENDED"}
    assert max(fired) == tripped["barrier_us"] < min(silent)


def test_a_suspension_is_replayed_and_does_not_depend_on_shards(stormy: runs.Summary, storm: Path) -> None:
    assert runs.replay(Path(stormy.run)).events == stormy.events
    apart = runs.start(small_plan(storm, "shards=2"), storm / "two")
    assert (apart.digest, apart.events) == (stormy.digest, stormy.events)
    assert RunFolder(storm / "two").log() == RunFolder(storm / "one").log()
