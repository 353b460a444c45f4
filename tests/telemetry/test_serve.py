import contextlib
import fcntl
import re
import resource
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_samples import RUN, SERVER, Server, a_clip, a_server, every_message, server_program, some_fires

from telemetry import Gateway, open_run, serve
from telemetry.errors import BadAddress, PortInUse, StoreLocked, StoreUnwritable, WaitTimeout

KILLS = 12
BATCHES = 240


def test_killed_at_any_moment_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Kills fall at moments a hash picks: while receiving, syncing, compacting, starting."""
    store = tmp_path / "store"
    server = Server(store)
    endpoint, kills, acknowledged = server.endpoint, 0, []
    with Gateway(endpoint, run=RUN, sender="test", window_bytes=400_000) as gateway:
        for i in range(BATCHES):
            gateway.send_rows("fires", f"b{i}", some_fires(3 * i))
            gateway.send_clip(a_clip(f"c{i}", picture=bytes([i]) * 5_000))
            if kills < KILLS and i % (BATCHES // KILLS) == (7 * kills) % 20:
                with contextlib.suppress(WaitTimeout):
                    gateway.flush(0.05 * (kills % 4))
                acknowledged += gateway.take_acknowledged()
                server.kill()
                kills += 1
                server = Server(store, endpoint)
        gateway.flush()
        acknowledged += gateway.take_acknowledged()
    assert server.stop() == 0
    assert kills >= 10
    assert sorted(acknowledged) == sorted(f"{kind}{i}" for kind in "bc" for i in range(BATCHES))
    run = open_run(store)
    assert run.sql("SELECT count(*), count(DISTINCT car) FROM fires").fetchall() == [(3 * BATCHES, 3 * BATCHES)]
    assert run.sql("SELECT count(*), count(DISTINCT clip) FROM clips").fetchall() == [(BATCHES, BATCHES)]
    assert len(list((store / "clips").glob("*.mcap"))) == BATCHES


ACKED_THEN_KILLED = """
import os, signal, sys
from wire_samples import RUN, some_fires
from telemetry import Gateway
gateway = Gateway(sys.argv[1], run=RUN, sender="test")
i = 0
while True:
    gateway.send_rows("fires", str(i), some_fires(i, 1))
    gateway.drain()
    for name in gateway.take_acknowledged():
        print("acknowledged", name, flush=True)
    i += 1
"""


def test_what_was_acknowledged_is_there_when_both_ends_are_killed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with a_server(store) as server:
        command = [sys.executable, "-c", ACKED_THEN_KILLED, server.endpoint]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent) as car_side:
            assert car_side.stdout
            lines = [car_side.stdout.readline() for _ in range(25)]
            server.kill()
            car_side.kill()
            lines += car_side.stdout.read().splitlines()
    with a_server(store) as server:
        assert server.stop() == 0
    acknowledged = {int(line.split()[1]) for line in lines if line.startswith("acknowledged ")}
    kept = {car for (car,) in open_run(store).sql("SELECT car FROM fires").fetchall()}
    assert len(acknowledged) >= 25
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 1


def test_it_stops_cleanly_with_all_in_the_tables(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server:
        with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
            gateway.send_clip(a_clip())
            gateway.drain()
        assert server.stop() == 0
    assert open_run(tmp_path / "store").sql("SELECT clip FROM clips").fetchall() == [("7-100-surprise",)]
    assert list((tmp_path / "store/inbox/segments").iterdir()) == []


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUse, match="choose another port"):
            serve(tmp_path, f"tcp://127.0.0.1:{taken.getsockname()[1]}")


def test_a_port_in_use_is_an_error_for_the_counters_too(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUse):
            serve(tmp_path, "tcp://127.0.0.1:0", metrics_port=taken.getsockname()[1])


def test_an_address_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match="it looks like tcp://"):
        serve(tmp_path, "localhost")


def test_a_store_that_is_served_already_is_an_error(tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server, pytest.raises(StoreLocked, match=str(server.process.pid)):
        serve(tmp_path / "store", "tcp://127.0.0.1:0")


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable, match="cannot write the store"):
        serve(tmp_path / "file", "tcp://127.0.0.1:0")


WITH_PARENT = """
import subprocess, sys
child = "import sys; from pathlib import Path; from telemetry import serve; " \\
    "serve(Path(sys.argv[1]), 'tcp://127.0.0.1:0', ready=lambda _: print('up', flush=True), with_parent=True)"
