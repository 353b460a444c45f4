"""Simulated time: microseconds on one grid, and the order of what falls on the same instant."""

from collections.abc import Callable
from typing import Any

import simpy

Events = simpy.events.ProcessGenerator

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
STEP_US = 10  # no process wakes off its phase of this step, so two kinds never meet at one instant
PHASES_US = {"links": 0, "checkins": 1, "ticks": 2, "uploads": 3, "barrier": 4}


class Clock(simpy.Environment):
    """SimPy's clock, from which a process's exception comes out as it was raised.

    SimPy makes a failed process's exception anew from its `args`, which errors that take data do not survive.
    """

    def __init__(self, began_us: int) -> None:
        super().__init__(initial_time=began_us)
        self._failure: BaseException | None = None

    @property
    def now_us(self) -> int:
        """Simulated time, with the phase of whoever is awake."""
        return int(self.now)

    def begin(self, process: Events) -> None:
        """Let a process live by this clock."""
        self.process(self._watched(process))

    def run_until(self, at_us: int) -> None:
        """Let everything happen that comes before a time; raises what a process raised."""
        try:
            self.run(until=at_us)
        except BaseException:
            if self._failure is not None:
                raise self._failure from None
            raise

    def _watched(self, process: Events) -> Events:
        try:
            yield from process
        except BaseException as failure:
            self._failure = failure
            raise


def next_instant_us(now_us: int, period_us: int, origin_us: int, phase: str) -> int:
    """The first instant after `now_us` that lies a whole number of periods after the origin, in its phase."""
    base = origin_us + PHASES_US[phase]
    return base + ((now_us - base) // period_us + 1) * period_us


def in_phase_us(at_us: float, phase: str) -> int:
    """The first instant not before `at_us` that is in the phase."""
    steps = -(-(at_us - PHASES_US[phase]) // STEP_US)
    return int(steps) * STEP_US + PHASES_US[phase]


def without_phase_us(now_us: int) -> int:
    """The time that people and tables see."""
    return now_us // STEP_US * STEP_US


def repeat(clock: Clock, period_us: int, phase: str, work: Callable[[int], Any], *, origin_us: int) -> Events:
    """A process that calls `work(time)` each period, in its phase; a resumed run wakes at the same instants."""
    while True:
        yield clock.timeout(next_instant_us(clock.now_us, period_us, origin_us, phase) - clock.now_us)
        work(without_phase_us(clock.now_us))
