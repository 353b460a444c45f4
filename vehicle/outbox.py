"""What a car keeps until it is acknowledged: best first, and when there is no room the least is given up."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vehicle.recorder import TICKS_PER_S, Cut, Specs

MEGABYTE = 1_000_000
TICKS_PER_DAY = 86_400 * TICKS_PER_S

_FIELDS = ("nbytes", "queued_us", "sent_bytes", "started_us", "finished_us", "interruptions")


@dataclass(slots=True, eq=False)
class Parcel:
    """One clip on its way.

    It waits, is in flight (some of it has been sent), or is sent and waits to be acknowledged.

    cut, nbytes: what it is and what it weighs
    queued_us, started_us, finished_us: simulated time of entering, of the first and the last byte; -1 is not yet
    sent_bytes: how much has crossed the uplink; kept when the link breaks
    interruptions: how often the link broke under it
    given_up: why it will not be sent: evicted, where there was no room, or over_limit, where its trigger may not send
        so many bytes; empty as long as it will be
    """

    cut: Cut
    nbytes: int
    queued_us: int
    sent_bytes: float = 0.0
    started_us: int = -1
    finished_us: int = -1
    interruptions: int = 0
    given_up: str = ""

    @property
    def left_bytes(self) -> float:
        """What is still to be sent."""
        return self.nbytes - self.sent_bytes

    @property
    def in_flight(self) -> bool:
        """Begun and not finished."""
        return self.started_us >= 0 and self.finished_us < 0

    @property
    def order(self) -> tuple[int, int, str]:
        """Smallest first is: highest priority, then oldest, then by id."""
        return -self.cut.spec.priority, self.queued_us, self.cut.clip


class Outbox:
    """The parcels of a cohort's cars.

    capacity_bytes: what one car holds; a parcel in flight, or sent and not acknowledged, counts and is never given up
    """

    def __init__(self, first_car: int, cars: int, capacity_bytes: int) -> None:
        self._first, self._cars, self._capacity = first_car, cars, capacity_bytes
        self._parcels: dict[int, list[Parcel]] = {}
        self._spent_bytes: dict[tuple[int, str, int], int] = {}  # car, trigger, day of the fire

    def add(self, cut: Cut, nbytes: int, *, now_us: int) -> list[Parcel]:
        """Put a clip in; what had to be given up for it, perhaps itself: lowest priority first, then oldest."""
        parcel = Parcel(cut, nbytes, now_us)
        if not self._within_limits(cut, nbytes):
            parcel.given_up = "over_limit"
            return [parcel]
        parcels = self._parcels.setdefault(cut.car, [])
        parcels.append(parcel)
        evicted = []
        while sum(parcel.nbytes for parcel in parcels) > self._capacity:
            idle = [parcel for parcel in parcels if parcel.started_us < 0]
            if not idle:
                break
            least = min(idle, key=lambda parcel: (parcel.cut.spec.priority, parcel.queued_us, parcel.cut.clip))
            parcels.remove(least)
            least.given_up = "evicted"
            evicted.append(least)
        return evicted

    def _within_limits(self, cut: Cut, nbytes: int) -> bool:
        """Whether a trigger may send so much more of this car and day; what it may is counted."""
        limits, of = cut.spec.limits, (cut.car, cut.spec.name, cut.tick // TICKS_PER_DAY)
        spent = self._spent_bytes.get(of, 0) + nbytes
        most_a_clip, most_a_day = (
            math.inf if mb is None else mb * MEGABYTE for mb in (limits.mb_per_clip, limits.mb_per_car_day)
        )
        if nbytes > most_a_clip or spent > most_a_day:
            return False
        if limits.mb_per_car_day is not None:
            self._spent_bytes[of] = spent
        return True

    def next(self, car: int) -> Parcel | None:
        """The parcel to send: the one in flight, else the best that waits; None where nothing does."""
        unsent = [parcel for parcel in self._parcels.get(car, ()) if parcel.finished_us < 0]
        return min(unsent, key=lambda parcel: (not parcel.in_flight, *parcel.order), default=None)

    def send(self, car: int, nbytes: float, *, start_us: int, end_us: int) -> list[Parcel]:
        """Spend what an uplink carried between two times on a car's parcels, in order; those that were finished."""
        finished = []
        while nbytes > 0 and (parcel := self.next(car)):
            part = min(nbytes, parcel.left_bytes)
            parcel.started_us = start_us if parcel.started_us < 0 else parcel.started_us
            parcel.sent_bytes += part
            nbytes -= part
            if parcel.left_bytes < 0.5:
                parcel.sent_bytes, parcel.finished_us = parcel.nbytes, end_us
                finished.append(parcel)
        return finished

    def interrupt(self, car: int) -> None:
        """The link broke; what is in flight goes on from there later."""
        for parcel in self._parcels.get(car, ()):
            parcel.interruptions += parcel.in_flight

    def forget(self, car: int, clip: str) -> None:
        """The server has acknowledged a clip; nothing happens where it is not there."""
        self._parcels[car] = [parcel for parcel in self._parcels.get(car, ()) if parcel.cut.clip != clip]

    def parcels(self, car: int) -> tuple[Parcel, ...]:
        """Everything a car holds, in the order it came."""
        return tuple(self._parcels.get(car, ()))

    @property
    def busy(self) -> list[int]:
        """Cars that have something to send, ascending."""
        return sorted(car for car in self._parcels if self.next(car))

    @property
    def waiting(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Per car: parcels not wholly sent (n,) and their unsent bytes (n,); row i is car first + i."""
        count, left = np.zeros(self._cars, np.int64), np.zeros(self._cars)
        for parcel in self._all():
            count[parcel.cut.car - self._first] += parcel.finished_us < 0
            left[parcel.cut.car - self._first] += parcel.left_bytes
        return count, left

    def state(self) -> tuple[dict[str, NDArray[Any]], list[list[Any]]]:
        """For a checkpoint: numbers, an array each, and the recipes of the cuts in the same order."""
        parcels = self._all()
        arrays: dict[str, NDArray[Any]] = {
            field: np.array([getattr(parcel, field) for parcel in parcels], _dtype(field)) for field in _FIELDS
        }
        newest = max((day for _, _, day in self._spent_bytes), default=0)
        spent = sorted((of, nbytes) for of, nbytes in self._spent_bytes.items() if of[2] >= newest - 1)
        arrays["spent_of"] = np.array([list(map(str, of)) for of, _ in spent], np.str_).reshape(-1, 3)
        arrays["spent_bytes"] = np.array([nbytes for _, nbytes in spent], np.int64)
        return arrays, [parcel.cut.recipe for parcel in parcels]

    def restore(self, arrays: Mapping[str, NDArray[Any]], recipes: Iterable[Sequence[Any]], specs: Specs) -> None:
        """Take over what `state` gave; specs: by name and version."""
        self._parcels = {}
        spent = zip(arrays["spent_of"].tolist(), arrays["spent_bytes"].tolist(), strict=True)
        self._spent_bytes = {(int(car), trigger, int(day)): nbytes for (car, trigger, day), nbytes in spent}
        for i, recipe in enumerate(recipes):
            parcel = Parcel(Cut.of_recipe(recipe, specs), **{field: arrays[field][i].item() for field in _FIELDS})
            self._parcels.setdefault(parcel.cut.car, []).append(parcel)

    def _all(self) -> list[Parcel]:
        return [parcel for _, parcels in sorted(self._parcels.items()) for parcel in parcels]


def _dtype(field: str) -> type:
    return np.float64 if field == "sent_bytes" else np.int64
