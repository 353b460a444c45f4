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
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import zmq

from telemetry import Clip, Gateway, KeyFile, Keys
from telemetry.codec import PREFIX_BYTES, decode, encode, encode_clip, encode_rows
from telemetry.messages import Ack, ClipUpload, Rows, clip_message_id, rows_message_id

ROUNDS = 5
SMALL, LARGE, BATCHED, FEW = 8_000, 1_000, 2_000, 300  # messages of 2 KB, 100 KB, 64 KB; of those for a slow broker
BARE_S = 0.3
CARS = 5_000
SOCKETS = 4
SERVER = """
import sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(open("/dev/null", "w")))
from telemetry.collector import Collector
from telemetry.intake import Intake
from telemetry.keys import Keys
from telemetry.ledger import Ledger, Outcome
from telemetry.metrics import Metrics
class Forgetful:
    def append(self, group): return [Outcome.STORED] * len(group)
    def known(self, message_id): return None
    def pieces(self, last): return None
    def forget_pieces(self, owner, whole): return None
folder = Path(sys.argv[1])
keeper = Ledger(folder / sys.argv[2]) if sys.argv[2] != "memory" else Forgetful()
keys = Keys.found(folder / "keys") if sys.argv[2] != "plain" else None
collector = Collector(Intake(keeper, Metrics()), "", "tcp://127.0.0.1:0", lambda *_: None, keys)
print(collector.endpoint, flush=True)
while True:
    collector.socket.poll(200)
    while collector.step():
        pass
    collector.look()
"""


_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True)
class Load:
    """Messages to send, and how many may be under way."""

    messages: Sequence[Sequence[bytes]]
    under_way: int
    records: int = 1


class Ours:
    """A server process: "durable", "memory" (no disk) or "plain" (no keys)."""

    def __init__(self, folder: Path, kind: str, key: KeyFile | None) -> None:
        command = [sys.executable, "-c", SERVER, str(folder), kind]
        key = key if kind != "plain" else None
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout  # noqa: S101
        endpoint = self.process.stdout.readline().strip()
        self._context = zmq.Context()
        self._dealers = [_dealer(self._context, endpoint, key) for _ in range(SOCKETS)]

    def rate(self, load: Load) -> float:
        """Messages a second, from the first sent to the last acknowledged."""
        todo, done = iter(load.messages), 0
        poller = zmq.Poller()
        for dealer in self._dealers:
            poller.register(dealer, zmq.POLLIN)
        began_s = time.perf_counter()
        for number, frames in enumerate(_first(todo, load.under_way)):
            _send(self._dealers[number % SOCKETS], frames)
        while done < len(load.messages):
            for dealer, _ in poller.poll(10_000):
                acknowledged = _acknowledged(dealer)
                done += acknowledged
                for frames in _first(todo, acknowledged):
                    _send(dealer, frames)
        return len(load.messages) / (time.perf_counter() - began_s)

    def latencies_ms(self, messages: Sequence[Sequence[bytes]], a_second: float) -> list[float]:
        """From when each message was due to be sent until it is acknowledged, sent at a steady pace."""
        dealer, waits = self._dealers[0], list[float]()
        due: dict[str, float] = {}
        began_s = time.perf_counter()
        for number, frames in enumerate(messages):
            at_s = began_s + number / a_second
            while (left := at_s - time.perf_counter()) > 0:
                if dealer.poll(max(1, int(left * 1000))):
                    waits += _waits_ms(dealer, due)
            due[decode(frames)[0].id] = at_s  # type: ignore[union-attr]
            dealer.send_multipart(frames)
        while len(waits) < len(messages) and dealer.poll(10_000):
            waits += _waits_ms(dealer, due)
        return waits

    def resident_mb(self) -> float:
        """Of the server process."""
        return _resident_mb(self.process.pid)

    def close(self) -> None:
        """Kill it."""
        self._context.destroy(linger=0)
        self.process.kill()
        self.process.wait()


class Raw:
    """A broker in plain text: four connections, each with its share of messages under way."""

    def __init__(self, port: int, hello: bytes, answer: Callable[[bytes], int]) -> None:
        self._answer = answer
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(SOCKETS)]
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hello:
                each.sendall(hello)
                each.recv(4)

    def rate(self, messages: Sequence[bytes], under_way: int, answer_bytes: int | None) -> float:
        """Messages answered a second; answer_bytes: of one answer, None where a line ends it."""
        todo, done = iter(messages), 0
        poller = zmq.Poller()
        left = dict.fromkeys((each.fileno() for each in self._sockets), 0)
        began_s = time.perf_counter()
        for number, message in enumerate(_first(todo, under_way)):
            self._sockets[number % SOCKETS].sendall(message)
        by_fd = {each.fileno(): each for each in self._sockets}
        for fd in by_fd:
            poller.register(fd, zmq.POLLIN)
        while done < len(messages):
            for fd, _ in poller.poll(10_000):
                got = by_fd[fd].recv(1 << 16)
                if answer_bytes is None:
                    answered = self._answer(got)
                else:
                    answered, left[fd] = divmod(left[fd] + len(got), answer_bytes)
                done += answered
                for message in _first(todo, answered):
                    by_fd[fd].sendall(message)
        return len(messages) / (time.perf_counter() - began_s)

    def close(self) -> None:
        """Hang up."""
        for each in self._sockets:
            each.close()


