import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from little_world import LittleWorld
from numpy.typing import ArrayLike

from scenarios.motion import Motion
from triggers import SignalTable
from vehicle import Loadout, active_safety
from vehicle.active_safety import WARNING, pedestrian_warning
from vehicle.onboard import Onboard
from vehicle.signals import ACCELERATOR, AUTONOMY, BRAKE, STEERING

CARS = np.arange(40, dtype=np.uint32)
TICKS = (700, 710, 1400)
Runs = tuple[list[SignalTable], list[SignalTable]]


class Asked(LittleWorld):
    """The same world, with drivers who always, or never, have asked the car to drive itself."""

    def __init__(self, *, engaged: bool) -> None:
        super().__init__()
        self.engaged = engaged

    def motion(self, cars: ArrayLike, ticks: ArrayLike) -> Motion:
        motion = super().motion(cars, ticks)
        return replace(motion, engaged=np.full(len(motion.driving), self.engaged))


def seen(world: LittleWorld, loadout: Loadout) -> list[SignalTable]:
    onboard = Onboard(world, [loadout], first_car=0, cars=len(CARS))
    return [onboard.see(loadout, CARS, tick) for tick in TICKS]


@pytest.fixture
def runs(equip: Callable[..., Loadout], monkeypatch: pytest.MonkeyPatch) -> Runs:
    loadout = equip(shadows=())
    (first, *_) = seen(Asked(engaged=True), loadout)
    monkeypatch.setattr(active_safety, "SURE", np.median(first["path_pedestrian"]))  # it has learnt nothing
    return seen(Asked(engaged=True), loadout), seen(Asked(engaged=False), loadout)


def test_warnings_are_the_same_whether_or_not_anybody_asked_for_self_driving(runs: Runs) -> None:
    warned = 0
    for with_it, without in zip(*runs, strict=True):
        assert set(with_it[AUTONOMY]) == {2}
        assert set(without[AUTONOMY]) == {0}
        assert np.array_equal(with_it[WARNING], without[WARNING])
        warned += int(with_it[WARNING].sum())
    assert 0 < warned < len(TICKS) * len(CARS)


def test_engagement_changes_nothing_but_its_own_signal_and_what_the_driver_does(runs: Runs) -> None:
    for with_it, without in zip(*runs, strict=True):
        changed = {name for name in with_it.columns if not np.array_equal(with_it[name], without[name])}
        assert {AUTONOMY} <= changed <= {AUTONOMY, BRAKE, ACCELERATOR, STEERING}


def test_a_warning_is_made_of_answers_and_speed_alone() -> None:
    assert list(inspect.signature(pedestrian_warning).parameters) == ["answers", "speed_mps"]
    somebody = {"path_pedestrian": np.array([0.9, 0.9, 0.1], np.float32)}
    warning, able = pedestrian_warning(somebody, np.array([10.0, 0.5, 10.0]))
    assert warning.tolist() == [True, False, False]
    assert able.all()


def test_a_network_that_was_not_taught_to_look_cannot_warn() -> None:
    warning, able = pedestrian_warning({}, np.array([10.0]))
    assert (warning.tolist(), able.tolist()) == ([False], [False])
