"""Nothing private leaves: a real run with its bytes on the wire caught, and its tables and clips searched."""

import getpass
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from fixtures import plain_painting

from fleet.plan import RunPlan
from fleet.plan_file import load_plan
from fleet.simulation import run as runs
from fleet.simulation.equipment import equip
from scenarios import TICK_US, World
from telemetry import TABLES, Clip, open_run
from vehicle import Fence, Privacy

MARKER = "k3v-folder-of-somebody"
TRIGGER = """\
name: often
kind: expression
params: {fire_when: "true"}
fire: {edge: always, cooldown_s: 12}
clip: {before_s: 8, after_s: 0, hz: 0.25, cameras: [main], merge: false}
"""
PLAN = """\
cars: 16
shards: 1
start: "07:26:20"   # just before cars 8 and 14 leave home
duration: 16s
world: rainy_city
perceive_every_s: 4
signals_every_s: 4
barrier_every_s: 4
loadout: {production: hydranet-v1, triggers: [often.yaml]}
uplink: {kind: lte, mbps: 50}
privacy: {opted_out: 0.3}
"""
OUTSIDE = [name for name in TABLES if name not in ("truth", "labels")]  # what crosses the wire


class Caught(NamedTuple):
    """A run, and every byte that its cars sent."""

    plan: RunPlan
    world: World
    privacy: Privacy
    store: Path
    sent: bytes
    summary: runs.Summary


@contextmanager
def tapped(endpoint: str) -> Iterator[tuple[str, list[bytes]]]:
    """A relay in front of a server: its own endpoint, and what was sent through it towards the server."""
    host, port = endpoint.removeprefix("tcp://").split(":")
    sent: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, kept: list[bytes] | None) -> None:
        with suppress(OSError):
            while taken := source.recv(65536):
                if kept is not None:
                    kept.append(taken)
                target.sendall(taken)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def relay(client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((host, int(port))) as server:
            back = threading.Thread(target=pump, args=(server, client, None), daemon=True)
            back.start()
            pump(client, server, sent)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=relay, args=listener.accept()[:1], daemon=True).start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}", sent
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # `close` alone would wake nobody
        accepting.join()
        listener.close()


SERVER = """
import sys
from pathlib import Path
from fleet import logs
from telemetry import serve
logs.configure()
serve(Path(sys.argv[1]), "tcp://127.0.0.1:0", ready=lambda endpoint: print(endpoint, flush=True))
"""


