"""What it costs to ask outboxes what goes next and what waits, against a search through all; one line of JSON.

CPU time of this process, 5,000 cars with 20 clips each, both in turns; the search gives the same answers:

- `us_per_next`: microseconds for what a car sends next; `next_over_search`: how many times faster that is;
- `next_over_search_500`: the same for 50 cars with 500 clips each, as after a day without a link;
- `waiting_over_search`: what waits in all cars, as every barrier asks.
"""

import json
from collections.abc import Callable

import numpy as np

from fleet.measured import Figure, told
from instruments.process import cpu_us
from triggers import TriggerSpec
from vehicle import Cut, Outbox, Parcel, Partition

REPEATS = 9
PARTITIONS = (
    Partition("events", priority=1, from_priority=50),
    Partition("bulk", ttl_us=7 * 86_400e6, cellular_bytes=5e6),
)


def filled(cars: int, clips: int) -> Outbox:
    """An outbox with clips of several sizes and priorities; a tenth of the cars is in the middle of one."""
    kind = {"kind": "expression", "params": {"fire_when": "true"}}
    specs = [TriggerSpec.model_validate({"name": f"p{p}", "priority": p, **kind}) for p in range(5, 100, 10)]
    outbox = Outbox(0, cars, 10**12, PARTITIONS)
    for clip in range(clips):
        for car in range(cars):
            spec = specs[(clip * 7 + car) % len(specs)]
            outbox.add(Cut.of_fire(car, clip, spec, 1.0), 1000 * (1 + (clip * 13 + car) % 97), now_us=clip * 100_000)
    for car in range(0, cars, 10):
        parcel = outbox.next(car, 10**7, wifi=True)
        if parcel:
            outbox.begin(parcel, 10.0, 10**7, wifi=True)
            outbox.sent(car, parcel.cut.clip, 10.0, now_us=10**7)
    return outbox


def searched_next(outbox: Outbox, car: int) -> Parcel | None:
    """What goes next over Wi-Fi, by looking at all that the car holds."""
    unsent = [parcel for parcel in outbox.parcels(car) if parcel.finished_us < 0]
    return min(unsent, key=lambda parcel: (parcel.started_us < 0, parcel.sending_order), default=None)


def searched_waiting(outbox: Outbox, cars: int) -> tuple[np.ndarray, np.ndarray]:
    """What waits, by looking at all that all cars hold."""
    count, left = np.zeros(cars, np.int64), np.zeros(cars)
    for car in range(cars):
        for parcel in outbox.parcels(car):
            count[car] += parcel.finished_us < 0
            left[car] += parcel.left_bytes
    return count, left


def in_turns(ours: Callable[[], object], rival: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Our microseconds, and how many times the rival's they are, a pair each time."""
    pairs = [(cpu_us(ours), cpu_us(rival)) for _ in range(REPEATS)]
    return [mine for mine, _ in pairs], [theirs / mine for mine, theirs in pairs]


def next_of_all(outbox: Outbox, cars: int) -> tuple[list[float], list[float]]:
    """Microseconds a car, and the ratio to the search, once both have given the same."""
    ours = [outbox.next(car, 10**7, wifi=True) for car in range(cars)]
    if ours != [searched_next(outbox, car) for car in range(cars)]:
        raise AssertionError("the search found something else")
    mine, ratios = in_turns(
        lambda: [outbox.next(car, 10**7, wifi=True) for car in range(cars)],
        lambda: [searched_next(outbox, car) for car in range(cars)],
    )
    return [each / cars for each in mine], ratios


def main() -> None:
    """Measure and print."""
    many, long = filled(5000, 20), filled(50, 500)
    us, ratios = next_of_all(many, 5000)
    _, long_ratios = next_of_all(long, 50)
    count, left = searched_waiting(many, 5000)
    if not (np.array_equal(many.waiting[0], count) and np.allclose(many.waiting[1], left, atol=0.01)):
        raise AssertionError("the search counted something else")
    _, waiting = in_turns(lambda: many.waiting, lambda: searched_waiting(many, 5000))
    rival = "a search through all clips"
    figures = [
        Figure.of("us_per_next", us, None, "none: this machine, now"),
        Figure.of("next_over_search", ratios, 2.0, rival),
        Figure.of("next_over_search_500", long_ratios, 20.0, rival),
        Figure.of("waiting_over_search", waiting, 3.0, rival),
    ]
    print(json.dumps(told("outbox", figures)))


if __name__ == "__main__":
    main()
