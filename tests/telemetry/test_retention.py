import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from object_store import BUCKET, needs_an_object_store, options_for
from wire_samples import RUN, a_clip, some_fires

from telemetry import open_store
from telemetry.destination import Destination, Folder, open_destination
from telemetry.errors import NotARun
from telemetry.ledger import Ledger
from telemetry.limits import Limits
from telemetry.loopback import Loopback
from telemetry.query import Store, write_truth
from telemetry.retention import trim
from telemetry.store import Compactor

FIRST, DAYS = dt.date(2026, 10, 1), 5
TODAY = FIRST + dt.timedelta(DAYS - 1)
CLIP_BYTES = 40_000


@pytest.fixture(scope="module", name="five_days")
def a_store_of_five_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days of ten fires, a label and two clips each."""
    store = tmp_path_factory.mktemp("five") / "store"
    fill(store, Folder(store))
    return store


@pytest.fixture(name="folder")
def a_folder(five_days: Path, tmp_path: Path) -> Folder:
    return Folder(shutil.copytree(five_days, tmp_path / "store"))


@pytest.fixture(name="place", params=["folder", pytest.param("bucket", marks=needs_an_object_store)])
def a_place(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """The same in a folder, or in a bucket."""
    if request.param == "folder":
        folder: Folder = request.getfixturevalue("folder")
        return folder
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name)
    bucket = open_destination(f"s3://{BUCKET}/{name}", options_for(request.getfixturevalue("endpoint")))
    fill(tmp_path / "store", bucket)
    return bucket


def fill(inbox: Path, place: Destination) -> None:
    for day in range(DAYS):
        send(inbox, day)
        compact(inbox, place, day)


def send(inbox: Path, day: int) -> None:
    with Loopback(inbox, run=RUN) as gateway:
        gateway.send_rows("fires", f"b{day}", some_fires(10 * day, 10))
        label = {"car": [day], "t_us": [0], "clip": [f"{day}-0"], "task": ["lead"], "labeller": ["anna"]}
        gateway.send_rows("labels", f"l{day}", label | {"label": ["yes"], "confidence": [1.0]})
        for clip in range(2):
            gateway.send_clip(a_clip(f"{day}-{clip}", t_us=day, picture=bytes([day]) * (CLIP_BYTES // 3)))


def compact(inbox: Path, place: Destination, day: int) -> None:
    ledger = Ledger(inbox)
    Compactor(ledger, place, today=lambda: FIRST + dt.timedelta(day)).drain()
    ledger.close()


def opened(place: Destination) -> Store:
    return open_store(place.url, place.options)


def what_is_left(place: Destination) -> tuple[list[int], list[str], int]:
    """The days with fires, the clips, the number of labels; and every row's file is there and whole."""
    with opened(place) as store:
        days = [int(day) for (day,) in store.sql("SELECT DISTINCT car // 10 FROM fires ORDER BY 1").fetchall()]
        assert [store.clip(clip).id for clip in store.clips()] == store.clips()
        return days, store.clips(), store.arrow("labels").num_rows


def clips_of(*days: int) -> list[str]:
    return [f"{day}-{clip}" for day in days for clip in range(2)]


def test_what_came_in_longer_ago_goes(place: Destination) -> None:
    done = trim(place, Limits(days=2), today=lambda: TODAY, grace_h=0)
    assert what_is_left(place) == ([2, 3, 4], clips_of(2, 3, 4), DAYS)
    assert (done.upto, done.rows, done.clips, done.freed_files) == ("2026-10-02", {"clips": 4, "fires": 20}, 4, 4)
    assert len(place.files("clips")) == 6
    assert trim(place, Limits(days=2), today=lambda: TODAY, grace_h=0).rows == {}


def test_above_a_size_the_oldest_go_first(folder: Folder) -> None:
    all_of_it = trim(folder, Limits(), dry_run=True).kept_bytes
    two_days = trim(folder, Limits(days=2), today=lambda: TODAY, dry_run=True).nbytes
    done = trim(folder, Limits(nbytes=all_of_it - two_days - 1), grace_h=0)
    assert what_is_left(folder) == ([2, 3, 4], ["2-1", *clips_of(3, 4)], DAYS)
    assert all_of_it - two_days - 2 * CLIP_BYTES < done.kept_bytes < all_of_it - two_days
    assert trim(folder, Limits(), dry_run=True).kept_bytes == pytest.approx(done.kept_bytes, abs=3_000)


def test_the_newest_day_keeps_its_rows_however_little_may_stay(folder: Folder) -> None:
    trim(folder, Limits(nbytes=1), grace_h=0)
    assert what_is_left(folder) == ([4], [], DAYS)