server = subprocess.Popen([sys.executable, "-c", child, sys.argv[1]], stdout=subprocess.PIPE, text=True)
while "up" != server.stdout.readline().strip():
    pass
"""


def test_it_can_end_with_its_parent(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", WITH_PARENT, str(tmp_path / "store")], check=True, stderr=subprocess.PIPE)
    with (tmp_path / "store/inbox/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits until the server has gone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("hostile") / "store") as server:
        yield server


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=5), min_size=1, max_size=5), st.data())
def test_no_rubbish_stops_the_server(server: Server, messages: list[list[bytes]], data: st.DataObject) -> None:
    whole = list(every_message().values())
    picked = data.draw(st.lists(st.sampled_from(whole), max_size=3))
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.LINGER, 2_000)
    dealer.connect(server.endpoint)
    for frames in [*messages, *(frames[:-1] or [b""] for frames in picked), *([*frames, b"x"] for frames in picked)]:
        dealer.send_multipart(frames)
    dealer.close()
    context.term()
    assert server.process.poll() is None


def test_after_all_that_an_honest_car_is_served(server: Server) -> None:
    raw = socket.create_connection(("127.0.0.1", int(server.endpoint.rsplit(":", 1)[1])))
    raw.sendall(bytes(range(256)) * 40)
    with Gateway(server.endpoint, run="honest", sender="test") as gateway:
        gateway.send_rows("fires", "a", some_fires())
        gateway.flush()
        assert gateway.take_acknowledged() == ["a"]
    raw.close()


def test_a_frame_over_the_limit_cuts_off_that_peer_only(server: Server) -> None:
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    monitor = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    dealer.connect(server.endpoint)
    dealer.send(bytes(17 * 2**20))
    assert monitor.poll(120_000)
    dealer.disable_monitor()
    context.destroy(linger=0)
    with Gateway(server.endpoint, run="honest", sender="test") as gateway:
        gateway.send_rows("fires", "b", some_fires())
        gateway.drain()


def test_its_counters_can_be_read_over_http(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", program=server_program("metrics_port=0"))
    (port,) = re.findall(r"metrics_exposed.*?port\D*=\D*?(\d+)", server.log.read_text())
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        gateway.send_rows("fires", "a", some_fires())
        gateway.flush()
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        gateway.send_rows("fires", "a", some_fires())
        gateway.drain()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        text = page.read().decode()
    server.kill()
    assert "outrider_acknowledged_total 1.0" in text
    assert "outrider_duplicates_total 1.0" in text
    assert "outrider_waiting 0.0" in text
    assert "outrider_compaction_waits 0.0" in text
    assert "outrider_behind_seconds 0.0" in text


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
from pathlib import Path
import structlog
from telemetry import serve
structlog.configure(logger_factory=structlog.PrintLoggerFactory(open("/dev/null", "w")))
serve(Path(sys.argv[1]), sys.argv[2], ready=lambda endpoint: print(endpoint, flush=True))
"""


def test_a_full_disk_makes_the_car_side_wait_and_loses_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", program=FULL)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        gateway.send_clip(a_clip("big", picture=bytes(150_000)))
        gateway.send_rows("fires", "a", some_fires())
        waited: list[int] = []

        def make_room(waiting: int) -> None:
            waited.append(waiting)
            server.leave(resource.RLIM_INFINITY)

        gateway.drain(on_wait=make_room)
        gateway.flush()
        assert waited
        assert sorted(gateway.take_acknowledged()) == ["a", "big"]
    assert server.stop() == 0
    assert open_run(tmp_path / "store").sql("SELECT count(*) FROM clips").fetchall() == [(1,)]


LISTED = """
import atexit, os, sys
process = os.getpid()
atexit.register(lambda: os.getpid() == process and print("LOADED", *sys.modules, file=sys.stderr))
"""


def test_the_process_that_collects_knows_nothing_of_tables(tmp_path: Path) -> None:
    """Though all that came in is in them."""
    server = Server(tmp_path / "store", program=LISTED + SERVER)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        gateway.send_rows("fires", "a", some_fires())
        gateway.send_clip(a_clip())
        gateway.flush()
    assert server.stop() == 0
    loaded = set(server.log.read_text().rpartition("LOADED")[2].split())
    assert "telemetry.collector" in loaded
    assert not loaded & {"pyarrow", "deltalake", "duckdb", "pandas", "mcap", "telemetry.store"}
    assert open_run(tmp_path / "store").sql("SELECT count(*) FROM fires").fetchall() == [(3,)]
