import math

import pytest

from triggers import TriggerError, estimate
from triggers.estimate import Interval


def test_requirements_are_read_as_people_write_them() -> None:
    found = estimate.parse_requirements(
        "precision>=0.6, recall[heavy rain] >= .3,upload_mb_per_car_day<=4", ["heavy rain"]
    )
    assert [str(each) for each in found] == ["precision>=0.6", "recall[heavy rain]>=0.3", "upload_mb_per_car_day<=4"]


@pytest.mark.parametrize(
    ("text", "says", "caret"),
    [
        ("precison>=0.6", "unknown figure 'precison'; did you mean 'precision'?", 0),
        ("precision>=0.6, recal>=1", "did you mean 'recall'?", 16),
        ("precision=0.6", "expected `NAME>=NUMBER` or `NAME<=NUMBER`", 0),
        ("precision>=60", "expected a share from 0 to 1, and this is '60'", 11),
        ("precision>=x", "expected a share from 0 to 1", 11),
        ("fires_per_car_day<=-1", "expected a number of at least 0", 19),
        ("recall[nite]>=0.1", "unknown slice 'nite'; did you mean 'night'?", 7),
        ("fires_per_car_day[night]<=1", "a slice has precision and recall, and no fires_per_car_day", 18),
        ("recall_change>=x", "expected a number, and this is 'x'", 15),
        ("recall_change[night]>=0", "a slice has precision and recall, and no recall_change", 14),
        ("", "expected `NAME>=NUMBER`", 0),
    ],
)
def test_a_mistake_is_shown_where_it_stands(text: str, says: str, caret: int) -> None:
    with pytest.raises(TriggerError) as raised:
        estimate.parse_requirements(text, ["night", "rain"])
    first, _, arrow = str(raised.value).split("\n")
    assert says in first
    assert arrow.index("^") - 2 == caret


@pytest.mark.parametrize(
    ("text", "low", "high", "outcome"),
    [
        ("precision>=0.6", 0.61, 0.8, "pass"),
        ("precision>=0.6", 0.3, 0.59, "fail"),
        ("precision>=0.6", 0.5, 0.7, "inconclusive"),
        ("fires_per_car_day<=2", 1.0, 2.0, "pass"),
        ("fires_per_car_day<=2", 2.1, 3.0, "fail"),
        ("fires_per_car_day<=2", 1.9, 3.0, "inconclusive"),
    ],
)
def test_an_interval_passes_fails_or_cannot_tell(text: str, low: float, high: float, outcome: str) -> None:
    (required,) = estimate.parse_requirements(text)
    assert estimate.judge(required, Interval((low + high) / 2, low, high)).outcome == outcome


def test_what_is_inconclusive_says_what_it_would_take() -> None:
    (required,) = estimate.parse_requirements("precision>=0.6")
    found = estimate.judge(required, Interval(0.65, 0.55, 0.75))
    assert found.why == "0.55 to 0.75 holds 0.6; 4.0 times as many encounters would tell, and it would probably pass"
    assert "no sample tells" in estimate.judge(required, Interval(0.6, 0.5, 0.7)).why


def test_thin_figures_pass_nothing_and_fail_nothing() -> None:
    (required,) = estimate.parse_requirements("precision>=0.6")
    found = estimate.judge(required, Interval(0.9, 0.8, 0.95), believed=False, doubt="only 3 alerts were seen")
    assert (found.outcome, found.why) == ("inconclusive", "only 3 alerts were seen")
    assert estimate.judge(required, Interval(math.nan, 0.0, 1.0)).outcome == "inconclusive"


def test_one_failure_fails_and_one_doubt_leaves_all_in_doubt() -> None:
    required = estimate.parse_requirements("precision>=0.6, recall>=0.5, fires_per_car_day<=9")
    good, bad, unsure = Interval(0.7, 0.65, 0.75), Interval(0.2, 0.1, 0.3), Interval(0.5, 0.4, 0.6)
    assert estimate.verdict_of([estimate.judge(each, good) for each in required]) == "pass"
    assert (
        estimate.verdict_of([estimate.judge(required[0], good), estimate.judge(required[1], unsure)]) == "inconclusive"
    )
    assert estimate.verdict_of([estimate.judge(required[0], bad), estimate.judge(required[1], unsure)]) == "fail"
