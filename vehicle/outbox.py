"""What a car keeps until it is acknowledged: best first, and when there is no room the least is given up."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vehicle.hold import ROUNDING_BYTES, Hold, Parcel
from vehicle.partitions import UNDIVIDED, Partition, partition_of
from vehicle.recorder import TICKS_PER_S, Cut, Specs

MEGABYTE = 1_000_000
DAY_US = 86_400_000_000
TICKS_PER_DAY = 86_400 * TICKS_PER_S

_FIELDS = {
    "nbytes": np.int64,
    "queued_us": np.int64,
    "sent_bytes": np.float64,
    "started_us": np.int64,
    "finished_us": np.int64,
    "interruptions": np.int64,
    "held_back": np.bool_,
}


class Outbox:
    """The parcels of a cohort's cars.

    capacity_bytes: what one car holds; a parcel in flight, or sent and not acknowledged, counts and is never given up
    """

    def __init__(
        self, first_car: int, cars: int, capacity_bytes: int, partitions: Sequence[Partition] = UNDIVIDED
    ) -> None:
        self._first, self._cars, self._capacity, self._partitions = first_car, cars, capacity_bytes, partitions
        self._holds: dict[int, Hold] = {}
        self._limited = Spent()  # by trigger and the day of the fire
        self._metered = Spent()  # by partition and the day of sending

    def add(self, cut: Cut, nbytes: int, *, now_us: int) -> list[Parcel]:
        """Put a clip in; what this car gives up then, perhaps the clip itself.

        First what has expired; then, while its partition or the whole outbox is too full, the parcel of the least
        partition, in it of the least trigger, of these the oldest.
        """
        parcel = Parcel(cut, nbytes, now_us, partition_of(cut.spec, self._partitions))
        if not self._within_limits(cut, nbytes):
            parcel.given_up = "over_limit"
            return [parcel]
        hold = self._hold(cut.car)
        hold.put(parcel)
        return [*hold.expire(now_us), *hold.make_room(self._capacity)]

    def expire(self, now_us: int) -> list[Parcel]:
        """Give up, of all cars, what has waited longer than its partition allows; by car and partition."""
        return [parcel for _, hold in sorted(self._holds.items()) for parcel in hold.expire(now_us)]

    def next(self, car: int, now_us: int, *, wifi: bool) -> Parcel | None:
        """The parcel to send over Wi-Fi or cellular: one in flight, else the best that waits; None where none may go.

        Over cellular goes what its partition's budget of the day still covers whole.
        """
        if car not in self._holds:
            return None
        spare_bytes = {each.name: self._spare(car, each, now_us, wifi=wifi) for each in self._partitions}
        return self._holds[car].next(now_us, spare_bytes)

    def begin(self, parcel: Parcel, nbytes: float, now_us: int, *, wifi: bool) -> None:
        """So many bytes of a parcel leave from now on; over cellular they are charged to its partition's budget."""
        car = parcel.cut.car
        if parcel.started_us < 0:
            self._holds[car].begin(parcel, now_us)
        if not wifi and parcel.partition.metered:
            self._metered.add(car, parcel.partition.name, now_us // DAY_US, nbytes)

    def sent(self, car: int, clip: str, nbytes: float, *, now_us: int) -> Parcel | None:
        """So many bytes of a parcel in flight have left; the parcel, if these were its last."""
        hold = self._holds[car]
        parcel = hold.parcels[clip]
        parcel.sent_bytes += nbytes
        if parcel.left_bytes >= ROUNDING_BYTES:
            return None
        hold.finish(parcel, now_us)
        return parcel

    def interrupt(self, car: int, clip: str) -> None:
        """The link broke under a parcel; it goes on from there later. Nothing happens where it was wholly sent."""
        parcel = self._holds[car].parcels[clip]
        parcel.interruptions += parcel.finished_us < 0

    def forget(self, car: int, clip: str) -> None:
        """The server has acknowledged a clip; nothing happens where it is not there."""
        if hold := self._holds.get(car):
            hold.drop(clip)
            if not hold.parcels:
                del self._holds[car]

    def parcels(self, car: int) -> tuple[Parcel, ...]:
        """Everything a car holds, in the order it came."""
        return tuple(self._holds[car].parcels.values()) if car in self._holds else ()

    @property
    def busy(self) -> list[int]:
        """Cars that have something to send, over whatever link, ascending."""
        return sorted(car for car, hold in self._holds.items() if hold.unsent[0])

    @property
    def waiting(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Per car: parcels not wholly sent (n,) and their unsent bytes (n,); row i is car first + i."""
        count, left = np.zeros(self._cars, np.int64), np.zeros(self._cars)
        for car, hold in self._holds.items():
            count[car - self._first], left[car - self._first] = hold.unsent
        return count, left

    def state(self) -> tuple[dict[str, NDArray[Any]], list[list[Any]]]:
        """For a checkpoint: numbers, an array each, and the recipes of the cuts in the same order."""
        parcels = [parcel for _, hold in sorted(self._holds.items()) for parcel in hold.parcels.values()]
        arrays: dict[str, NDArray[Any]] = {
            field: np.array([getattr(parcel, field) for parcel in parcels], dtype) for field, dtype in _FIELDS.items()
        }
        arrays |= self._limited.state("limited") | self._metered.state("metered")
        return arrays, [parcel.cut.recipe for parcel in parcels]

    def restore(self, arrays: Mapping[str, NDArray[Any]], recipes: Iterable[Sequence[Any]], specs: Specs) -> None:
        """Take over what `state` gave; specs: by name and version."""
        self._holds = {}
        self._limited.restore("limited", arrays)
        self._metered.restore("metered", arrays)
        for i, recipe in enumerate(recipes):
            cut = Cut.of_recipe(recipe, specs)
            numbers = {field: arrays[field][i].item() for field in _FIELDS}
            self._hold(cut.car).put(Parcel(cut, partition=partition_of(cut.spec, self._partitions), **numbers))

    def _hold(self, car: int) -> Hold:
        if car not in self._holds:
            self._holds[car] = Hold(self._partitions)
        return self._holds[car]

    def _spare(self, car: int, partition: Partition, now_us: int, *, wifi: bool) -> float:
        """What a partition may still send over a link today."""
        if wifi:
            return math.inf
        return partition.cellular_bytes - self._metered.of(car, partition.name, now_us // DAY_US)

    def _within_limits(self, cut: Cut, nbytes: int) -> bool:
        """Whether a trigger may send so much more of this car and day; what it may is counted."""
        limits, of = cut.spec.limits, (cut.car, cut.spec.name, cut.tick // TICKS_PER_DAY)
        most_a_clip, most_a_day = (
            math.inf if mb is None else mb * MEGABYTE for mb in (limits.mb_per_clip, limits.mb_per_car_day)
        )
        if nbytes > most_a_clip or self._limited.of(*of) + nbytes > most_a_day:
            return False
        if limits.mb_per_car_day is not None:
            self._limited.add(*of, nbytes)
        return True


class Spent:
    """Bytes by car, by what they were for, and by simulated day."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[int, str, int], float] = {}

    def of(self, car: int, what: str, day: int) -> float:
        """How much it was."""
        return self._bytes.get((car, what, day), 0.0)

    def add(self, car: int, what: str, day: int, nbytes: float) -> None:
        """Count more."""
        self._bytes[car, what, day] = self.of(car, what, day) + nbytes

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """Two arrays that begin with a name, for a checkpoint; only the last two days matter."""
        newest = max((day for _, _, day in self._bytes), default=0)
        spent = sorted((of, nbytes) for of, nbytes in self._bytes.items() if of[2] >= newest - 1)
        keys = np.array([list(map(str, of)) for of, _ in spent], np.str_).reshape(-1, 3)
        return {f"{name}_of": keys, f"{name}_bytes": np.array([nbytes for _, nbytes in spent], np.float64)}

    def restore(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave."""
        spent = zip(arrays[f"{name}_of"].tolist(), arrays[f"{name}_bytes"].tolist(), strict=True)
        self._bytes = {(int(car), what, int(day)): nbytes for (car, what, day), nbytes in spent}
