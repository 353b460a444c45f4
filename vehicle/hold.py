"""One car's parcels, sorted for what is asked of them: which goes next, which is given up first, which is too old."""

import math
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from vehicle.partitions import Partition
from vehicle.recorder import Cut

AGE_US_PER_BYTE = 60  # a megabyte more is a minute later in the queue, so the small go first and the big do not starve
ROUNDING_BYTES = 0.5  # a parcel is sent in fractions of bytes


@dataclass(slots=True, eq=False)
class Parcel:
    """One clip on its way.

    It waits, is in flight (some of it has been sent), or is sent and waits to be acknowledged.

    cut, nbytes, partition: what it is, what it weighs and where it lies
    queued_us, started_us, finished_us: simulated time of entering, of the first and the last byte; -1 is not yet
    sent_bytes: how much has crossed the uplink; kept when the link breaks
    interruptions: how often the link broke under it
    held_back: whether a cellular link passed it over, because the day's megabytes of its partition did not suffice
    given_up: why it will not be sent: evicted, where there was no room; expired, where it waited too long; over_budget,
        where it did so after it was held back; over_limit, where its trigger may not send so many bytes; empty as long
        as it will be
    """

    cut: Cut
    nbytes: int
    queued_us: int
    partition: Partition
    sent_bytes: float = 0.0
    started_us: int = -1
    finished_us: int = -1
    interruptions: int = 0
    held_back: bool = False
    given_up: str = ""

    @property
    def left_bytes(self) -> float:
        """What is still to be sent."""
        return self.nbytes - self.sent_bytes

    @property
    def sending_order(self) -> tuple[int, int, int, str]:
        """Smallest goes first: the best partition, the best trigger, then small and old, then by id."""
        aged_us = self.queued_us + AGE_US_PER_BYTE * self.nbytes
        return -self.partition.priority, -self.cut.spec.priority, aged_us, self.cut.clip

    @property
    def giving_up_order(self) -> tuple[int, int, int, str]:
        """Smallest is given up first: the least partition, the least trigger, then the oldest, then by id."""
        return self.partition.priority, self.cut.spec.priority, self.queued_us, self.cut.clip


class Shelf:
    """What one car holds in one partition; three orders of those parcels that have not begun.

    partition: which; nbytes: of all that lie here, begun, sent or not
    waiting: clip → parcel, oldest first; waiting_bytes: their weight
    """

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.nbytes = self.waiting_bytes = 0
        self.waiting: OrderedDict[str, Parcel] = OrderedDict()
        # fast path: sorted lists instead of a search, see benchmarks/outbox.py
        self._best: list[tuple[int, int, int, str]] = []
        self._least: list[tuple[int, int, int, str]] = []

    @property
    def least(self) -> tuple[int, int, int, str] | None:
        """The giving-up order of the parcel that would be given up first; its last part is the clip."""
        return self._least[0] if self._least else None

    def put(self, parcel: Parcel) -> None:
        """Let a parcel wait here."""
        self.waiting[parcel.cut.clip] = parcel
        self.waiting_bytes += parcel.nbytes
        insort(self._best, parcel.sending_order)
        insort(self._least, parcel.giving_up_order)

    def take(self, parcel: Parcel) -> None:
        """It waits no more."""
        del self.waiting[parcel.cut.clip]
        self.waiting_bytes -= parcel.nbytes
        del self._best[bisect_left(self._best, parcel.sending_order)]
        del self._least[bisect_left(self._least, parcel.giving_up_order)]

    def first(self, now_us: int, spare_bytes: float) -> Parcel | None:
        """The best that is not too old and weighs no more than may be sent; better ones were held back."""
        if spare_bytes <= 0 and not self.partition.metered:
            return None
        for *_, clip in self._best:
            parcel = self.waiting[clip]
            if parcel.queued_us + self.partition.ttl_us <= now_us:
                continue
            if parcel.nbytes <= spare_bytes:
                return parcel
            parcel.held_back = True
        return None