def rows_2kb(count: int, first: int, name: str) -> list[list[bytes]]:
    """Batches of 28 fires, about 2 KB each, of many cars."""
    some = [encode_rows("bench", "fires", f"{name} {i}", _fires(first + i, 28)) for i in range(min(count, 200))]
    return list(_named(some, count, name))


def rows_64kb(count: int, name: str) -> list[list[bytes]]:
    """The records of 32 such batches in one frame."""
    return list(
        _named([encode_rows("bench", "fires", f"{name} {i}", _fires(i, 28 * 32)) for i in range(8)], count, name)
    )


def clips_100kb(count: int, name: str) -> list[list[bytes]]:
    """Two ticks of two cameras, 25 KB each picture."""
    return list(_named([encode_clip(_clip(f"{name} {i}", i)) for i in range(8)], count, name))


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
        ours = {kind: _closed(closing, Ours(folder, kind, key)) for kind in ("durable", "memory", "plain")}
        brokers = _brokers(closing, folder)
        rates: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for name, rate in _round(number, folder, ours, brokers).items():
                rates.setdefault(name, []).append(rate)
        waits = ours["durable"].latencies_ms(rows_2kb(2_000, 900_000, "late"), 500.0)
        plain = _plain(
            waits, sync_ms(folder), {"server_mb": ours["durable"].resident_mb(), "serve_mb": serve_mb(folder, key)}
        )
        figures = [*_ratios(rates), *plain]
    print(json.dumps({"figures": figures}))