@contextmanager
def plain_server(store: Path) -> Iterator[str]:
    """A collection server without keys, so that what crosses the wire can be read."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(store)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caught]:
    folder = tmp_path_factory.mktemp("runs") / MARKER
    folder.mkdir()
    (folder / "often.yaml").write_text(TRIGGER)
    (folder / "plan.yaml").write_text(PLAN)
    with plain_painting(), plain_server(folder / "store") as server, tapped(server) as (endpoint, sent):
        fence = fence_around(load_plan(str(folder / "plan.yaml")))
        said = f"{{latitude: {fence.latitude}, longitude: {fence.longitude}, radius_m: {fence.radius_m}}}"
        plan = load_plan(str(folder / "plan.yaml"), [f"privacy.fences=[{said}]"])
        summary = runs.start(plan, folder / "run", runs.Setting(server=endpoint))
        yield Caught(
            plan, equip(plan, "cpu").world, Privacy(plan.seed, 0.3, (fence,)), folder / "store", b"".join(sent), summary
        )


def fence_around(plan: RunPlan) -> Fence:
    """A place that a car which has not opted out drives through in the middle of the run."""
    world, cars = equip(plan, "cpu").world, np.arange(plan.cars, dtype=np.uint32)
    tick = (plan.start_us + plan.duration_us // 2) // TICK_US
    motion = world.motion(cars, tick)
    fast = motion.driving & (motion.speed_mps > 5) & ~Privacy(plan.seed, 0.3).silent(cars)
    car = int(np.flatnonzero(fast)[0])
    return Fence(round(float(motion.latitude[car]), 6), round(float(motion.longitude[car]), 6), 40.0)


def moments(caught: Caught) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every car at every tick of the run and the clips before it: cars, ticks, and which of them are private."""
    first, last = (us // TICK_US for us in (caught.plan.start_us - 8_000_000, caught.plan.end_us))
    every_second = np.arange(first, last, 10)  # looks and pictures are on a grid of 4 s
    ticks, cars = (each.ravel() for each in np.meshgrid(every_second, np.arange(caught.plan.cars)))
    cars = cars.astype(np.uint32)
    return cars, ticks, caught.privacy.private(caught.world, cars, ticks)


def as_sent(values: np.ndarray) -> set[bytes]:
    """Coordinates in every form in which the wire has them: columns from float32, poses as they are; either order."""
    forms = {*values.tolist(), *values.astype(np.float32).astype(np.float64).tolist()}
    return {struct.pack(f"{order}d", value) for value in forms for order in "<>"}


def test_the_run_has_something_to_hide_and_something_to_tell(caught: Caught) -> None:
    cars, ticks, private = moments(caught)
    silent = caught.privacy.silent(cars)
    homes = Privacy().private(caught.world, cars, ticks) & caught.world.motion(cars, ticks).driving
    fenced = Privacy(fences=caught.privacy.fences).private(caught.world, cars, ticks) & ~homes & ~silent
    assert 0 < silent.mean() < 0.6
    assert homes.any()
    assert fenced.any()
    assert not private.all()
    assert caught.summary.clips_kept > 8
    assert len(caught.sent) > 30_000


def test_no_private_coordinate_is_in_any_byte_on_the_wire(caught: Caught) -> None:
    cars, ticks, private = moments(caught)
    motion = caught.world.motion(cars, ticks)
    open_ = ~private & motion.driving
    for where in (motion.latitude, motion.longitude):
        # a car that stands is at one place in many moments; one of them may be private by the clock alone
        hidden = as_sent(where[private]) - as_sent(where[open_])
        found = {each for each in as_sent(where[open_]) if each in caught.sent}
        assert found, "the search finds what may be told"
        assert not {each for each in hidden if each in caught.sent}


def test_cars_that_opted_out_are_in_no_row_and_no_clip(caught: Caught) -> None:
    cars = np.arange(caught.plan.cars, dtype=np.uint32)
    out = set(cars[caught.privacy.silent(cars)].tolist())
    with open_run(caught.store) as db:
        told = {
            table: {car for (car,) in db.table(table).project("car").distinct().fetchall()}
            for table in OUTSIDE
            if "car" in TABLES[table].columns
        }
    assert all(told[table] for table in ("signals", "clips", "vehicles", "reasons", "uploads"))
    assert all(not cars & out for cars in told.values())


def test_no_row_of_signals_and_no_picture_is_of_a_private_moment(caught: Caught) -> None:
    with open_run(caught.store) as db:
        rows = np.array(db.sql("SELECT car, t_us FROM signals").fetchall(), np.int64)
    clips = [Clip.read(file) for file in sorted((caught.store / "clips").glob("*.mcap"))]
    shown = np.array([(clip.car, tick) for clip in clips for tick in clip.ticks], np.int64)
    for cars, ticks in ((rows[:, 0], rows[:, 1] // TICK_US), (shown[:, 0], shown[:, 1])):
        assert len(cars) > 20
        assert not caught.privacy.private(caught.world, cars.astype(np.uint32), ticks).any()


def test_fires_that_were_kept_back_are_counted_as_private(caught: Caught) -> None:
    with open_run(caught.store) as db:
        ((count,),) = db.sql("SELECT sum(count) FROM reasons WHERE reason = 'PRIVATE'").fetchall()
    assert count > 0


def test_no_name_of_a_person_folder_or_machine_leaves(caught: Caught) -> None:
    known = {MARKER, socket.gethostname(), str(Path.home()), f"/{getpass.getuser()}/"}
    planted = {name for name in known if len(name) >= 5}  # a shorter one is in any megabyte of pictures by chance
    stored = [
        file.read_bytes() for file in caught.store.rglob("*") if file.is_file() and file.suffix in (".mcap", ".parquet")
    ]
    assert len(stored) > 10
    for name in planted:
        assert name.encode() not in caught.sent
        assert not any(name.encode() in each for each in stored)


def test_pictures_carry_nothing_but_a_picture(caught: Caught) -> None:
    """No EXIF, no comment: the segments of a JPEG that could say who took it, and where."""
    for file in sorted((caught.store / "clips").glob("*.mcap"))[:20]:
        for picture in Clip.read(file).pictures:
            assert segments(picture) <= {"APP0", "DQT", "SOF", "DHT", "SOS"}


def segments(jpeg: bytes) -> set[str]:
    """The sorts of segments before the picture's data."""
    names: dict[int, str] = {0xE0: "APP0", 0xDB: "DQT", 0xC0: "SOF", 0xC4: "DHT", 0xDA: "SOS"}
    found, at = set[str](), 2
    while "SOS" not in found:
        assert jpeg[at] == 0xFF
        found.add(names.get(jpeg[at + 1], hex(jpeg[at + 1])))
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return found


def test_what_may_be_said_of_a_car_is_a_list(caught: Caught) -> None:
    """Clips say what the tables and the page of the wire list, and nothing else of a car."""
    allowed: dict[str, set[Any]] = {
        "signals": set(TABLES["signals"].columns),
        "poses": {"x_m", "y_m", "heading_deg", "latitude", "longitude"},
    }
    for file in sorted((caught.store / "clips").glob("*.mcap"))[:5]:
        clip = Clip.read(file)
        assert set(clip.signals) <= allowed["signals"]
        assert all(set(pose) <= allowed["poses"] for pose in clip.poses)
