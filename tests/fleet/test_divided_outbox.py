"""A run over midnight whose outboxes have every sort of partition, all of them too small."""

from pathlib import Path

import pytest
from fixtures import OFTEN, Interrupts, rows_of, small_plan

from fleet.plan import RunPlan
from fleet.report import open_folder
from fleet.simulation import run as runs
from fleet.why.fate import fate_of
from telemetry import open_run

PARTITIONS = """\
outbox_mb: 0.04
outbox:
  partitions:
    - {name: events, mb: 0.018, from_priority: 60, priority: 2}
    - {name: daily, when: metered, mb_per_day: 0.009, ttl: 4s, from_priority: 30, priority: 1}
    - {name: home, when: wifi, ttl: 2s}
"""
TABLES = ("fires", "clips", "uploads", "vehicles")


@pytest.fixture(scope="module")
def place(small: Path) -> Path:
    """A plan with three triggers that fire all the time, one for each partition by its priority."""
    for priority in (80, 40, 10):
        spec = OFTEN.replace("name: often", f"name: t{priority}\npriority: {priority}").replace(", narrow]", "]")
        (small / f"t{priority}.yaml").write_text(spec)
    return small


def plan(place: Path, *overrides: str) -> RunPlan:
    divided = place / "divided.yaml"
    divided.write_text((place / "small.yaml").read_text() + PARTITIONS)
    (place / "divided").mkdir(exist_ok=True)
    (place / "divided" / "small.yaml").write_text(divided.read_text())
    triggers = ",".join(f"{place}/t{priority}.yaml" for priority in (80, 40, 10))
    changes = (
        "start='23:59:54'",
        "duration=12s",
        "uplink.mbps=0.1",
        "cars=10",
        "loadout.shadows=[]",
        f"loadout.triggers=[{triggers}]",
    )
    return small_plan(place / "divided", *changes, *overrides)


@pytest.fixture(scope="module")
def first(place: Path, tmp_path_factory: pytest.TempPathFactory) -> runs.Summary:
    """One cohort, one shard."""
    return runs.start(plan(place), tmp_path_factory.mktemp("first") / "run")


def ask(run: str | Path, query: str) -> list[tuple[object, ...]]:
    with open_run(run) as db:
        return db.sql(query).fetchall()


def test_every_clip_ends_in_its_partition_in_one_of_all_ways(first: runs.Summary) -> None:
    ends = set(ask(first.run, "SELECT DISTINCT partition, status FROM uploads WHERE status <> 'waiting'"))
    assert ends >= {
        ("events", "delivered"),
        ("events", "evicted"),
        ("daily", "delivered"),
        ("daily", "over_budget"),
        ("home", "expired"),
    }
    assert ("home", "delivered") not in ends, "nobody has Wi-Fi on the road"


def test_nothing_is_lost_on_the_way_through_an_outbox(first: runs.Summary) -> None:
    clips = ask(first.run, "SELECT count(*), count(DISTINCT clip) FROM uploads")
    made = ask(first.run, "SELECT count(DISTINCT clip) FROM fires WHERE t_us <= 86404000000")  # 2 s more are in it
    assert clips == [(*made[0], *made[0])]
    assert ask(first.run, "SELECT clip FROM uploads WHERE status = 'delivered' ORDER BY 1") == ask(
        first.run, "SELECT clip FROM clips ORDER BY 1"
    )


def test_a_day_s_budget_is_kept_and_a_new_day_begins_at_midnight(first: runs.Summary) -> None:
    sent = ask(
        first.run,
        "SELECT started_us >= 86400000000 AS tomorrow, max(bytes) FROM"
        " (SELECT car, started_us, sum(sent_bytes) OVER (PARTITION BY car, started_us >= 86400000000) AS bytes"
        " FROM uploads WHERE partition = 'daily' AND started_us IS NOT NULL) GROUP BY 1 ORDER BY 1",
    )
    assert [tomorrow for tomorrow, _ in sent] == [False, True]
    assert all(0 < nbytes <= 9_000 for _, nbytes in sent)  # type: ignore[operator]


def test_why_tells_how_each_clip_ended_and_in_which_partition(first: runs.Summary) -> None:
    said, run = {}, open_folder(Path(first.run))
    for (clip,) in ask(first.run, "SELECT max(clip) FROM uploads GROUP BY partition, status, started_us IS NULL"):
        car, tick, trigger = str(clip).split("-")
        fate = fate_of(run, int(car), trigger, int(tick))
        said[fate.partition, fate.status] = fate.told
    run.db.close()
    assert "its day's megabytes" in said["daily", "over_budget"]
    assert "for as long as partition 'home' keeps any" in said["home", "expired"]
    assert "the server keeps it" in said["events", "kept"]


def test_a_run_cut_up_otherwise_and_interrupted_before_midnight_comes_to_the_same(
    first: runs.Summary, place: Path, tmp_path: Path
) -> None:
    otherwise = plan(place, "cohort_cars=2", "shards=2")
    with pytest.raises(KeyboardInterrupt):
        runs.start(otherwise, tmp_path / "run", runs.Setting(watch=Interrupts(first.car_ticks // 3)))
    assert runs.resume(tmp_path / "run").digest == first.digest
    assert rows_of(tmp_path / "run", TABLES) == rows_of(Path(first.run), TABLES)