def serve_mb(folder: Path, key: KeyFile) -> float:
    """Resident memory of an `outrider serve` that took messages of 5,000 cars and has them in its tables."""
    command = [sys.executable, "-c", "from fleet.cli.main import main; main()", "serve", "--json", "--store"]
    with subprocess.Popen(
        [*command, str(folder / "served"), "--keys", str(folder / "keys"), "--bind", "tcp://127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout  # noqa: S101
        endpoint = json.loads(process.stdout.readline())["endpoint"]
        with Gateway(endpoint, run="bench", sender="bench", key=key) as gateway:
            for number in range(CARS):
                gateway.send_rows("fires", str(number), _fires(number, 1))
            gateway.flush()
        found = _resident_mb(process.pid)
        process.terminate()
    return found


def _round(
    number: int, folder: Path, ours: dict[str, Ours], brokers: dict[str, Callable[[Sequence[bytes], int], float]]
) -> dict[str, float]:
    small = Load(rows_2kb(SMALL, number * SMALL, f"small-{number}"), 100)
    crowd = Load(rows_2kb(SMALL, number * SMALL, f"crowd-{number}"), CARS)
    found = _in_turn(number, "2kb", small, ours) | _in_turn(number, "5000", crowd, ours)
    large = Load(clips_100kb(LARGE, f"large-{number}"), 40)
    found |= _in_turn(number, "100kb", large, ours)
    found["bare 100kb"] = bare_rate(folder, large.messages, large.under_way)
    for broker, rate in brokers.items():
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


def _ratios(rates: dict[str, list[float]]) -> Iterator[dict[str, object]]:
    for figure, (ours, other, times, target, against) in _RATIOS.items():
        if other in rates:
            found = [times * a / b for a, b in zip(rates[ours], rates[other], strict=True)]
            yield _figure(figure, found, target, f"{against}; {statistics.median(rates[ours]):.0f} a second here")


def _plain(waits_ms: Sequence[float], a_sync_ms: float, sizes_mb: dict[str, float]) -> Iterator[dict[str, object]]:
    for name, share, limit in (("p50", 0.5, 3.0), ("p99", 0.99, 8.0)):
        wait_ms = float(np.quantile(waits_ms, share))
        yield _figure(f"latency_{name}_ms", [wait_ms], None, "none: this machine, now")
        yield _figure(f"latency_{name}_over_sync", [wait_ms / a_sync_ms], limit, f"a sync; {a_sync_ms:.2f} ms here")
    for name, found in sizes_mb.items():
        yield _figure(name, [found], 64.0, "none: a bound")


def _figure(name: str, found: Sequence[float], target: float | None, against: str) -> dict[str, object]:
    return {
        "bench": "wire", "figure": name, "value": round(statistics.median(found), 3), "target": target,
        "floor_or_rival": against, "runs": len(found), "low": round(min(found), 3), "high": round(max(found), 3),
    }  # fmt: skip


def _brokers(closing: contextlib.ExitStack, folder: Path) -> dict[str, Callable[[Sequence[bytes], int], float]]:
    found: dict[str, Callable[[Sequence[bytes], int], float]] = {}
    for name, begin in (("redis", _redis), ("mosquitto", _mosquitto)):
        if shutil.which(f"{name}-server") or shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"):
            found[name] = begin(closing, folder)
    return found


def _redis(closing: contextlib.ExitStack, folder: Path) -> Callable[[Sequence[bytes], int], float]:
    port = _free_port()
    options = ["--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    _started(closing, ["redis-server", *options, "--save", "", "--bind", "127.0.0.1"], port)
    raw = Raw(port, b"", lambda got: got.count(b"$"))
    closing.callback(raw.close)

    def rate(bodies: Sequence[bytes], under_way: int) -> float:
        return raw.rate([_resp(b"XADD", b"s", b"*", b"b", body) for body in bodies], under_way, None)

    return rate


def _mosquitto(closing: contextlib.ExitStack, folder: Path) -> Callable[[Sequence[bytes], int], float]:
    port, settings = _free_port(), folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n"
    )
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
    _started(closing, [program, "-c", str(settings)], port)
    # a subscriber with a session that is away, so that the broker has something to keep
    away = socket.create_connection(("127.0.0.1", port))
    away.sendall(_connect(b"away", clean=False))
    away.recv(4)
    away.sendall(b"\x82\x06\x00\x01\x00\x01t\x01")
    away.recv(5)
    away.close()
    raw = Raw(port, _connect(b"", clean=True), lambda _: 0)
    closing.callback(raw.close)

    def rate(bodies: Sequence[bytes], under_way: int) -> float:
        return raw.rate([_publish(1 + i % 65_000, body) for i, body in enumerate(bodies)], under_way, 4)

    return rate


def _connect(name: bytes, *, clean: bool) -> bytes:
    body = b"\x00\x04MQTT\x04" + (b"\x02" if clean else b"\x00") + b"\x00\x00" + struct.pack(">H", len(name)) + name
    return b"\x10" + _varint(len(body)) + body


def _publish(number: int, body: bytes) -> bytes:
    rest = b"\x00\x01t" + struct.pack(">H", number) + body
    return b"\x32" + _varint(len(rest)) + rest


def _varint(size: int) -> bytes:
    out = b""
    while True:
        size, low = divmod(size, 128)
        out += bytes([low | (128 if size else 0)])
        if not size:
            return out


def _resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _started(closing: contextlib.ExitStack, command: Sequence[str], port: int) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    closing.callback(process.wait)
    closing.callback(process.kill)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _dealer(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, key: KeyFile | None) -> "zmq.Socket[bytes]":
    dealer = context.socket(zmq.DEALER)
    if key:
        dealer.curve_serverkey = (key.server or "").encode()
        dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
    dealer.setsockopt(zmq.SNDHWM, 10_000)
    dealer.connect(endpoint)
    return dealer


def _send(dealer: "zmq.Socket[bytes]", frames: Sequence[bytes]) -> None:
    for frame in frames[:-1]:
        dealer.send(frame, zmq.SNDMORE)
    dealer.send(frames[-1])


_ACK = encode(Ack(ids=["x"]))[0][PREFIX_BYTES:-3]
"""How the head of an acknowledgement begins; behind it stands how many ids follow."""


def _acknowledged(dealer: "zmq.Socket[bytes]") -> int:
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


def _waits_ms(dealer: "zmq.Socket[bytes]", due: dict[str, float]) -> list[float]:
    waits = []
    with contextlib.suppress(zmq.Again):
        while True:
            answer, _ = decode(dealer.recv_multipart(zmq.NOBLOCK))
            now_s = time.perf_counter()
            waits += [1000 * (now_s - due.pop(each)) for each in getattr(answer, "ids", [])]
    return waits


def _first(todo: Iterator[_Message], count: int) -> Iterator[_Message]:
    """So many more, or what is left."""
    return itertools.islice(todo, count)


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _closed(closing: contextlib.ExitStack, ours: Ours) -> Ours:
    closing.callback(ours.close)
    return ours


def _fires(seed: int, count: int) -> dict[str, Any]:
    car = (np.arange(count, dtype=np.int64) * 7 + seed * 31) % CARS
    return {
        "car": car, "t_us": car * 100_000 + seed, "tick": car, "trigger": ["caution_light"] * count,
        "version": np.ones(count, np.int64), "score": (car % 97) / 97.0, "clip": [f"{each:06}-{seed}" for each in car],
    }  # fmt: skip


def _clip(name: str, seed: int) -> Clip:
    picture = np.arange(seed, seed + 25_000, dtype=np.int64) * 2_654_435_761 % 251
    return Clip(
        id=name, run="bench", car=seed % CARS, tick=seed, t_us=seed, trigger="caution_light", version=1, score=0.5,
        priority=20, ticks=(1, 2), cameras=("main", "rear"), frames=[[picture.astype(np.uint8).tobytes()] * 2] * 2,
        calibration=[{}, {}], poses=[{}, {}], signals={}, percepts={}, shadows={}, complete=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
