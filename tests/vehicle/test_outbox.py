import json
import math

import numpy as np
import pytest
from vehicle_parts import spec

from vehicle import Cut, Outbox, Partition
from vehicle.recorder import by_name

DAY = 86_400_000_000
MINUTE = 60_000_000
MB = 1_000_000


def cut(tick: int, priority: int = 50, car: int = 3, partition: str | None = None) -> Cut:
    return Cut.of_fire(car, tick, spec(f"p{priority}", priority=priority, clip={"partition": partition}), 1.0)


def filled(*cuts: Cut, capacity: int = 1000, nbytes: int = 100) -> Outbox:
    outbox = Outbox(0, 10, capacity)
    for each in cuts:
        outbox.add(each, nbytes, now_us=each.tick)
    return outbox


def send(outbox: Outbox, nbytes: float = math.inf, car: int = 3, *, now_us: int = 1, wifi: bool = True) -> int | None:
    """Send so much of the next parcel, or all of it; its tick."""
    parcel = outbox.next(car, now_us, wifi=wifi)
    if parcel is None:
        return None
    nbytes = min(nbytes, parcel.left_bytes)
    outbox.begin(parcel, nbytes, now_us, wifi=wifi)
    outbox.sent(car, parcel.cut.clip, nbytes, now_us=now_us + 1)
    return parcel.cut.tick


def send_all(outbox: Outbox, car: int = 3, *, now_us: int = 1, wifi: bool = True) -> list[int]:
    return list(iter(lambda: send(outbox, car=car, now_us=now_us, wifi=wifi), None))


def test_the_best_priority_goes_first_and_among_equals_the_oldest() -> None:
    assert send_all(filled(cut(1, 10), cut(2, 90), cut(3, 10), cut(4, 90))) == [2, 4, 1, 3]


def test_the_small_go_before_the_big_of_their_priority() -> None:
    outbox = Outbox(0, 10, 100 * MB)
    for tick, (nbytes, priority) in enumerate([(9 * MB, 50), (10_000, 50), (2 * MB, 50), (20 * MB, 60)]):
        outbox.add(cut(tick, priority), nbytes, now_us=0)
    assert send_all(outbox) == [3, 1, 2, 0]


@pytest.mark.parametrize(("later_us", "order"), [(4 * MINUTE - 1, [2, 1]), (4 * MINUTE + 1, [1, 2])])
def test_a_megabyte_more_is_a_minute_later_in_the_queue(later_us: int, order: list[int]) -> None:
    outbox = Outbox(0, 10, 100 * MB)
    outbox.add(cut(1), 5 * MB, now_us=0)
    outbox.add(cut(2), 1 * MB, now_us=later_us)
    assert send_all(outbox, now_us=later_us) == order


def test_however_many_small_ones_come_a_big_one_gets_its_turn() -> None:
    outbox = Outbox(0, 10, 100 * MB)
    outbox.add(cut(0), 10 * MB, now_us=0)
    sent = []
    for minute in range(12):
        outbox.add(cut(1 + minute), 1000, now_us=minute * MINUTE)
        sent.append(send(outbox, now_us=minute * MINUTE))
    assert sent.index(0) == 10


def test_what_is_in_flight_is_not_overtaken() -> None:
    outbox = filled(cut(1, 10))
    send(outbox, 40)
    outbox.add(cut(2, 90), 100, now_us=5)
    assert send_all(outbox) == [1, 2]


def test_a_broken_link_resumes_where_it_was() -> None:
    outbox = filled(cut(1))
    send(outbox, 40)
    outbox.interrupt(3, cut(1).clip)
    parcel = outbox.next(3, 8, wifi=True)
    assert parcel is not None
    assert (parcel.left_bytes, parcel.interruptions, parcel.started_us, parcel.finished_us) == (60, 1, 1, -1)
    assert send(outbox, 60, now_us=8) == 1
    assert parcel.finished_us == 9
    outbox.interrupt(3, cut(1).clip)
    assert parcel.interruptions == 1


def test_what_waits_is_counted_by_car_with_its_unsent_bytes() -> None:
    outbox = filled(cut(1), cut(2), cut(3), cut(1, car=7))
    send(outbox)
    send(outbox, 50)
    count, left = outbox.waiting
    assert count.tolist() == [0, 0, 0, 2, 0, 0, 0, 1, 0, 0]
    assert left.tolist() == [0, 0, 0, 150, 0, 0, 0, 100, 0, 0]
    send_all(outbox)
    assert outbox.busy == [7]


def test_without_room_the_least_and_oldest_is_given_up() -> None:
    outbox = filled(cut(1, 50), cut(2, 10), cut(3, 10), capacity=300)
    assert [parcel.cut.tick for parcel in outbox.add(cut(4, 50), 100, now_us=9)] == [2]
    assert [parcel.cut.tick for parcel in outbox.add(cut(5, 90), 200, now_us=9)] == [3, 1]


