from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little_world import LittleWorld

from fleet.simulation.clock import PHASES_US, Clock
from fleet.simulation.driving import drive
from fleet.simulation.state import FleetState
from fleet.simulation.uploading import Uploads
from scenarios import TICK_US
from telemetry import Link, Links
from triggers import TriggerSpec
from vehicle import Cut, Outbox, Parcel, Partition

SECOND = 1_000_000


def spec(name: str = "often", priority: int = 50) -> TriggerSpec:
    return TriggerSpec(name=name, kind="expression", params={"fire_when": "true"}, priority=priority)


def steady(links: Links, start_us: int, end_us: int) -> np.ndarray:
    """A thousand bytes a second for whoever has a link."""
    return np.where(links.state != Link.NONE, (end_us - start_us) / SECOND * 1000, 0.0)


class Radios:
    """Two cars, a clock and what they have delivered."""

    def __init__(
        self,
        uplink: Callable[[Links, int, int], np.ndarray] = steady,
        began_us: int = PHASES_US["barrier"],
        *partitions: Partition,
    ) -> None:
        self.clock, self.state = Clock(began_us), FleetState.parked(0, 2)
        self.outbox = Outbox(0, 2, 10_000, partitions or (Partition("clips"),))
        self.state.link[:] = Link.CELLULAR
        self.delivered: list[Parcel] = []
        self.uploads = Uploads(self.clock, self.state, self.outbox, uplink, self.delivered.append)

    def add(self, car: int, nbytes: int, *, priority: int = 50, tick: int = 0) -> None:
        self.outbox.add(Cut.of_fire(car, tick, spec(priority=priority), 1.0), nbytes, now_us=self.clock.now_us)
        self.uploads.wake([car])

    def link(self, car: int, link: Link) -> None:
        self.state.link[car] = link
        self.uploads.wake([car])

    @property
    def finished_s(self) -> list[float]:
        return [round(parcel.finished_us / SECOND, 4) for parcel in self.delivered]


def test_a_clip_takes_its_bytes_over_the_speed_of_the_uplink() -> None:
    radios = Radios()
    radios.add(0, 2500)
    radios.clock.run_until(9 * SECOND)
    assert radios.finished_s == [2.5]
    assert radios.state.uploaded_bytes.tolist() == [2500, 0]


def test_cars_send_side_by_side_and_clips_one_after_the_other() -> None:
    radios = Radios()
    for car, nbytes in ((0, 1500), (0, 1000), (1, 1500)):
        radios.add(car, nbytes, tick=nbytes)
    radios.clock.run_until(9 * SECOND)
    assert sorted(radios.finished_s) == [1.0, 1.5, 2.5]