class Hold:
    """One car's share of an outbox.

    parcels: clip → parcel, in the order they came, until they are acknowledged or given up
    begun: those in flight
    """

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self.parcels: dict[str, Parcel] = {}
        self.begun: list[Parcel] = []
        self._shelves = {partition.name: Shelf(partition) for partition in partitions}

    @property
    def nbytes(self) -> int:
        """The weight of all that it holds."""
        return sum(shelf.nbytes for shelf in self._shelves.values())

    @property
    def unsent(self) -> tuple[int, float]:
        """How many parcels are not wholly sent, and their unsent bytes."""
        shelves = self._shelves.values()
        count = len(self.begun) + sum(len(shelf.waiting) for shelf in shelves)
        return count, sum(shelf.waiting_bytes for shelf in shelves) + sum(each.left_bytes for each in self.begun)

    def put(self, parcel: Parcel) -> None:
        """Hold a parcel, in whatever state it is."""
        shelf = self._shelf(parcel)
        self.parcels[parcel.cut.clip] = parcel
        shelf.nbytes += parcel.nbytes
        if parcel.started_us < 0:
            shelf.put(parcel)
        elif parcel.finished_us < 0:
            self.begun.append(parcel)

    def drop(self, clip: str) -> None:
        """Hold a parcel no more; nothing happens where it is not there."""
        parcel = self.parcels.pop(clip, None)
        if parcel is None:
            return
        self._shelf(parcel).nbytes -= parcel.nbytes
        if parcel.started_us < 0:
            self._shelf(parcel).take(parcel)
        elif parcel.finished_us < 0:
            self.begun.remove(parcel)

    def next(self, now_us: int, spare_bytes: dict[str, float]) -> Parcel | None:
        """The parcel to send: one in flight, else the best that waits; spare_bytes: what each partition may send."""
        begun = [each for each in self.begun if each.left_bytes <= spare_bytes[each.partition.name] + ROUNDING_BYTES]
        found = begun or [
            first for name, each in self._shelves.items() if (first := each.first(now_us, spare_bytes[name]))
        ]
        return min(found, key=lambda parcel: parcel.sending_order, default=None)

    def begin(self, parcel: Parcel, now_us: int) -> None:
        """Its first byte leaves: from here on no other overtakes it, and it is not given up."""
        self._shelf(parcel).take(parcel)
        parcel.started_us = now_us
        self.begun.append(parcel)

    def finish(self, parcel: Parcel, now_us: int) -> None:
        """Its last byte has left."""
        self.begun.remove(parcel)
        parcel.sent_bytes, parcel.finished_us = parcel.nbytes, now_us

    def expire(self, now_us: int) -> list[Parcel]:
        """Give up what has waited for too long."""
        gone = []
        for shelf in self._shelves.values():
            while shelf.partition.ttl_us < math.inf and shelf.waiting:
                oldest = next(iter(shelf.waiting.values()))
                if oldest.queued_us + shelf.partition.ttl_us > now_us:
                    break
                gone.append(self._give_up(oldest.cut.clip, "over_budget" if oldest.held_back else "expired"))
        return gone

    def make_room(self, capacity_bytes: float) -> list[Parcel]:
        """Give up the least until each partition keeps to its size, and all of them to the outbox's."""
        evicted = []
        for shelf in self._shelves.values():
            while shelf.nbytes > shelf.partition.most_bytes and (least := shelf.least):
                evicted.append(self._give_up(least[-1], "evicted"))
        while self.nbytes > capacity_bytes and (
            ends := [end for each in self._shelves.values() if (end := each.least)]
        ):
            evicted.append(self._give_up(min(ends)[-1], "evicted"))
        return evicted

    def _give_up(self, clip: str, why: str) -> Parcel:
        parcel = self.parcels[clip]
        self.drop(clip)
        parcel.given_up = why
        return parcel

    def _shelf(self, parcel: Parcel) -> Shelf:
        return self._shelves[parcel.partition.name]