def test_the_newcomer_is_given_up_when_it_is_the_least() -> None:
    outbox = filled(cut(1, 50), cut(2, 50), capacity=200)
    assert [parcel.cut.tick for parcel in outbox.add(cut(3, 10), 100, now_us=9)] == [3]


def test_what_is_in_flight_or_unacknowledged_is_never_given_up() -> None:
    outbox = filled(cut(1, 10), cut(2, 20), capacity=200)
    send(outbox, 50)  # the 20 is in flight
    assert [parcel.cut.tick for parcel in outbox.add(cut(3, 90), 100, now_us=9)] == [1]
    send(outbox, 50)  # the 20 is sent, and not acknowledged
    assert [parcel.cut.tick for parcel in outbox.add(cut(4, 95), 100, now_us=9)] == [3]


def test_an_acknowledged_clip_is_forgotten_and_makes_room() -> None:
    outbox = filled(cut(1), cut(2), capacity=200)
    send(outbox)
    outbox.forget(3, cut(1).clip)
    outbox.forget(3, "no such clip")
    assert outbox.add(cut(3), 100, now_us=9) == []
    assert [parcel.cut.tick for parcel in outbox.parcels(3)] == [2, 3]


def test_cars_do_not_share_room() -> None:
    outbox = filled(cut(1, car=3), cut(1, car=4), capacity=100)
    assert outbox.busy == [3, 4]


def test_an_outbox_survives_a_checkpoint() -> None:
    outbox, later = filled(cut(1, 10), cut(2, 90), cut(3, car=7)), Outbox(0, 10, 1000)
    send(outbox, 40)
    arrays, recipes = outbox.state()
    later.restore(
        arrays, json.loads(json.dumps(recipes)), by_name(each.spec for each in (cut(1, 10), cut(2, 90), cut(3)))
    )
    assert all(np.array_equal(a, b) for a, b in zip(outbox.waiting, later.waiting, strict=True))
    assert send_all(later) == send_all(outbox) == [2, 1]


def test_a_clip_heavier_than_its_trigger_allows_never_leaves() -> None:
    outbox, light = Outbox(0, 10, 10**9), spec("light", limits={"mb_per_clip": 2.0})
    (given_up,) = outbox.add(Cut.of_fire(3, 700, light, 1.0), 2_000_001, now_us=1)
    assert given_up.given_up == "over_limit"
    assert outbox.add(Cut.of_fire(3, 700, light, 1.0), 2_000_000, now_us=2) == []
    assert len(outbox.parcels(3)) == 1


def test_the_bytes_of_a_car_and_day_are_limited_also_over_a_checkpoint() -> None:
    daily, day = spec("daily", limits={"mb_per_car_day": 1.0}), 864_000
    outbox, later = Outbox(0, 10, 10**9), Outbox(0, 10, 10**9)
    assert outbox.add(Cut.of_fire(3, 700, daily, 1.0), 600_000, now_us=1) == []
    arrays, recipes = outbox.state()
    later.restore(arrays, json.loads(json.dumps(recipes)), by_name([daily]))
    for box in (outbox, later):
        assert [each.given_up for each in box.add(Cut.of_fire(3, 800, daily, 1.0), 400_001, now_us=2)] == ["over_limit"]
        assert box.add(Cut.of_fire(3, 900, daily, 1.0), 400_000, now_us=3) == []
        assert box.add(Cut.of_fire(4, 900, daily, 1.0), 600_000, now_us=4) == []
        assert box.add(Cut.of_fire(3, day, daily, 1.0), 600_000, now_us=5) == []


EVENTS = Partition("events", priority=1, from_priority=60)
HOME = Partition("home", cellular_bytes=0)
METERED = Partition("metered", cellular_bytes=250)


def test_a_trigger_that_names_no_partition_goes_to_the_first_that_takes_its_priority() -> None:
    outbox = Outbox(0, 10, 1000, [EVENTS, HOME])
    outbox.add(cut(1, 59), 100, now_us=1)
    outbox.add(cut(2, 60), 100, now_us=1)
    outbox.add(cut(3, 90, partition="home"), 100, now_us=1)
    assert [parcel.partition.name for parcel in outbox.parcels(3)] == ["home", "events", "home"]
    assert send_all(outbox) == [2, 3, 1]


def test_a_partition_for_wifi_waits_for_wifi_and_lets_others_pass() -> None:
    outbox = Outbox(0, 10, 1000, [HOME, EVENTS])
    outbox.add(cut(1, partition="home"), 100, now_us=1)
    outbox.add(cut(2, partition="events"), 100, now_us=1)
    assert send(outbox, 50, wifi=True) == 2
    assert send_all(outbox, wifi=False) == [2]
    assert outbox.busy == [3]
    assert send_all(outbox, wifi=True) == [1]


