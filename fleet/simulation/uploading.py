"""Clips on their way: a process per car that has something to send, best first, at the uplink's speed."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.plan import RunPlan
from fleet.simulation.clock import SECOND_US, Clock, Events, in_phase_us, next_instant_us
from fleet.simulation.state import FleetState
from telemetry import Link, Links
from vehicle import Outbox, Parcel, Partition

MEGABYTE = 1_000_000

Uplink = Callable[[Links, int, int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a car's radio does between two decisions: so many bytes of one clip, or nothing, where `clip` is empty."""

    car: int
    clip: str
    sent_bytes: float
    until_us: int


def open_outbox(first_car: int, cars: int, plan: RunPlan) -> Outbox:
    """The outboxes of a shard's cars, as a plan divides them."""
    partitions = [
        Partition(
            name=each.name,
            most_bytes=math.inf if each.mb is None else each.mb * MEGABYTE,
            ttl_us=math.inf if each.ttl_us is None else each.ttl_us,
            cellular_bytes=each.cellular_mb * MEGABYTE,
            priority=each.priority,
            from_priority=each.from_priority,
        )
        for each in plan.outbox.partitions
    ]
    return Outbox(first_car, cars, round(plan.outbox_mb * MEGABYTE), partitions)


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
        """Start the radios of those cars that have something to send and a link for it, and are not sending."""
        for car in cars:
            if car not in self._steps and self._next(car) is not None:
                self._steps[car] = Step(car, "", 0.0, in_phase_us(self._clock.now_us, "uploads"))
                self._clock.begin(self._send(self._steps[car]))

    def _send(self, step: Step | None) -> Events:
        """One car's radio, from a step under way until nothing is left to send or no link may carry it."""
        while step is not None:
            self._steps[step.car] = step
            yield self._clock.timeout(step.until_us - self._clock.now_us)
            self._settle(step)
            following = self._next_step(step.car)
            if step.clip and (following is None or following.clip != step.clip):
                self._outbox.interrupt(step.car, step.clip)
            del self._steps[step.car]
            step = following

    def _next_step(self, car: int) -> Step | None:
        now, parcel = self._clock.now_us, self._next(car)
        if parcel is None:
            return None
        until = next_instant_us(now, SECOND_US, 0, "uploads")
        speed = self._bytes_in_second(car, now) / SECOND_US
        if speed <= 0:
            return Step(car, "", 0.0, until)
        done_us = in_phase_us(now + parcel.left_bytes / speed, "uploads")
        until, nbytes = (done_us, parcel.left_bytes) if done_us <= until else (until, speed * (until - now))
        self._outbox.begin(parcel, nbytes, now, wifi=self._link(car) == Link.WIFI)
        return Step(car, parcel.cut.clip, nbytes, until)

    def _settle(self, step: Step) -> None:
        self._state.uploaded_bytes[step.car - self._state.first] += step.sent_bytes
        if step.clip and (sent := self._outbox.sent(step.car, step.clip, step.sent_bytes, now_us=step.until_us)):
            self._deliver(sent)

    def _next(self, car: int) -> Parcel | None:
        """What this car's link may carry now."""
        link = self._link(car)
        return None if link == Link.NONE else self._outbox.next(car, self._clock.now_us, wifi=link == Link.WIFI)

    def _link(self, car: int) -> Link:
        return Link(self._state.link[car - self._state.first])

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
