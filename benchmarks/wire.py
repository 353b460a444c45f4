"""What durability costs the collection server, and how brokers do that people bet on; one line of JSON.

A real server process with keys (CURVE), fed by raw sockets that keep a number of messages under way; everything of one
figure is measured in turns within this run, five times, and the median of the paired ratios counts:

- `durable_over_memory_*`: acknowledged a second, over the same server with a keeper that forgets instead of a disk; 100
  messages of 2 KB under way, 40 of 100 KB, or 5,000 of 2 KB;
- `*_over_bare_*`: against nothing but appending the same bytes to a file, one fdatasync for as many messages as are
  under way;
- `batched_over_single_records`: records a second in frames of 32 against frames of one;
- `over_redis_*`: against XADD on a redis with `appendfsync always`, `over_mosquitto_*`: against QoS 1 on a mosquitto
  with `autosave_on_changes 1`, each in plain text over four connections; only where they are installed;
- `memory_over_bare_*`, `plain_over_redis_*`: what the wire alone leaves of the disk, and what encryption costs;
- `latency_*_ms`: of 500 messages of 2 KB a second, counted from when each was due to be sent; `latency_*_over_sync`:
  in fdatasyncs of 2 KB, of which the median is taken right after it;
- `server_mb`: resident memory of that server after messages of 5,000 cars, `serve_mb`: of an `outrider serve` that has
  brought them into its tables, without the process that does so.

All messages are made before the clock starts, and the clock runs for at least a third of a second or so on a machine
that does 25,000 messages of 2 KB a second. Answers are only counted, as a broker's are.
"""

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import zmq

from fleet.measured import Figure, told
from instruments.brokers import Rate, brokers
from instruments.cars import Dealer, a_clip, a_dealer, fires, waits_ms
from instruments.process import resident_mb
from instruments.serving import serving
from telemetry import Gateway, KeyFile, Keys
from telemetry.codec import PREFIX_BYTES, decode, encode, encode_clip, encode_rows
from telemetry.messages import Ack, ClipUpload, Rows, clip_message_id, rows_message_id

RUN = "bench"
ROUNDS = 5
SMALL, LARGE, BATCHED, FEW = 8_000, 1_000, 2_000, 300  # messages of 2 KB, 100 KB, 64 KB; of those for a slow broker
BARE_S = 0.3
CARS = 5_000
SOCKETS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """Messages to send, and how many may be under way."""

    messages: Sequence[Sequence[bytes]]
    under_way: int