def test_what_is_begun_on_wifi_pauses_on_cellular_and_goes_on_first() -> None:
    outbox = Outbox(0, 10, 1000, [HOME, EVENTS])
    outbox.add(cut(1, partition="home"), 100, now_us=1)
    assert send(outbox, 30, wifi=True) == 1
    outbox.add(cut(2, partition="events"), 100, now_us=1)
    assert send_all(outbox, wifi=False) == [2]
    assert [parcel.left_bytes for parcel in outbox.parcels(3)] == [70, 0]
    assert send_all(outbox, wifi=True) == [1]


def test_over_cellular_goes_what_the_day_s_budget_covers_whole() -> None:
    outbox = Outbox(0, 10, 10_000, [METERED])
    for tick, nbytes in ((1, 200), (2, 100), (3, 50), (4, 300)):
        outbox.add(cut(tick, 90 - tick), nbytes, now_us=1)
    assert send_all(outbox, wifi=False, now_us=5) == [1, 3]
    assert send_all(outbox, wifi=False, now_us=DAY + 5) == [2]
    assert send_all(outbox, wifi=True, now_us=DAY + 6) == [4]


def test_wifi_costs_nothing_of_the_budget_and_cars_have_their_own() -> None:
    outbox = Outbox(0, 10, 10_000, [METERED])
    for car, tick in ((3, 1), (3, 2), (3, 3), (4, 1)):
        outbox.add(cut(tick, car=car), 200, now_us=1)
    assert send(outbox, wifi=True) == 1
    assert send_all(outbox, wifi=False) == [2]
    assert send_all(outbox, 4, wifi=False) == [1]


def test_a_budget_survives_a_checkpoint() -> None:
    outbox, later = Outbox(0, 10, 10_000, [METERED]), Outbox(0, 10, 10_000, [METERED])
    for tick, nbytes in ((1, 200), (2, 60)):
        outbox.add(cut(tick, 50 - tick), nbytes, now_us=1)
    assert send(outbox, 100, wifi=False) == 1
    arrays, recipes = outbox.state()
    later.restore(arrays, json.loads(json.dumps(recipes)), by_name([cut(1, 49).spec, cut(2, 48).spec]))
    for box in (outbox, later):
        assert send_all(box, wifi=False) == [1]
        assert send_all(box, wifi=False, now_us=DAY) == [2]


def test_what_waits_too_long_is_given_up_and_never_sent_after_that() -> None:
    outbox = Outbox(0, 10, 10_000, [Partition("brief", ttl_us=100)])
    for tick in (1, 2, 3):
        outbox.add(cut(tick), 100, now_us=tick)
    assert send(outbox, 50, now_us=50) == 1
    assert outbox.expire(101) == []
    assert send_all(outbox, now_us=102) == [1, 3]
    assert [(each.cut.tick, each.given_up) for each in outbox.expire(102)] == [(2, "expired")]
    assert [each.cut.tick for each in outbox.parcels(3)] == [1, 3], "what has begun does not expire"


def test_what_expires_after_the_budget_held_it_back_says_so() -> None:
    outbox = Outbox(0, 10, 10_000, [Partition("brief", ttl_us=100, cellular_bytes=150)])
    for tick, nbytes in ((1, 200), (2, 100)):
        outbox.add(cut(tick, 50 - tick), nbytes, now_us=1)
    outbox.add(cut(1, car=4), 100, now_us=1)
    assert send_all(outbox, wifi=False) == [2]
    given_up = [(each.cut.car, each.cut.tick, each.given_up) for each in outbox.expire(101)]
    assert given_up == [(3, 1, "over_budget"), (4, 1, "expired")]


def test_a_partition_keeps_to_its_own_size_while_others_have_room() -> None:
    outbox = Outbox(0, 10, 1000, [Partition("small", most_bytes=250), EVENTS])
    for tick in (1, 2):
        assert outbox.add(cut(tick), 100, now_us=tick) == []
        assert outbox.add(cut(tick + 10, partition="events"), 200, now_us=tick) == []
    assert [each.cut.tick for each in outbox.add(cut(3), 100, now_us=3)] == [1]
    assert len(outbox.parcels(3)) == 4


def test_the_expired_go_first_then_the_least_partition_then_the_least_trigger() -> None:
    partitions = [Partition("a", priority=2, ttl_us=50), Partition("b", priority=1), Partition("c", priority=0)]
    outbox = Outbox(0, 10, 500, partitions)
    for tick, (priority, name) in enumerate([(90, "a"), (50, "b"), (40, "b"), (99, "c"), (98, "c")]):
        outbox.add(cut(tick, priority, partition=name), 100, now_us=tick)
    assert [each.cut.tick for each in outbox.add(cut(9, 10, partition="b"), 100, now_us=60)] == [0]
    assert [each.cut.tick for each in outbox.add(cut(10, 10, partition="a"), 300, now_us=61)] == [4, 3, 9]
