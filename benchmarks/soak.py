"""A collection server under a fleet's steady load for half an hour: is it the same at the end as at the beginning?

`python benchmarks/soak.py [--minutes 30] [--cars 5000] [--every-s 60]`. A real `outrider serve` with keys; five
gateways, each with a key for its share of the cars. Every car sends three rows each `--every-s` seconds, and every 20th
of these messages is followed by a clip of 30 KB. Every five seconds the server's memory and what waits for the tables
is noted. At the end the tables are counted against what was acknowledged. Progress on standard error, one line of JSON.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fleet.measured import Figure, told
from instruments.cars import a_clip, fires
from instruments.process import children_of, resident_mb
from instruments.serving import serving
from telemetry import Gateway, KeyFile, Keys, open_run, status_of

RUN = "soak"
GATEWAYS = 5
BURST_S = 0.25
SAMPLE_S = 5.0
TELL_S = 60.0
ROWS_A_MESSAGE = 3
MESSAGES_A_CLIP = 20
CLIP_BYTES = 30_000
LAG_S = 10.0  # the compactor looks every two seconds; so long after the last message nothing may wait


@dataclass
class Notes:
    """What was seen of the server: time since the start in seconds, memory in MB, messages not yet in the tables."""

    at_s: list[float] = field(default_factory=list)
    server_mb: list[float] = field(default_factory=list)
    others_mb: list[float] = field(default_factory=list)  # processes that the server started
    lag: list[int] = field(default_factory=list)

    def look(self, at_s: float, pid: int, store: Path) -> None:
        """Note how things stand."""
        self.at_s.append(at_s)
        self.server_mb.append(resident_mb(pid))
        self.others_mb.append(sum(resident_mb(child) for child in children_of(pid)))
        self.lag.append(status_of(store).lag)

    def slope_mb_per_h(self, megabytes: Sequence[float]) -> float:
        """How fast memory grew after the first third, in which buffers and caches fill (least squares)."""
        later = [(at, mb) for at, mb in zip(self.at_s, megabytes, strict=True) if at >= self.at_s[-1] / 3]
        return float(np.polyfit(*zip(*later, strict=True), 1)[0]) * 3600 if len(later) > 2 else 0.0


class Fleet:
    """All cars, dealt to a handful of gateways."""

    def __init__(self, endpoint: str, keys: Sequence[KeyFile], cars: int) -> None:
        self._cars, self._sent = cars, 0
        self._share = cars // len(keys)
        self._gateways = [Gateway(endpoint, run=RUN, sender="soak", key=key, connect_timeout_s=60) for key in keys]
        self.batches, self.clips = 0, 0  # acknowledged

    def send(self, messages: int) -> None:
        """So many cars more send their rows, and a few of them a clip."""
        for number in range(self._sent, self._sent + messages):
            car = number % self._cars
            gateway = self._gateways[car // self._share]
            gateway.send_rows("fires", f"b{number}", _rows(car, number))
            if number % MESSAGES_A_CLIP == 0:
                gateway.send_clip(a_clip(RUN, f"c{number}", car, number, CLIP_BYTES))
        self._sent += messages
        self.hear()

    def hear(self) -> None:
        """Take note of what was acknowledged."""
        names = [name for gateway in self._gateways for name in gateway.take_acknowledged()]
        self.clips += sum(name.startswith("c") for name in names)
        self.batches += sum(name.startswith("b") for name in names)

    def close(self) -> None:
        """Wait until everything is acknowledged, and hang up."""
        for gateway in self._gateways:
            gateway.drain(600)
        self.hear()
        for gateway in self._gateways:
            gateway.close()


def soak(folder: Path, minutes: float, cars: int, every_s: float) -> list[Figure]:
    """Load a server for so long; the figures."""
    store, register, share = folder / "store", Keys.made(folder / "keys"), cars // GATEWAYS
    keys = [register.enrol(f"gateway-{i}", f"{i * share}-{(i + 1) * share - 1}") for i in range(GATEWAYS)]
    with serving(store, folder / "keys") as (server, endpoint):
        fleet = Fleet(endpoint, keys, cars)
        notes, took_s = _drive(fleet, server.pid, store, minutes * 60, cars / every_s)
        fleet.close()
        lag = _lag_after(store, LAG_S)
        server.send_signal(signal.SIGTERM)
        code = server.wait(600)
    return _figures(notes, lag, code, (fleet.batches + fleet.clips) / took_s, _difference(store, fleet))


def main() -> None:
    """Soak and print; exit code 1 where something was lost, doubled or left over."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--cars", type=int, default=5_000, help="a multiple of 5")
    options.add_argument("--every-s", type=float, default=60.0, help="seconds between two messages of a car")
    options.add_argument("--quick", action="store_true", help="half a minute")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        figures = soak(Path(place), 0.5 if given.quick else given.minutes, given.cars, given.every_s)
    print(json.dumps(told("soak", figures)))
    exact = ("lost", "doubled", "lag_at_the_end", "exit_code")
    sys.exit(any(each.value for each in figures if each.figure in exact))


