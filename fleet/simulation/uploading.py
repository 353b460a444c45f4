"""Clips on their way: a process per car that has something to send, best first, at the uplink's speed."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fleet.simulation.clock import SECOND_US, Clock, Events, in_phase_us, next_instant_us
from fleet.simulation.state import FleetState
from telemetry import Link, Links
from vehicle import Cut, Outbox

Uplink = Callable[[Links, int, int], NDArray[np.float64]]


class Parcel(Protocol):
    """A clip in an outbox, as fleet reads it; times are -1 until they have come."""

    cut: Cut
    nbytes: int
    queued_us: int
    started_us: int
    finished_us: int
    interruptions: int
    given_up: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a car's radio does between two decisions: so many bytes of one clip, which may be none."""

    car: int
    sent_bytes: float
    from_us: int
    until_us: int


class Uploads:
    """The radios of a shard's cars. It owns the steps under way; the outbox owns what is sent."""

    def __init__(
        self,
        clock: Clock,
        state: FleetState,
        outbox: Outbox,
        uplink: Uplink,
        deliver: Callable[[Parcel], None],
    ) -> None:
        self._clock, self._state, self._outbox, self._uplink, self._deliver = clock, state, outbox, uplink, deliver
        self._steps: dict[int, Step] = {}
        self._second_us, self._allowance = -1, np.zeros(0)

    def wake(self, cars: Iterable[int]) -> None:
        """Start the radios of those cars that have something to send and a link, and are not sending."""
        for car in cars:
            if car not in self._steps and self._online(car) and self._outbox.next(car) is not None:
                now = self._clock.now_us
                self._steps[car] = Step(car, 0.0, now, in_phase_us(now, "uploads"))
                self._clock.begin(self._send(self._steps[car]))

    def _send(self, step: Step | None) -> Events:
        """One car's radio, from a step under way until nothing is left to send or the link is gone."""
        while step is not None:
            car = step.car
            self._steps[car] = step
            yield self._clock.timeout(step.until_us - self._clock.now_us)
            self._settle(step)
            del self._steps[car]
            step = self._next_step(car)

    def _next_step(self, car: int) -> Step | None:
        parcel = self._outbox.next(car)
        if parcel is None:
            return None
        if not self._online(car):
            self._outbox.interrupt(car)
            return None
        now = self._clock.now_us
        until = next_instant_us(now, SECOND_US, 0, "uploads")
        speed = self._bytes_in_second(car, now) / SECOND_US
        if speed <= 0:
            return Step(car, 0.0, now, until)
        if parcel.started_us < 0:
            parcel.started_us = now  # in flight from here on: no better clip overtakes it, none pushes it out
        done_us = in_phase_us(now + parcel.left_bytes / speed, "uploads")
        if done_us <= until:
            return Step(car, parcel.left_bytes, now, done_us)
        return Step(car, speed * (until - now), now, until)

    def _settle(self, step: Step) -> None:
        self._state.uploaded_bytes[step.car - self._state.first] += step.sent_bytes
        for parcel in self._outbox.send(step.car, step.sent_bytes, start_us=step.from_us, end_us=step.until_us):
            self._deliver(parcel)

    def _online(self, car: int) -> bool:
        return bool(self._state.link[car - self._state.first] != Link.NONE)

    def _bytes_in_second(self, car: int, now_us: int) -> float:
        """What this car may send in the second that `now_us` lies in."""
        second = now_us // SECOND_US * SECOND_US
        if second != self._second_us:
            # fast path: all cars in one call a second, which costs what it costs for one
            links = Links(cars=self._state.cars, state=self._state.link.copy())
            self._allowance, self._second_us = self._uplink(links, second, second + SECOND_US), second
        return float(self._allowance[car - self._state.first])

    def facts(self) -> list[dict[str, Any]]:
        """The steps under way, for a checkpoint."""
        return [asdict(step) for step in self._steps.values()]

    def restore(self, steps: Iterable[dict[str, Any]]) -> None:
        """Let the radios go on in the middle of the steps that `facts` gave."""
        for each in steps:
            step = self._steps[each["car"]] = Step(**each)
            self._clock.begin(self._send(step))
