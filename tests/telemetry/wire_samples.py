"""Small real messages, and a real server in a process of its own."""

import contextlib
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.clip import Clip
from telemetry.codec import encode, encode_clip, encode_rows
from telemetry.messages import Ack, Flush, Flushed, Hello, Refused, Welcome
from telemetry.pieces import cut

RUN = "city"


def a_clip(name: str = "7-100-surprise", *, run: str = RUN, picture: bytes = b"\xff\xd8picture", **other: Any) -> Clip:
    """Two ticks of two cameras."""
    plain: dict[str, Any] = {
        "id": name, "run": run, "car": 7, "tick": 101, "t_us": 10_100_000, "trigger": "surprise", "version": 3,
        "score": 0.75, "priority": 20, "ticks": (100, 101), "cameras": ("main", "rear"),
        "frames": [[picture + b"0", picture + b"1"], [picture + b"2", b""]],
        "calibration": [{"name": "main", "fx": 55.5, "width": 96}, {"name": "rear", "fx": 55.5, "width": 96}],
        "poses": [{"x_m": 1.0, "y_m": -2.5}, {"x_m": 1.5, "y_m": -2.5}],
        "signals": {"Vehicle.Speed": [36.0, None], "Vehicle.IsMoving": [True, True]},
        "percepts": {"lead": [[0.5, 12.0], [0.25, 11.0]]},
        "shadows": {"candidate": {"lead": [[0.5, 12.5], [0.75, 11.5]]}},
        "complete": True,
    }  # fmt: skip
    return Clip(**(plain | other))


def some_fires(first: int = 0, count: int = 3) -> dict[str, Any]:
    """Rows of table `fires`, one a car."""
    cars = np.arange(first, first + count, dtype=np.uint32)
    return {
        "car": cars,
        "t_us": cars.astype(np.int64) * 100_000,
        "tick": cars,
        "trigger": ["surprise"] * count,
        "version": np.ones(count, np.int64),
        "score": np.linspace(0, 1, count),
        "clip": [f"{car}-0-surprise" for car in cars],
    }


def every_message() -> dict[str, list[bytes]]:
    """The frames of one message of each kind, and of a few that are special."""
    return {
        "hello": encode(Hello(sender="shard-0-5f1d", run=RUN, versions=[3, 3], loadout="main")),
        "welcome": encode(Welcome(store="/data/store", version=3, window_bytes=2**26)),
        "clip": encode_clip(a_clip()),
        "clip_with_maps": encode_clip(a_clip(top_down={"net": [b"\x89PNG0", b"\x89PNG1"], "tracker": [b"a", b"b"]})),
        "clip_without_ticks": encode_clip(a_clip(ticks=(), frames=[], poses=[], signals={}, percepts={}, shadows={})),
        "rows": encode_rows(RUN, "fires", "barrier-12", some_fires()),
        "rows_with_gaps": encode_rows(RUN, "fires", "b", some_fires() | {"score": [0.5, None, float("nan")]}),
        "rows_none": encode_rows(RUN, "fires", "empty", some_fires(0, 0)),
        "piece": [
            frame
            for _, frames in islice(cut("city/clip/long", [bytes(range(256)) * 1024 + b"end"]), 1, 2)
            for frame in frames
        ],
        "ack": encode(Ack(ids=["city/clip/7-100-surprise", "city/rows/fires/barrier-12"])),
        "refused": encode(
            Refused(id="city/clip/7-100-surprise", code="disk_full", says="no room", retry_after_ms=1000)
        ),
        "flush": encode(Flush(id="shard-0-5f1d-1")),
        "flushed": encode(Flushed(id="shard-0-5f1d-1")),
    }


def server_program(options: str = "") -> str:
    """The text of a program that serves the store it is told of, with more options of `serve`."""
    return f"""
import sys
from pathlib import Path
import structlog
import telemetry
from telemetry import serve
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
store = Path(sys.argv[1])
serve(store, sys.argv[2], ready=lambda endpoint: print(endpoint, flush=True), {options})
"""


SERVER = server_program()
LOCKED_SERVER = server_program(
    "keys=telemetry.Keys.found(store.parent / 'keys'), quota=telemetry.Quota(car_bytes=200_000)"
)
"""With the keys that lie beside the store, and 200 kB a day for each car."""


class Server:
    """`serve` in a process; `endpoint` is where it listens."""

    def __init__(self, store: Path, bind: str = "tcp://127.0.0.1:0", *, program: str = SERVER) -> None:
        self.log = store.parent / f"{store.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, str(store), bind], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout
        self.endpoint = self.process.stdout.readline().strip()

    @property
    def memory_bytes(self) -> int:
        """What the process has in memory; its children apart."""
        from instruments.process import resident_mb  # which a process that takes samples from here has not on its path

        return round(1e6 * resident_mb(self.process.pid))

    def children(self) -> list[int]:
        """Processes that it started."""
        from instruments.process import children_of

        return children_of(self.process.pid)

    def leave(self, room_bytes: int) -> None:
        """Let none of its files, or of those of a process that it started, grow beyond so much: its disk is full."""
        limit = (room_bytes, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)
        for child in self.children():  # those begun from now on have it from the server
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(child, resource.RLIMIT_FSIZE, limit)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        code = self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def a_server(store: Path, bind: str = "tcp://127.0.0.1:0") -> Iterator[Server]:
    """A server that is killed at the end, if nobody stopped it."""
    server = Server(store, bind)
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def by_hand(endpoint: str) -> Iterator[socket.socket]:
    """A peer that has shaken hands and says what one wants, for libzmq sends no message before its end; ZMTP 3.0."""
    with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), timeout=120) as peer:
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        peer.sendall(greeting + bytes([4, len(ready)]) + ready)
        yield peer


def assert_all_is_there_once(store: Path, messages: int) -> None:
    """Three rows and a clip for each message."""
    from telemetry import open_run

    run = open_run(store)
    assert run.sql("SELECT count(*), count(DISTINCT car) FROM fires").fetchall() == [(3 * messages, 3 * messages)]
    assert run.sql("SELECT count(*), count(DISTINCT clip) FROM clips").fetchall() == [(messages, messages)]