class Ours:
    """A server process: "durable", "memory" (no disk) or "plain" (no keys)."""

    def __init__(self, folder: Path, kind: str, key: KeyFile) -> None:
        command = [sys.executable, "-m", "instruments.bare_server", str(folder), kind]
        here = Path(__file__).parent
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here)
        assert self.process.stdout  # noqa: S101
        endpoint, own = self.process.stdout.readline().strip(), None if kind == "plain" else key
        self._context = zmq.Context()
        self.dealers = [a_dealer(self._context, endpoint, own, {zmq.SNDHWM: 10_000}) for _ in range(SOCKETS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)
        self.process.kill()
        self.process.wait()

    def rate(self, load: Load) -> float:
        """Messages a second, from the first sent to the last acknowledged."""
        todo, done = iter(load.messages), 0
        poller = zmq.Poller()
        for dealer in self.dealers:
            poller.register(dealer, zmq.POLLIN)
        began_s = time.perf_counter()
        for number, frames in enumerate(itertools.islice(todo, load.under_way)):
            _send(self.dealers[number % SOCKETS], frames)
        while done < len(load.messages):
            for dealer, _ in poller.poll(10_000):
                acknowledged = _acknowledged(dealer)
                done += acknowledged
                for frames in itertools.islice(todo, acknowledged):
                    _send(dealer, frames)
        return len(load.messages) / (time.perf_counter() - began_s)


def rows_2kb(count: int, first: int, name: str) -> list[list[bytes]]:
    """Batches of 28 fires, about 2 KB each, of many cars."""
    some = [encode_rows(RUN, "fires", f"{name} {i}", _fires(first + i, 28)) for i in range(min(count, 200))]
    return list(_named(some, count, name))


def rows_64kb(count: int, name: str) -> list[list[bytes]]:
    """The records of 32 such batches in one frame."""
    some = [encode_rows(RUN, "fires", f"{name} {i}", _fires(i, 28 * 32)) for i in range(8)]
    return list(_named(some, count, name))


def clips_100kb(count: int, name: str) -> list[list[bytes]]:
    """Two ticks of two cameras, 25 KB each picture."""
    return list(_named([encode_clip(a_clip(RUN, f"{name} {i}", i, i, 100_000)) for i in range(8)], count, name))


def _named(some: Sequence[Sequence[bytes]], count: int, name: str) -> Iterator[list[bytes]]:
    """So many messages, each under a name of its own, with the contents of some in turn."""
    known = [decode(frames) for frames in some]
    for number in range(count):
        message, _ = known[number % len(known)]
        parts, new = some[number % len(some)][1:], f"{name}-{number}"
        if isinstance(message, Rows):
            message_id = rows_message_id(message.run, message.table, new)
            yield encode(msgspec.structs.replace(message, batch=new, id=message_id), parts)
        elif isinstance(message, ClipUpload):
            message_id = clip_message_id(message.run, new)
            yield encode(msgspec.structs.replace(message, clip=new, id=message_id), parts)


def bare_rate(folder: Path, messages: Sequence[Sequence[bytes]], group: int) -> float:
    """Appends a second, with one fdatasync for each group; over and over until it was long enough."""
    raws = [b"".join(frames) for frames in messages]
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    began_s, done = time.perf_counter(), 0
    for start in itertools.cycle(range(0, len(raws), group)):
        some = raws[start : start + group]
        os.write(fd, b"".join(some))
        os.fdatasync(fd)
        done += len(some)
        if done >= len(raws) and time.perf_counter() - began_s > BARE_S:
            break
    rate = done / (time.perf_counter() - began_s)
    os.close(fd)
    return rate


def sync_ms(folder: Path, times: int = 200) -> float:
    """Median of appending 2 KB and bringing it to the disk."""
    fd = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    took_s = []
    for _ in range(times):
        os.write(fd, bytes(2_000))
        began_s = time.perf_counter()
        os.fdatasync(fd)
        took_s.append(time.perf_counter() - began_s)
    os.close(fd)
    return 1000 * statistics.median(took_s)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place, contextlib.ExitStack() as closing:
        folder = Path(place)
        key = Keys.made(folder / "keys").enrol("bench", "all")
        ours = {kind: closing.enter_context(Ours(folder, kind, key)) for kind in ("durable", "memory", "plain")}
        rivals = brokers(closing, folder)
        rates: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for name, rate in _round(number, folder, ours, rivals).items():
                rates.setdefault(name, []).append(rate)
        waits = waits_ms(ours["durable"].dealers[:1], rows_2kb(2_000, 900_000, "late"), 500.0)
        a_sync_ms = sync_ms(folder)
        sizes_mb = {"server_mb": resident_mb(ours["durable"].process.pid), "serve_mb": serve_mb(folder, key)}
        figures = [*_ratios(rates), *_plain(waits, a_sync_ms, sizes_mb)]
    print(json.dumps(told("wire", figures)))


def serve_mb(folder: Path, key: KeyFile) -> float:
    """Resident memory of an `outrider serve` that took messages of 5,000 cars and has them in its tables."""
    with serving(folder / "served", folder / "keys") as (server, endpoint):
        with Gateway(endpoint, run=RUN, sender="bench", key=key) as gateway:
            for number in range(CARS):
                gateway.send_rows("fires", str(number), _fires(number, 1))
            gateway.flush()
        found = resident_mb(server.pid)
        server.terminate()
        server.wait()
    return found


def _round(number: int, folder: Path, ours: Mapping[str, Ours], rivals: Mapping[str, Rate]) -> dict[str, float]:
    small = Load(rows_2kb(SMALL, number * SMALL, f"small-{number}"), 100)
    crowd = Load(rows_2kb(SMALL, number * SMALL, f"crowd-{number}"), CARS)
    found = _in_turn(number, "2kb", small, ours) | _in_turn(number, "5000", crowd, ours)
    large = Load(clips_100kb(LARGE, f"large-{number}"), 40)
    found |= _in_turn(number, "100kb", large, ours)
    found["bare 100kb"] = bare_rate(folder, large.messages, large.under_way)
    for broker, rate in rivals.items():
        few = FEW if broker == "mosquitto" else None
        found[f"{broker} 2kb"] = rate([frames[0] for frames in small.messages[:few]], small.under_way)
        found[f"{broker} 100kb"] = rate([b"".join(frames) for frames in large.messages[:few]], large.under_way)
    batched = Load(rows_64kb(BATCHED, f"batched-{number}"), 40)
    found |= _in_turn(number, "64kb", batched, ours)
    found["bare 64kb"] = bare_rate(folder, batched.messages[: BATCHED // 4], batched.under_way)
    return found


def _in_turn(number: int, size: str, load: Load, ours: dict[str, Ours]) -> dict[str, float]:
    """Our servers, another one first each time."""
    kinds = list(ours)
    first = number % len(kinds)
    return {f"{kind} {size}": ours[kind].rate(load) for kind in kinds[first:] + kinds[:first]}


_RATIOS = {
    "durable_over_memory_2kb": ("durable 2kb", "memory 2kb", 1, 0.60, "the same server without a disk"),
    "durable_over_memory_5000": ("durable 5000", "memory 5000", 1, 0.65, "the same server without a disk"),
    "durable_over_memory_100kb": ("durable 100kb", "memory 100kb", 1, 0.9, "the same server without a disk"),
    "batched_over_bare_64kb": ("durable 64kb", "bare 64kb", 1, 0.6, "append and one fdatasync a group"),
    "clips_over_bare_100kb": ("durable 100kb", "bare 100kb", 1, 0.6, "append and one fdatasync a group"),
    "batched_over_single_records": ("durable 64kb", "durable 2kb", 32, 3.0, "frames of one record"),
    "over_redis_2kb": ("durable 2kb", "redis 2kb", 1, 1.0, "redis XADD, appendfsync always"),
    "over_redis_100kb": ("durable 100kb", "redis 100kb", 1, 1.3, "redis XADD, appendfsync always"),
    "plain_over_redis_2kb": ("plain 2kb", "redis 2kb", 1, None, "the same redis, ours in plain text, too"),
    "plain_over_redis_100kb": ("plain 100kb", "redis 100kb", 1, None, "the same redis, ours in plain text, too"),
    "memory_over_bare_64kb": ("memory 64kb", "bare 64kb", 1, None, "append and one fdatasync a group"),
    "memory_over_bare_100kb": ("memory 100kb", "bare 100kb", 1, None, "append and one fdatasync a group"),
    "over_mosquitto_2kb": ("durable 2kb", "mosquitto 2kb", 1, 15.0, "mosquitto QoS 1, autosave_on_changes 1"),
    "over_mosquitto_100kb": ("durable 100kb", "mosquitto 100kb", 1, 10.0, "mosquitto QoS 1, autosave_on_changes 1"),
}


def _ratios(rates: dict[str, list[float]]) -> Iterator[Figure]:
    for figure, (ours, other, times, target, against) in _RATIOS.items():
        if other in rates:
            found = [times * a / b for a, b in zip(rates[ours], rates[other], strict=True)]
            yield Figure.of(figure, found, target, f"{against}; {statistics.median(rates[ours]):.0f} a second here")


def _plain(waits: Sequence[float], a_sync_ms: float, sizes_mb: dict[str, float]) -> Iterator[Figure]:
    for name, share, limit in (("p50", 0.5, 3.0), ("p99", 0.99, 8.0)):
        wait_ms = float(np.quantile(waits, share))
        yield Figure(f"latency_{name}_ms", wait_ms, None, "none: this machine, now")
        yield Figure(f"latency_{name}_over_sync", wait_ms / a_sync_ms, limit, f"a sync; {a_sync_ms:.2f} ms here")
    for name, found in sizes_mb.items():
        yield Figure(name, found, 64.0, "none: a bound")


def _send(dealer: Dealer, frames: Sequence[bytes]) -> None:
    for frame in frames[:-1]:
        dealer.send(frame, zmq.SNDMORE)
    dealer.send(frames[-1])


_ACK = encode(Ack(ids=["x"]))[0][PREFIX_BYTES:-3]
"""How the head of an acknowledgement begins; behind it stands how many ids follow."""


def _acknowledged(dealer: Dealer) -> int:
    """How many messages the answers that are there acknowledge."""
    count, begins, ends = 0, PREFIX_BYTES, PREFIX_BYTES + len(_ACK)
    with contextlib.suppress(zmq.Again):
        while True:
            answer = dealer.recv(zmq.NOBLOCK)
            if answer[begins:ends] != _ACK:
                raise TypeError(f"not acknowledged: {decode([answer])}")
            short = answer[ends] & 0xF
            count += short if answer[ends] != 0xDC else int.from_bytes(answer[ends + 1 : ends + 3])
    return count


def _fires(seed: int, count: int) -> dict[str, Any]:
    car = (np.arange(count, dtype=np.int64) * 7 + seed * 31) % CARS
    return fires(car, car, [f"{each:06}-{seed}" for each in car])


if __name__ == "__main__":
    main()
