import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fleet.plan import RunPlan, clock_us, duration_us, show_clock, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1m", 60), ("2h", 7200), ("2h30m", 9000), ("0.5s", 0.5), (12, 12), ("1d", 86400)],
)
def test_lengths_of_time_are_read(text: object, seconds: float) -> None:
    assert duration_us(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "1 minute", "m", "1x", None, True, [], "-1m"])
def test_other_lengths_of_time_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a length of time"):
        duration_us(text)


@pytest.mark.parametrize(("text", "seconds"), [("18:30", 66600), ("0:00", 0), ("23:59:59", 86399)])
def test_times_of_day_are_read(text: str, seconds: int) -> None:
    assert clock_us(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["24:00", "18:60", "18", 1110, None])
def test_other_times_of_day_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a time of day"):
        clock_us(text)


@given(st.integers(0, 10**6))
def test_a_shown_duration_is_read_back(seconds: int) -> None:
    assert duration_us(show_duration(seconds * 1_000_000)) == seconds * 1_000_000


@given(st.integers(0, 86_399))
def test_a_shown_time_of_day_is_read_back(seconds: int) -> None:
    assert clock_us(show_clock(seconds * 1_000_000)) == seconds * 1_000_000


def test_after_midnight_the_day_is_shown() -> None:
    assert show_clock(86_400_000_000 + 5_000_000) == "1d 00:00:05"


def test_a_plan_cannot_be_changed() -> None:
    plan = RunPlan(world="rainy_city")
    with pytest.raises(ValidationError, match="frozen"):
        plan.cars = 3  # type: ignore[misc]


def test_a_world_may_be_a_word_or_a_mapping() -> None:
    assert RunPlan(world="rainy_city").world.name == "rainy_city"
    assert RunPlan(world={"name": "recorded", "drives": "d"}).world.options == {"drives": "d"}


@pytest.mark.parametrize("period", [0, 0.05, 0.25, -1])
def test_a_period_off_the_camera_tick_is_refused(period: float) -> None:
    with pytest.raises(ValidationError, match=r"multiple of 0\.1 s"):
        RunPlan(world="rainy_city", perceive_every_s=period)
