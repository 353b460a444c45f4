import json

import numpy as np
from vehicle_parts import spec

from vehicle import Cut, Outbox
from vehicle.recorder import by_name


def cut(tick: int, priority: int = 50, car: int = 3) -> Cut:
    return Cut.of_fire(car, tick, spec(f"p{priority}", priority=priority), 1.0)


def filled(*cuts: Cut, capacity: int = 1000, nbytes: int = 100) -> Outbox:
    outbox = Outbox(0, 10, capacity)
    for each in cuts:
        outbox.add(each, nbytes, now_us=each.tick)
    return outbox


def send_all(outbox: Outbox, car: int = 3) -> list[int]:
    order = []
    while parcel := outbox.next(car):
        order.append(parcel.cut.tick)
        outbox.send(car, parcel.left_bytes, start_us=1, end_us=2)
    return order


def test_the_best_priority_goes_first_and_among_equals_the_oldest() -> None:
    assert send_all(filled(cut(1, 10), cut(2, 90), cut(3, 10), cut(4, 90))) == [2, 4, 1, 3]


def test_what_is_in_flight_is_not_overtaken() -> None:
    outbox = filled(cut(1, 10))
    outbox.send(3, 40, start_us=1, end_us=2)
    outbox.add(cut(2, 90), 100, now_us=5)
    assert send_all(outbox) == [1, 2]


def test_a_broken_link_resumes_where_it_was() -> None:
    outbox = filled(cut(1))
    outbox.send(3, 40, start_us=1, end_us=2)
    outbox.interrupt(3)
    parcel = outbox.next(3)
    assert parcel is not None
    assert (parcel.left_bytes, parcel.interruptions, parcel.started_us, parcel.finished_us) == (60, 1, 1, -1)
    assert outbox.send(3, 60, start_us=8, end_us=9) == [parcel]
    assert parcel.finished_us == 9


def test_a_fast_second_carries_several_parcels() -> None:
    outbox = filled(cut(1), cut(2), cut(3))
    assert len(outbox.send(3, 250, start_us=1, end_us=2)) == 2
    assert outbox.waiting[0][3] == 1
    assert outbox.waiting[1][3] == 50


def test_without_room_the_least_and_oldest_is_given_up() -> None:
    outbox = filled(cut(1, 50), cut(2, 10), cut(3, 10), capacity=300)
    assert [parcel.cut.tick for parcel in outbox.add(cut(4, 50), 100, now_us=9)] == [2]
    assert [parcel.cut.tick for parcel in outbox.add(cut(5, 90), 200, now_us=9)] == [3, 1]


def test_the_newcomer_is_given_up_when_it_is_the_least() -> None:
    outbox = filled(cut(1, 50), cut(2, 50), capacity=200)
    assert [parcel.cut.tick for parcel in outbox.add(cut(3, 10), 100, now_us=9)] == [3]


def test_what_is_in_flight_or_unacknowledged_is_never_given_up() -> None:
    outbox = filled(cut(1, 10), cut(2, 20), capacity=200)
    outbox.send(3, 50, start_us=1, end_us=2)  # the 20 is in flight
    assert [parcel.cut.tick for parcel in outbox.add(cut(3, 90), 100, now_us=9)] == [1]
    outbox.send(3, 50, start_us=2, end_us=3)  # the 20 is sent, and not acknowledged
    assert [parcel.cut.tick for parcel in outbox.add(cut(4, 95), 100, now_us=9)] == [3]


def test_an_acknowledged_clip_is_forgotten_and_makes_room() -> None:
    outbox = filled(cut(1), cut(2), capacity=200)
    outbox.send(3, 100, start_us=1, end_us=2)
    outbox.forget(3, cut(1).clip)
    outbox.forget(3, "no such clip")
    assert outbox.add(cut(3), 100, now_us=9) == []
    assert [parcel.cut.tick for parcel in outbox.parcels(3)] == [2, 3]


def test_cars_do_not_share_room() -> None:
    outbox = filled(cut(1, car=3), cut(1, car=4), capacity=100)
    assert outbox.busy == [3, 4]


def test_an_outbox_survives_a_checkpoint() -> None:
    outbox, later = filled(cut(1, 10), cut(2, 90), cut(3, car=7)), Outbox(0, 10, 1000)
    outbox.send(3, 40, start_us=1, end_us=2)
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
