"""Drives with 78 seconds in which no packet leaves: nothing is lost, and afterwards no second of the link is wasted."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from fixtures import DATA, OFTEN, small_plan

from fleet.simulation import run as runs
from fleet.simulation.clock import PHASES_US, Clock
from fleet.simulation.state import FleetState
from fleet.simulation.uploading import Uploads
from telemetry import Link, Links, open_run, open_uplink
from triggers import TriggerSpec
from vehicle import Cut, Outbox, Parcel, Partition

SECOND = 1_000_000
MEASURED = "ATT-LTE-driving.up"  # the drive with the hole of 78 s; it does not come with every copy of the data
OTHER = "ATT-LTE-driving-2016.up"
CARS, HOLE_S = 8, 78


def found(name: str) -> Path:
    """A recording among the data, or a skip."""
    files = sorted((DATA / "uplink_mahimahi_gpl").rglob(name))
    if not files:
        pytest.skip(f"there is no {name} in {DATA}")
    return files[0]


def stretched(times_ms: np.ndarray) -> np.ndarray:
    """A recording whose longest hole takes 78 s."""
    gaps = np.diff(times_ms)
    longest = int(gaps.argmax())
    return np.concatenate([times_ms[: longest + 1], times_ms[longest + 1 :] + HOLE_S * 1000 - gaps[longest]])


def made_up(folder: Path) -> Path:
    """A minute of 1.7 Mbit/s, the hole, and another minute."""
    return saved(folder, np.r_[np.arange(0, 60_000, 7), np.arange(60_000 + HOLE_S * 1000, 200_000, 7)])


def saved(folder: Path, times_ms: np.ndarray) -> Path:
    file = folder / "drive.up"
    file.write_text("".join(f"{at}\n" for at in times_ms.tolist()))
    return file


class Journey:
    """Cars on a drive, each of which cuts a clip for each of two triggers every few seconds.

    A row a second and a column a car: `may` is what the link would carry, `sent` what left, `waits` what was to be sent
    at the beginning, `flying` the clip in flight then and how much of it had left.
    """

    def __init__(self, file: Path) -> None:
        self.seconds = int(file.read_bytes().split()[-1]) // 1000 + HOLE_S + 20  # everybody is in the hole once
        self.uplink = open_uplink({"kind": "trace", "files": [str(file)]}, seed=7)
        self.clock, self.state = Clock(PHASES_US["barrier"]), FleetState.parked(0, CARS)
        self.state.link[:] = Link.CELLULAR
        parts = [Partition("events", priority=1, from_priority=60), Partition("rest", ttl_us=40 * SECOND)]
        self.outbox = Outbox(0, CARS, 3_000_000, parts)
        self.unacknowledged: list[Parcel] = []
        self.uploads = Uploads(self.clock, self.state, self.outbox, self.uplink, self.unacknowledged.append)
        self.cut: set[str] = set()
        self.acknowledged: dict[str, Parcel] = {}
        self.given_up: dict[str, Parcel] = {}
        self.may, self.sent, self.waits = (np.zeros((self.seconds, CARS)) for _ in range(3))
        self.flying: list[dict[int, tuple[str, float]]] = []

    def go(self) -> "Journey":
        for second in range(self.seconds):
            if second % 3 == 0:
                self._record(second)
            if second % 10 == 0:
                self._meet(second)
            self._look(second)
            self.clock.run_until((second + 1) * SECOND + PHASES_US["barrier"])
            self.sent[second] = self.state.uploaded_bytes - self.sent[:second].sum(axis=0)
        return self

    def _record(self, second: int) -> None:
        for priority, nbytes in ((20, 90_000), (60, 120_000)):
            kind = {"kind": "expression", "params": {"fire_when": "true"}}
            spec = TriggerSpec.model_validate({"name": f"p{priority}", "priority": priority, **kind})
            for car in range(CARS):
                cut = Cut.of_fire(car, second * 10, spec, 1.0)
                self.cut.add(cut.clip)
                self._give_up(self.outbox.add(cut, nbytes, now_us=second * SECOND))
        self.uploads.wake(range(CARS))

    def _meet(self, second: int) -> None:
        self._give_up(self.outbox.expire(second * SECOND))
        for parcel in self.unacknowledged:
            self.outbox.forget(parcel.cut.car, parcel.cut.clip)
            self.acknowledged[parcel.cut.clip] = parcel
        self.unacknowledged.clear()

    def _give_up(self, parcels: Iterable[Parcel]) -> None:
        self.given_up |= {parcel.cut.clip: parcel for parcel in parcels}

    def _look(self, second: int) -> None:
        links = Links(self.state.cars, self.state.link)
        self.may[second] = self.uplink(links, second * SECOND, (second + 1) * SECOND)
        self.waits[second] = self.outbox.waiting[1]
        begun = [parcel for parcel in self.held if parcel.started_us >= 0 > parcel.finished_us]
        self.flying.append({parcel.cut.car: (parcel.cut.clip, parcel.sent_bytes) for parcel in begun})

    @property
    def held(self) -> list[Parcel]:
        return [parcel for car in range(CARS) for parcel in self.outbox.parcels(car)]

    def holes(self) -> list[tuple[int, range]]:
        """Each car with the longest stretch of seconds in which nothing can leave."""
        out = []
        for car in range(CARS):
            ends = np.flatnonzero(np.r_[1, self.may[:, car], 1])
            longest = int(np.diff(ends).argmax())
            out.append((car, range(int(ends[longest]), int(ends[longest + 1]) - 1)))
        return out


@pytest.fixture(scope="module", params=["as measured", "another drive, stretched", "made up"])
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    folder = tmp_path_factory.mktemp("drive")
    if request.param == "as measured":
        return Journey(found(MEASURED)).go()
    if request.param == "made up":
        return Journey(made_up(folder)).go()
    return Journey(saved(folder, stretched(np.array(found(OTHER).read_bytes().split(), np.int64)))).go()


def test_everybody_is_in_the_dead_zone(journey: Journey) -> None:
    assert min(len(hole) for _, hole in journey.holes()) >= HOLE_S - 2


def test_every_clip_is_acknowledged_or_still_there_or_given_up_for_a_reason(journey: Journey) -> None:
    held = {parcel.cut.clip for parcel in journey.held}
    assert len(journey.cut) == len(held) + len(journey.acknowledged) + len(journey.given_up)
    assert journey.cut == held | journey.acknowledged.keys() | journey.given_up.keys()
    assert {parcel.given_up for parcel in journey.given_up.values()} == {"evicted", "expired"}
    assert all(parcel.started_us < 0 for parcel in journey.given_up.values())
    assert not any(parcel.given_up for parcel in (*journey.acknowledged.values(), *journey.held))


def test_what_was_in_flight_keeps_what_it_had_sent_and_goes_on_first(journey: Journey) -> None:
    broken_off = [(car, hole) for car, hole in journey.holes() if car in journey.flying[hole[0]]]
    assert broken_off
    for car, hole in broken_off:
        clip, _ = journey.flying[hole[1]][car]
        assert {journey.flying[second][car] for second in hole[1:]} == {journey.flying[hole[1]][car]}
        parcel = journey.acknowledged[clip]
        assert parcel.interruptions >= 1
        assert parcel.started_us < hole[0] * SECOND + SECOND
        assert parcel.finished_us > hole[-1] * SECOND


def test_no_byte_is_sent_twice(journey: Journey) -> None:
    left = [*journey.acknowledged.values(), *journey.held]
    assert journey.sent.sum() == pytest.approx(sum(parcel.sent_bytes for parcel in left))
    assert all(parcel.sent_bytes == parcel.nbytes for parcel in journey.acknowledged.values())


def test_after_the_dead_zone_and_ever_no_second_of_the_link_is_wasted(journey: Journey) -> None:
    """A car that waits for the end of some old pause would leave bytes of these seconds unused."""
    enough = journey.waits >= journey.may
    assert journey.sent[enough] == pytest.approx(journey.may[enough], rel=1e-3)  # 10 us a clip, by the clock's grid
    for car, hole in journey.holes():
        assert journey.waits[hole[-1] + 1, car] > 0
        assert journey.sent[hole[-1] + 1, car] > 0


def test_a_run_through_a_dead_zone_loses_nothing(small: Path, tmp_path: Path) -> None:
    (small / "zone.yaml").write_text(OFTEN.replace("name: often", "name: zone").replace(", narrow]", "]"))
    changes = ("cars=5", "duration=170s", "perceive_every_s=10", "signals_every_s=50", "barrier_every_s=10")
    link = f"uplink={{kind: trace, files: [{made_up(tmp_path)}], scale: 0.004}}"
    triggers = f"loadout={{triggers: [{small}/zone.yaml]}}"
    done = runs.start(small_plan(small, *changes, link, triggers, "outbox_mb=0.06"), tmp_path / "run")
    with open_run(done.run) as db:
        ends = dict(db.sql("SELECT status, count(DISTINCT clip) FROM uploads GROUP BY 1").fetchall())
        made = db.sql(
            "SELECT count(DISTINCT clip) FROM fires ANTI JOIN (SELECT max(t_us) AS t_us FROM fires) USING (t_us)"
        )
        ((clips,),) = made.fetchall()
        ((kept,),) = db.sql(
            "SELECT count(*) FROM clips JOIN uploads USING (clip) WHERE status = 'delivered'"
        ).fetchall()
        ((broken,),) = db.sql("SELECT sum(interruptions) FROM uploads WHERE status = 'delivered'").fetchall()
    assert ends.keys() == {"delivered", "waiting", "evicted"}
    assert sum(ends.values()) == clips
    assert kept == ends["delivered"] == done.clips_kept
    assert broken > 0
