from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Story = Callable[..., list[str]]

DAY_TICKS = 864_000


def test_a_rising_edge_fires_once(story: Story) -> None:
    assert story([0, 1, 1, 0, 1]) == ["BELOW", "FIRED", "HELD", "BELOW", "FIRED"]


def test_what_is_true_at_deploy_does_not_fire(story: Story) -> None:
    assert story([1, 1, 0, 1]) == ["HELD", "HELD", "BELOW", "FIRED"]


def test_a_falling_edge_fires_when_the_condition_stops(story: Story) -> None:
    assert story([0, 1, 1, 0, 0], fire={"edge": "falling"}) == ["HELD", "BELOW", "BELOW", "FIRED", "HELD"]


def test_always_fires_whenever_the_condition_holds_and_the_cooldown_lets_it(story: Story) -> None:
    assert story([1, 1, 0, 1], fire={"edge": "always"}) == ["FIRED", "FIRED", "BELOW", "FIRED"]
    fire = {"edge": "always", "cooldown_s": 2}
    assert story([1, 1, 1, 1], fire=fire) == ["FIRED", "COOLDOWN", "FIRED", "COOLDOWN"]


def test_the_condition_must_dwell_without_a_break(story: Story) -> None:
    expected = ["BELOW", "DWELLING", "BELOW", "DWELLING", "DWELLING", "FIRED", "HELD"]
    assert story([0, 1, 0, 1, 1, 1, 1], fire={"dwell_s": 2}) == expected


def test_a_dwell_shorter_than_the_time_between_ticks_takes_two_of_them(story: Story) -> None:
    assert story([0, 1, 1], fire={"dwell_s": 0.2}) == ["BELOW", "DWELLING", "FIRED"]


def test_an_edge_inside_the_cooldown_is_lost(story: Story) -> None:
    expected = ["BELOW", "FIRED", "BELOW", "COOLDOWN", "HELD", "HELD", "BELOW", "FIRED"]
    assert story([0, 1, 0, 1, 1, 1, 0, 1], fire={"cooldown_s": 4}) == expected


def test_the_cooldown_ends_on_the_tick(story: Story) -> None:
    assert story([0, 1, 0, 1], fire={"cooldown_s": 2})[3] == "FIRED"
    assert story([0, 1, 0, 1], fire={"cooldown_s": 2.1})[3] == "COOLDOWN"


def test_hysteresis_ignores_a_wavering_score(story: Story) -> None:
    scores = [0.1, 0.6, 0.45, 0.6, 0.39, 0.45, 0.6]
    assert story(scores).count("FIRED") == 3
    expected = ["BELOW", "FIRED", "HELD", "HELD", "BELOW", "BELOW", "FIRED"]
    assert story(scores, fire={"hysteresis": 0.1}) == expected


def test_a_quota_is_counted_by_the_car_and_its_day(story: Story) -> None:
    ticks = [10, 20, 30, 40, DAY_TICKS, DAY_TICKS + 10]
    expected = ["BELOW", "FIRED", "BELOW", "QUOTA", "BELOW", "FIRED"]
    assert story([0, 1, 0, 1, 0, 1], ticks=ticks, limits={"per_car_day": 1}) == expected


def test_a_cooldown_is_named_before_a_quota(story: Story) -> None:
    got = story([0, 1, 0, 1], fire={"cooldown_s": 60}, limits={"per_car_day": 1})
    assert got[3] == "COOLDOWN"


def test_what_is_undefined_neither_fires_nor_lets_go(story: Story) -> None:
    assert story([0, 1, None, 1, 0, None, 1]) == ["BELOW", "FIRED", "UNDEFINED", "HELD", "BELOW", "UNDEFINED", "FIRED"]


def test_a_dwell_begins_anew_after_what_is_undefined(story: Story) -> None:
    expected = ["BELOW", "DWELLING", "UNDEFINED", "DWELLING", "FIRED"]
    assert story([0, 1, None, 1, 1], fire={"dwell_s": 1}) == expected


def test_a_gate_that_opens_on_a_true_condition_is_an_edge(story: Story) -> None:
    assert story([1, 1, 1], moving=[False, True, True]) == ["GATED", "FIRED", "HELD"]


def test_a_gate_that_closes_is_no_falling_edge(story: Story) -> None:
    got = story([1, 1, 1, 0, 1, 0], moving=[True, False, True, False, True, True], fire={"edge": "falling"})
    assert got == ["BELOW", "GATED", "BELOW", "GATED", "BELOW", "FIRED"]


class OneCar:
    """The same rules for one car in plain words."""

    def __init__(self, edge: str, dwell: float, cooldown: float, hysteresis: float, quota: int) -> None:
        self.edge, self.dwell, self.cooldown, self.hysteresis, self.quota = edge, dwell, cooldown, hysteresis, quota
        self.high, self.held, self.since, self.fired, self.fires = edge != "falling", True, None, None, 0

    def see(self, now: float, score: float | None, open_: bool) -> str:
        if not open_:
            self.high, self.held, self.since = False, self.edge == "falling", None
            return "GATED"
        if score is None:
            self.since = None
            return "UNDEFINED"
        self.high = score >= (0.5 - self.hysteresis if self.high else 0.5)
        if self.high == (self.edge == "falling"):
            self.held, self.since = False, None
            return "BELOW"
        self.since = now if self.since is None else self.since
        if self.held and self.edge != "always":
            return "HELD"
        if now - self.since < self.dwell:
            return "DWELLING"
        self.held = True
        return self.spend(now)

    def spend(self, now: float) -> str:
        if self.fired is not None and now - self.fired < self.cooldown:
            return "COOLDOWN"
        if self.fires >= self.quota:
            return "QUOTA"
        self.fired, self.fires = now, self.fires + 1
        return "FIRED"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    course=st.lists(
        st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, None]), st.sampled_from([True, True, True, False])), max_size=25
    ),
    edge=st.sampled_from(["rising", "falling", "always"]),
    dwell=st.integers(0, 3),
    cooldown=st.integers(0, 5),
    hysteresis=st.sampled_from([0.0, 0.25]),
    quota=st.integers(1, 4),
)
def test_the_arrays_do_what_one_car_does_in_plain_words(
    *,
    story: Story,
    course: list[tuple[float | None, bool]],
    edge: str,
    dwell: float,
    cooldown: float,
    hysteresis: float,
    quota: int,
) -> None:
    car = OneCar(edge, dwell, cooldown, hysteresis, quota)
    expected = [car.see(i + 1, score, open_) for i, (score, open_) in enumerate(course)]
    fire = {"edge": edge, "dwell_s": float(dwell), "cooldown_s": float(cooldown), "hysteresis": hysteresis}
    scores, moving = [score for score, _ in course], [open_ for _, open_ in course]
    assert story(scores, moving=moving, fire=fire, limits={"per_car_day": quota}) == expected


@pytest.mark.parametrize("edge", ["rising", "falling"])
def test_an_edge_fires_once_however_long_it_lasts(story: Story, edge: str) -> None:
    on, off = (1, 0) if edge == "rising" else (0, 1)
    assert story([off, *[on] * 20], fire={"edge": edge}).count("FIRED") == 1
