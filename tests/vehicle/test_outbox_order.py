"""The rules of an outbox as a plain list and a search, against the real one, over any course of events."""

import json
import math
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from vehicle_parts import spec

from vehicle import Cut, Outbox, Parcel, Partition
from vehicle.recorder import by_name

CAPACITY = 600
PARTITIONS = (
    Partition("events", priority=2, from_priority=60, most_bytes=400),
    Partition("brief", priority=1, ttl_us=60, from_priority=40),
    Partition("metered", priority=1, ttl_us=100, cellular_bytes=150, from_priority=20),
    Partition("home", cellular_bytes=0),
)
SPECS = [spec(f"p{priority}", priority=priority) for priority in (0, 10, 20, 39, 40, 50, 60, 99)]
BY_NAME = {each.name: each for each in PARTITIONS}
OF_SPEC = dict(
    zip(
        (each.name for each in SPECS),
        ["home", "home", "metered", "metered", "brief", "brief", "events", "events"],
        strict=True,
    )
)
DAY_US = 86_400_000_000


class Add(NamedTuple):
    car: int
    trigger: int
    nbytes: int


class Send(NamedTuple):
    car: int
    part: float
    wifi: bool


class Acknowledge(NamedTuple):
    car: int


class Wait(NamedTuple):
    us: int


CARS = st.integers(0, 1)
EVENTS = st.lists(
    st.one_of(
        st.builds(Add, CARS, st.integers(0, len(SPECS) - 1), st.integers(1, 400)),
        st.builds(Add, st.just(0), st.integers(0, len(SPECS) - 1), st.integers(50, 200)),
        *2 * [st.builds(Send, CARS, st.sampled_from([0.25, 1.0, 1.0]), st.booleans())],
        st.builds(Acknowledge, CARS),
        st.builds(Wait, st.sampled_from([1, 30, 100, DAY_US])),
    ),
    min_size=5,
    max_size=40,
)