def test_labels_go_only_when_asked_and_truth_never(folder: Folder) -> None:
    from test_query import conditions

    write_truth(folder.path, conditions(), 0)
    trim(folder, Limits(days=2, labels=True), today=lambda: TODAY)
    assert what_is_left(folder) == ([2, 3, 4], clips_of(2, 3, 4), 3)
    assert opened(folder).arrow("truth").num_rows == 2


@pytest.mark.parametrize(
    "limits", [Limits(days=2), Limits(nbytes=200_000), Limits(days=3, nbytes=250_000, labels=True)]
)
def test_a_dry_run_says_what_would_go_and_touches_nothing(folder: Folder, limits: Limits) -> None:
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    foretold = trim(folder, limits, today=lambda: TODAY, dry_run=True).facts()
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before
    done = trim(folder, limits, today=lambda: TODAY).facts()
    assert foretold["clips"] > 0
    assert {**foretold, "dry_run": False, "at": ""} == {**done, "at": ""}


def test_what_is_not_yet_in_the_tables_is_left_alone(folder: Folder, tmp_path: Path) -> None:
    send(tmp_path / "store", 7)
    trim(folder, Limits(days=0, nbytes=1), today=lambda: FIRST + dt.timedelta(100), grace_h=0)
    assert what_is_left(folder) == ([], [], DAYS)
    compact(tmp_path / "store", folder, 7)
    assert what_is_left(folder) == ([7], clips_of(7), DAYS + 1)


def test_whoever_opened_a_store_before_reads_on_for_an_hour(folder: Folder) -> None:
    with opened(folder) as before:
        assert trim(folder, Limits(days=0), today=lambda: TODAY).freed_files == 0
        assert before.sql("SELECT count(*) FROM fires").fetchall() == [(10 * DAYS,)]
        assert before.clip("0-0").car == 7
    assert what_is_left(folder)[0] == [4]
    two_hours_pass(folder)
    assert trim(folder, Limits(days=0), today=lambda: TODAY).freed_files == 2 * (DAYS - 1)
    assert {path.stem for path in (folder.path / "clips").iterdir()} == set(clips_of(4))
    assert len(list((folder.path / "tables/fires").rglob("*.parquet"))) == 1


def two_hours_pass(folder: Folder) -> None:
    """As far as files and tables can tell."""
    ms = 2 * 3600 * 1000
    for path in folder.path.rglob("*"):
        if path.is_file():
            stat = path.stat()
            if path.suffix == ".json":
                text = re.sub(r'(?<="deletionTimestamp":)\d+', lambda at: str(int(at[0]) - ms), path.read_text())
                path.write_text(text)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - ms * 10**6))


def test_a_server_goes_on_as_if_nothing_had_been_trimmed(place: Destination, tmp_path: Path) -> None:
    """Its own view of the tables is older than the trim."""
    inbox = tmp_path / "store"
    send(inbox, 5)
    ledger = Ledger(inbox)
    compactor = Compactor(ledger, place, today=lambda: TODAY)
    assert compactor.step(1) == 1
    trim(place, Limits(days=1), today=lambda: TODAY, grace_h=0)
    compactor.drain()
    ledger.close()
    assert what_is_left(place) == ([3, 4, 5], clips_of(3, 4, 5), DAYS + 1)


# Dies before or after one step that changes something, each time a later one; the last child gets through.
MORTAL = """
import datetime as dt, json, sys
from mortal import deaths, die_after
from telemetry.destination import open_destination
from telemetry.limits import Limits
from telemetry.retention import trim

place = open_destination(sys.argv[1], json.loads(sys.argv[2]))
changes = lambda frame, event: (
    frame.f_code.co_name in ("_change", "_vacuum", "sync", "remove") and event in ("call", "return")
)
for died in deaths(
    lambda: trim(place, Limits(days=1), today=lambda: dt.date.fromisoformat(sys.argv[3]), grace_h=0),
    lambda died: die_after(1 + 5 * died, changes),
):
    print(died, flush=True)
    if sys.stdin.readline() == "":
        break
"""


def test_a_trim_that_is_killed_anywhere_leaves_a_store_that_is_whole(place: Destination) -> None:
    command = [sys.executable, "-c", MORTAL, place.url, json.dumps(place.options), str(TODAY)]
    deaths, beside = 0, Path(__file__).parent
    with subprocess.Popen(command, cwd=beside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mortal:
        assert mortal.stdin
        assert mortal.stdout
        for line in mortal.stdout:
            what_is_left(place)
            deaths = int(line)
            mortal.stdin.write("\n")
            mortal.stdin.flush()
    assert deaths >= 4
    assert what_is_left(place) == ([3, 4], clips_of(3, 4), DAYS)


def test_a_place_where_nothing_ever_was_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match="is no run"):
        trim(Folder(tmp_path / "nowhere"), Limits(days=1))