def _drive(fleet: Fleet, pid: int, store: Path, limit_s: float, a_second: float) -> tuple[Notes, float]:
    """Send at an even pace, and look every now and then."""
    notes, sent, told_s = Notes(), 0, 0.0
    began_s = time.monotonic()
    while (now_s := time.monotonic() - began_s) < limit_s or not notes.at_s:
        due = int(now_s * a_second) - sent
        fleet.send(due)
        sent += due
        if now_s >= (notes.at_s[-1] + SAMPLE_S if notes.at_s else SAMPLE_S):
            notes.look(now_s, pid, store)
        if now_s >= told_s and notes.at_s:
            told_s = now_s + TELL_S
            _tell(notes, fleet)
        time.sleep(BURST_S)
    notes.look(time.monotonic() - began_s, pid, store)
    return notes, time.monotonic() - began_s


def _tell(notes: Notes, fleet: Fleet) -> None:
    memory = f"server {notes.server_mb[-1]:.1f} MB, its processes {notes.others_mb[-1]:.1f} MB"
    print(
        f"{notes.at_s[-1]:6.0f} s: {fleet.batches + fleet.clips} acknowledged, lag {notes.lag[-1]}, {memory}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def _lag_after(store: Path, limit_s: float) -> int:
    """What still waits for the tables so long after the last message."""
    end_s = time.monotonic() + limit_s
    while (lag := status_of(store).lag) and time.monotonic() < end_s:
        time.sleep(BURST_S)
    return lag


def _difference(store: Path, fleet: Fleet) -> tuple[int, int]:
    """How many rows and clips are missing, and how many are there twice."""
    run = open_run(store)
    ((fires, distinct),) = run.sql("SELECT count(*), count(DISTINCT clip) FROM fires").fetchall()
    ((clips, different),) = run.sql("SELECT count(*), count(DISTINCT clip) FROM clips").fetchall()
    lost = ROWS_A_MESSAGE * fleet.batches - distinct + fleet.clips - different
    return int(lost), int(fires - distinct + clips - different)


def _figures(notes: Notes, lag: int, code: int, a_second: float, lost_doubled: tuple[int, int]) -> list[Figure]:
    halves = [notes.server_mb[: len(notes.server_mb) // 2], notes.server_mb[len(notes.server_mb) // 2 :]]
    second_over_first = statistics.median(halves[1]) / statistics.median(halves[0])
    later = "least squares after the first third"
    return [
        Figure("minutes", notes.at_s[-1] / 60, None, "how long"),
        Figure("acknowledged_per_s", a_second, None, "what was sent, at an even pace"),
        Figure("server_mb", max(notes.server_mb), 64.0, "a bound"),
        Figure("server_second_over_first_half", second_over_first, 1.1, "medians of its memory"),
        Figure("server_mb_per_h", notes.slope_mb_per_h(notes.server_mb), None, later),
        Figure("its_processes_mb", max(notes.others_mb), None, "what the server started"),
        Figure("its_processes_mb_per_h", notes.slope_mb_per_h(notes.others_mb), None, later),
        Figure("most_lag", max(notes.lag), None, "messages not yet in the tables"),
        Figure("lag_at_the_end", lag, 0, f"{LAG_S:.0f} s after the last acknowledgement"),
        Figure("lost", lost_doubled[0], 0, "acknowledged, and not in the tables"),
        Figure("doubled", lost_doubled[1], 0, "in the tables more than once"),
        Figure("exit_code", code, 0, "after SIGTERM"),
    ]


def _rows(car: int, number: int) -> dict[str, Any]:
    tick = np.arange(ROWS_A_MESSAGE, dtype=np.int64) + number * ROWS_A_MESSAGE
    return fires(np.full(ROWS_A_MESSAGE, car, np.uint32), tick, [f"{car:06}-{each}" for each in tick])


if __name__ == "__main__":
    main()