class Plain:
    """The rules, written as they are told in docs/operating.md: a list a car, searched each time."""

    def __init__(self) -> None:
        self.held: dict[int, list[dict[str, Any]]] = {0: [], 1: []}
        self.over_cellular: dict[tuple[int, str, int], float] = {}

    def add(self, cut: Cut, nbytes: int, now_us: int) -> list[tuple[str, str]]:
        one = {"clip": cut.clip, "nbytes": nbytes, "queued": now_us, "trigger": cut.spec.priority, "sent": 0.0}
        held = self.held[cut.car]
        held.append(one | {"in": BY_NAME[OF_SPEC[cut.spec.name]], "held_back": False, "state": "waits"})
        gone = self.expire(cut.car, now_us)
        for each in (*PARTITIONS, None):
            while idle := self._too_full(held, each):
                least = min(idle, key=lambda one: (one["in"].priority, one["trigger"], one["queued"], one["clip"]))
                held.remove(least)
                gone.append((least["clip"], "evicted"))
        return gone

    @staticmethod
    def _too_full(held: list[dict[str, Any]], partition: Partition | None) -> list[dict[str, Any]]:
        inside = [one for one in held if partition in (None, one["in"])]
        most = partition.most_bytes if partition else CAPACITY
        return [one for one in inside if one["state"] == "waits"] if sum(one["nbytes"] for one in inside) > most else []

    def expire(self, car: int, now_us: int) -> list[tuple[str, str]]:
        held = self.held[car]
        old = [one for one in held if one["state"] == "waits" and one["queued"] + one["in"].ttl_us <= now_us]
        held[:] = [one for one in held if one not in old]
        old.sort(key=lambda one: PARTITIONS.index(one["in"]))
        return [(one["clip"], "over_budget" if one["held_back"] else "expired") for one in old]

    def next(self, car: int, now_us: int, *, wifi: bool) -> dict[str, Any] | None:
        def spare(one: dict[str, Any]) -> float:
            used = self.over_cellular.get((car, one["in"].name, now_us // DAY_US), 0.0)
            return math.inf if wifi else one["in"].cellular_bytes - used

        def order(one: dict[str, Any]) -> tuple[Any, ...]:
            return -one["in"].priority, -one["trigger"], one["queued"] + 60 * one["nbytes"], one["clip"]

        unsent = sorted((one for one in self.held[car] if one["state"] != "sent"), key=order)
        begun = [one for one in unsent if one["state"] == "begun" and one["nbytes"] - one["sent"] <= spare(one)]
        if begun:
            return begun[0]
        fresh = [one for one in unsent if one["state"] == "waits" and one["queued"] + one["in"].ttl_us > now_us]
        chosen = None
        passed: set[str] = set()
        for one in fresh:
            fits = one["nbytes"] <= spare(one)
            if fits and one["in"].name not in passed:
                passed.add(one["in"].name)
                chosen = chosen or one
            elif not fits and one["in"].name not in passed:
                one["held_back"] = one["held_back"] or one["in"].metered
        return chosen

    def send(self, one: dict[str, Any], car: int, part: float, now_us: int, *, wifi: bool) -> None:
        nbytes = part * (one["nbytes"] - one["sent"])
        nbytes = one["nbytes"] - one["sent"] if one["nbytes"] - one["sent"] - nbytes < 0.5 else nbytes
        one["sent"] += nbytes
        if not wifi:
            key = (car, one["in"].name, now_us // DAY_US)
            self.over_cellular[key] = self.over_cellular.get(key, 0.0) + nbytes
        one["state"] = "sent" if one["sent"] == one["nbytes"] else "begun"


def told(parcels: list[Parcel]) -> list[tuple[str, str]]:
    return [(parcel.cut.clip, parcel.given_up) for parcel in parcels]


def course(events: list[Any], *, checkpoints: bool) -> list[Any]:
    """Let the events happen to both; what was given up, in order, after comparing them at every step."""
    outbox, plain, now_us, gone, acknowledged = Outbox(0, 2, CAPACITY, PARTITIONS), Plain(), 0, [], []
    for tick, event in enumerate(events):
        if isinstance(event, Add):
            cut = Cut.of_fire(event.car, tick, SPECS[event.trigger], 1.0)
            begun = {each.cut.clip for each in outbox.parcels(event.car) if each.started_us >= 0}
            given_up = told(outbox.add(cut, event.nbytes, now_us=now_us))
            assert given_up == plain.add(cut, event.nbytes, now_us)
            assert begun.isdisjoint(clip for clip, _ in given_up)
            gone += given_up
        elif isinstance(event, Send):
            parcel, one = (
                box.next(event.car, now_us, wifi=event.wifi)  # type: ignore[attr-defined]
                for box in (outbox, plain)
            )
            assert (parcel and parcel.cut.clip) == (one and one["clip"])
            if parcel is not None:
                nbytes = event.part * parcel.left_bytes
                outbox.begin(parcel, nbytes, now_us, wifi=event.wifi)
                outbox.sent(event.car, parcel.cut.clip, nbytes, now_us=now_us)
                plain.send(one, event.car, event.part, now_us, wifi=event.wifi)
        elif isinstance(event, Acknowledge):
            for parcel in [each for each in outbox.parcels(event.car) if each.finished_us >= 0]:
                outbox.forget(event.car, parcel.cut.clip)
                acknowledged.append(parcel.cut.clip)
            plain.held[event.car] = [one for one in plain.held[event.car] if one["state"] != "sent"]
        else:
            now_us += event.us
            given_up = told(outbox.expire(now_us))
            assert given_up == [*plain.expire(0, now_us), *plain.expire(1, now_us)]
            gone += given_up
        if checkpoints:
            outbox = restored(outbox)
        _holds_what_it_should(outbox, plain)
    held = [each.cut.clip for car in (0, 1) for each in outbox.parcels(car)]
    assert sorted([*held, *acknowledged, *(clip for clip, _ in gone)]) == sorted(
        f"{event.car:06}-{tick:07}-{SPECS[event.trigger].name}"
        for tick, event in enumerate(events)
        if isinstance(event, Add)
    ), "every clip is held, acknowledged or given up, once"
    return gone


def _holds_what_it_should(outbox: Outbox, plain: Plain) -> None:
    for car in (0, 1):
        parcels = outbox.parcels(car)
        assert [each.cut.clip for each in parcels] == [one["clip"] for one in plain.held[car]]
        unsent = [each for each in parcels if each.finished_us < 0]
        assert outbox.waiting[0][car] == len(unsent)
        assert outbox.waiting[1][car] == sum(each.left_bytes for each in unsent)
        if sum(each.nbytes for each in parcels) > CAPACITY:
            assert all(each.started_us >= 0 for each in parcels), "too much only where nothing may be given up"
    assert outbox.busy == [car for car in (0, 1) if any(each.finished_us < 0 for each in outbox.parcels(car))]


def restored(outbox: Outbox) -> Outbox:
    again = Outbox(0, 2, CAPACITY, PARTITIONS)
    arrays, recipes = outbox.state()
    again.restore(arrays, json.loads(json.dumps(recipes)), by_name(SPECS))
    return again


@given(EVENTS)
def test_what_is_sent_kept_and_given_up_follows_the_written_rules(events: list[Any]) -> None:
    course(events, checkpoints=False)


@given(EVENTS)
def test_a_checkpoint_after_every_event_changes_nothing(events: list[Any]) -> None:
    assert course(events, checkpoints=True) == course(events, checkpoints=False)
