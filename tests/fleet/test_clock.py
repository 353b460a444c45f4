import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import ShardDied
from fleet.simulation.clock import PHASES_US, STEP_US, Clock, in_phase_us, next_instant_us, repeat, without_phase_us

TIMES = st.integers(0, 10**12)


def test_what_falls_on_one_instant_has_a_written_order() -> None:
    assert sorted(PHASES_US, key=PHASES_US.get) == ["links", "checkins", "ticks", "uploads", "barrier"]  # type: ignore[arg-type]
    assert len(set(PHASES_US.values())) == len(PHASES_US)
    assert max(PHASES_US.values()) < STEP_US


@given(TIMES, st.integers(1, 1000), st.sampled_from(sorted(PHASES_US)))
def test_the_next_instant_is_later_and_in_phase(now_us: int, deciseconds: int, phase: str) -> None:
    period = deciseconds * 100_000
    then = next_instant_us(now_us, period, 0, phase)
    assert now_us < then <= now_us + period
    assert then % STEP_US == PHASES_US[phase]


@given(st.floats(0, 1e12), st.sampled_from(sorted(PHASES_US)))
def test_a_finish_is_put_on_the_grid_and_never_before_itself(at_us: float, phase: str) -> None:
    then = in_phase_us(at_us, phase)
    assert at_us <= then < at_us + STEP_US + 1
    assert then % STEP_US == PHASES_US[phase]


def test_a_process_that_starts_later_wakes_at_the_same_instants() -> None:
    def wakes(began_us: int) -> list[int]:
        clock, seen = Clock(began_us), list[int]()
        clock.begin(repeat(clock, 1_000_000, "ticks", seen.append, origin_us=500_000))
        clock.run_until(5_000_000)
        return seen

    assert wakes(2_500_004) == [time for time in wakes(500_000) if time > 2_500_000]


def test_people_see_whole_steps() -> None:
    assert without_phase_us(1_000_003) == 1_000_000


def test_an_error_in_a_process_comes_out_as_it_was_raised() -> None:
    def fail(_: int) -> None:
        raise error

    clock, error = Clock(0), ShardDied(3, "it was told to")
    clock.begin(repeat(clock, 1_000_000, "ticks", fail, origin_us=0))
    with pytest.raises(ShardDied) as raised:
        clock.run_until(5_000_000)
    assert raised.value is error