def test_the_best_clip_goes_first_and_is_not_overtaken_on_the_way() -> None:
    radios = Radios()
    radios.add(0, 1000, priority=10)
    radios.clock.run_until(SECOND // 2)
    radios.add(0, 1000, priority=20, tick=1)
    radios.add(0, 1000, priority=90, tick=2)
    radios.clock.run_until(9 * SECOND)
    assert [parcel.cut.spec.priority for parcel in radios.delivered] == [10, 90, 20]


def test_an_upload_is_broken_off_with_the_link_and_goes_on_where_it_was() -> None:
    radios = Radios()
    radios.add(0, 2500)
    radios.clock.run_until(1 * SECOND)
    radios.link(0, Link.NONE)
    radios.clock.run_until(5 * SECOND)
    radios.link(0, Link.CELLULAR)
    radios.clock.run_until(9 * SECOND)
    assert radios.finished_s == [6.5]
    assert radios.delivered[0].interruptions == 1


def test_a_car_without_a_link_has_no_process() -> None:
    radios = Radios()
    radios.link(0, Link.NONE)
    radios.add(0, 100)
    assert radios.uploads.facts() == []
    assert radios.clock.peek() == float("inf")


def test_a_link_that_carries_nothing_sends_nothing() -> None:
    radios = Radios(lambda links, _start, _end: np.zeros(len(links.cars)))
    radios.add(0, 100)
    radios.clock.run_until(5 * SECOND)
    assert radios.delivered == []
    assert radios.outbox.parcels(0)[0].started_us == -1


HOME = Partition("home", cellular_bytes=0)
EVENTS = Partition("events", priority=1, from_priority=60)


def test_a_car_that_gets_wifi_sends_at_once_what_waited_for_it() -> None:
    radios = Radios(steady, PHASES_US["barrier"], EVENTS, HOME)
    radios.add(0, 1500)
    radios.clock.run_until(5 * SECOND)
    assert radios.uploads.facts() == []
    radios.link(0, Link.WIFI)
    radios.clock.run_until(9 * SECOND)
    assert radios.finished_s == [6.5]


def test_a_clip_for_wifi_is_broken_off_away_from_it_and_lets_others_pass() -> None:
    radios = Radios(steady, PHASES_US["barrier"], EVENTS, HOME)
    radios.link(0, Link.WIFI)
    radios.add(0, 1500)
    radios.clock.run_until(1 * SECOND)
    radios.link(0, Link.CELLULAR)
    radios.add(0, 500, priority=60, tick=1)
    radios.clock.run_until(5 * SECOND)
    assert [parcel.partition.name for parcel in radios.delivered] == ["events"]
    radios.link(0, Link.WIFI)
    radios.clock.run_until(9 * SECOND)
    assert radios.finished_s == [1.5, 5.5]
    assert [parcel.interruptions for parcel in radios.delivered] == [0, 1]


def test_a_link_that_stalls_counts_as_one_interruption_however_long() -> None:
    def stalls(links: Links, start_us: int, end_us: int) -> np.ndarray:
        return steady(links, start_us, end_us) * (not 1 * SECOND <= start_us < 4 * SECOND)

    radios = Radios(stalls)
    radios.add(0, 2500)
    radios.clock.run_until(9 * SECOND)
    assert radios.finished_s == [5.5]
    assert radios.delivered[0].interruptions == 1


def test_cars_are_told_of_that_have_another_link_now() -> None:
    world, state = LittleWorld(), FleetState.parked(0, 3)
    linked = [drive(state, world, tick * TICK_US).tolist() for tick in (598, 599, 600, 601)]  # type: ignore[arg-type]
    assert linked == [[0, 1, 2], [], [0, 1, 2], []]


@pytest.mark.parametrize("nbytes", [1, 999, 1000, 1001])
def test_every_wake_keeps_to_the_phase_of_uploads(nbytes: int) -> None:
    radios = Radios()
    radios.add(0, nbytes)
    while radios.clock.peek() < 9 * SECOND:
        at = int(radios.clock.peek())
        assert at % 10 in {PHASES_US["uploads"], PHASES_US["barrier"]}  # the latter: when it was woken
        radios.clock.step()


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 5000)), max_size=6), st.integers(1, 8))
def test_radios_that_are_stopped_and_restored_go_on_alike(clips: list[tuple[int, int]], stop_s: int) -> None:
    def run(*, stopping: bool) -> list[tuple[int, int]]:
        radios = Radios()
        for tick, (car, nbytes) in enumerate(clips):
            radios.add(car, nbytes, tick=tick)
        radios.clock.run_until(stop_s * SECOND + PHASES_US["barrier"])
        before = [(parcel.cut.car, parcel.finished_us) for parcel in radios.delivered]
        if stopping:
            again = Radios(began_us=radios.clock.now_us)
            arrays, recipes = radios.outbox.state()
            again.outbox.restore(arrays, recipes, {("often", 1): spec()})
            again.uploads.restore(radios.uploads.facts())
            radios = again
        else:
            radios.delivered.clear()
        radios.clock.run_until(60 * SECOND)
        return sorted(before + [(parcel.cut.car, parcel.finished_us) for parcel in radios.delivered])

    assert run(stopping=True) == run(stopping=False)
