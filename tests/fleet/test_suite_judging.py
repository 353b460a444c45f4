import pytest

from fleet.engine.suites.judging import interval, judge
from fleet.engine.suites.spec import Slice, fewest


def asked(must: str, cases: int) -> Slice:
    return Slice(name="one", must=must, cases=cases, confidence=0.95)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 50, 0.0333, 0.2181), (10, 10, 0.6915, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_the_published_one(k: int, n: int, low: float, high: float) -> None:
    assert interval(k, n, 0.95) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("must", "k", "n", "verdict"),
    [
        ("recall >= 0.8", 95, 100, "pass"),
        ("recall >= 0.8", 60, 100, "fail"),
        ("recall >= 0.8", 82, 100, "inconclusive"),
        ("false_alarms <= 0.1", 2, 100, "pass"),
        ("false_alarms <= 0.1", 30, 100, "fail"),
        ("false_alarms <= 0.1", 8, 100, "inconclusive"),
        ("recall >= 0.8", 99, 99, "inconclusive"),
        ("false_alarms <= 0.1", 0, 0, "inconclusive"),
    ],
)
def test_a_verdict_takes_enough_cases_and_the_whole_interval(must: str, k: int, n: int, verdict: str) -> None:
    assert judge(asked(must, 100), k, n).verdict == verdict


def test_too_few_cases_are_said_to_be_too_few() -> None:
    assert judge(asked("recall >= 0.8", 100), 37, 37).why == "37 of 100 cases; it needs to grow"


@pytest.mark.parametrize(("bound", "cases"), [(0.8, 17), (0.9, 36), (0.95, 72)])
def test_fewest_cases_are_just_enough_for_a_network_without_mistakes(bound: float, cases: int) -> None:
    assert fewest(bound, 0.95) == cases
    assert judge(asked(f"recall >= {bound}", cases), cases, cases).verdict == "pass"
    assert judge(asked(f"recall >= {bound}", 1), cases - 1, cases - 1).verdict == "inconclusive"
