"""What goes wrong around a collection server, many times over: what is lost, doubled, held up; one line of JSON.

`python benchmarks/faults.py [--quick] [NAME …]`, names of `FAULTS`. Real processes, sockets with keys, and SIGKILL at
moments that `scenarios.Draws` picks. The suite calls the same functions with small numbers.

- `server_killed`, `sender_killed`: SIGKILL again and again while a sender is busy with rows, clips and clips in pieces.
  The sender does as a run does: everything up to a barrier is acknowledged before the barrier's number is saved, and
  one that is started again begins at the barrier that was saved, with the same messages.
- `slow_reader`: a peer never reads its answers, while others go on; later it reads, and asks again.
- `flood`: one key goes on far beyond its quota as fast as it can, deaf to refusals, against the latency of others.
- `many_sockets`: a thousand connections with a key each, from one process.
- `half_open`: a sender that is stopped (SIGSTOP) is noticed by its missing heartbeats, and goes on when it wakes.
"""

import argparse
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import structlog
import zmq

import telemetry  # and neither open_run from it nor scenarios, which bring in much that a server has not
from telemetry import Clip, Gateway, KeyFile, Keys, Quota, serve, status_of
from telemetry.codec import decode, encode, encode_rows
from telemetry.messages import WIRE_VERSION, Ack, Hello, Welcome

RUN = "faults"
BARRIER = {"b": 16, "c": 3, "l": 1}  # a barrier's messages: batches of rows, clips, clips that go in pieces
ROWS = 3  # a batch
KILL_AFTER = 40  # acknowledgements at most; as many as a draw says
KILL_LATE_S = 0.05  # at most, likewise
QUOTA_BYTES = 2_000_000  # a day, of the car that floods
NAME_CHARACTERS = 190  # of the deaf peer's batches: long answers
LIMIT_S = 600.0  # for what hangs


class Process:
    """This file in another role, from its first words on; `said` is the line with which it is ready."""

    def __init__(self, role: str, *words: object, log: Path) -> None:
        with log.open("ab") as out:
            command = [sys.executable, __file__, role, *map(str, words)]
            self.popen = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True, bufsize=1
            )
        self.said = self.hear()

    @property
    def resident_mb(self) -> float:
        """Memory of the process itself."""
        pages = int(Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def hear(self) -> str:
        """The next line that it says."""
        return self.popen.stdout.readline().strip() if self.popen.stdout else ""

    def ask(self, line: str) -> str:
        """Say a line to it; what it answers."""
        if self.popen.stdin:
            self.popen.stdin.write(f"{line}\n")
        return self.hear()

    def end(self, number: int = signal.SIGKILL) -> int:
        """Send a signal, and wait until it is gone; the exit code."""
        self.popen.send_signal(number)
        code = self.popen.wait(LIMIT_S)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
        return code


class Place:
    """A folder with a server's keys and store; the keys `sender` and `deaf` speak for all cars."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.log = folder, folder / "store", folder / "log"
        self._processes: list[Process] = []
        self.keys = Keys.made(folder / "keys")
        self.sender = self.enrol("sender", "all")
        self.enrol("deaf", "all")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            if each.popen.returncode is None:
                each.end()

    def enrol(self, name: str, cars: str) -> KeyFile:
        """A key, and its file in the folder."""
        key = self.keys.enrol(name, cars)
        key.write(self.folder / f"{name}.key")
        return key

    def process(self, role: str, *words: object) -> Process:
        """This file in a role."""
        self._processes = [each for each in self._processes if each.popen.poll() is None]
        self._processes.append(Process(role, self.folder, *words, log=self.log))
        return self._processes[-1]

    def server(self, bind: str = "tcp://127.0.0.1:0", quota: int = 0) -> Process:
        """The server; `said` is its endpoint."""
        return self.process("server", bind, quota)

    def told(self) -> int:
        """How many messages the sender wrote down as acknowledged, again and again perhaps."""
        told = self.folder / "acknowledged"
        return told.read_bytes().count(b"\n") if told.exists() else 0

    def acknowledged(self) -> set[str]:
        """What the sender was told, and what belongs to a barrier that it saved, even if it died in between."""
        told, saved = self.folder / "acknowledged", self.folder / "barrier"
        barriers = int(saved.read_text()) if saved.exists() else 0
        named = {
            f"{kind}{barrier}-{number}"
            for kind, count in BARRIER.items()
            for barrier in range(barriers)
            for number in range(count)
        }
        return named | set(told.read_text().split())

    def lost_and_doubled(self) -> tuple[int, int]:
        """How much that was acknowledged is not in the tables, and how many rows and clips are there again."""
        run = telemetry.open_run(self.store)
        rows = [str(clip) for (clip,) in run.sql("SELECT clip FROM fires").fetchall()]
        clips = [str(clip) for (clip,) in run.sql("SELECT clip FROM clips").fetchall()]
        there = set(rows) | set(clips)
        wanted = {
            part
            for name in self.acknowledged()
            for part in ([f"{name}#{row}" for row in range(ROWS)] if name.startswith("b") else [name])
        }
        return len(wanted - there), len(rows) + len(clips) - len(there)


class Pace:
    """Other cars: four connections that send 2 KB a message at a steady pace, and note how long each takes."""

    def __init__(self, endpoint: str, key: KeyFile) -> None:
        self._context = zmq.Context()
        self._dealers = [a_dealer(self._context, endpoint, key) for _ in range(4)]
        self._sent = itertools.count()

    def waits_ms(self, count: int, a_second: float) -> list[float]:
        """From when each message was due to be sent until it is acknowledged; all of them are, or it raises."""
        names = [f"pace-{next(self._sent)}" for _ in range(count)]
        messages = [encode_rows(RUN, "fires", name, fires(name, 28)) for name in names]
        due: dict[str, float] = {}
        waits: list[float] = []
        began_s = time.perf_counter()
        for number, (name, frames) in enumerate(zip(names, messages, strict=True)):
            at_s = began_s + number / a_second
            while (left_s := at_s - time.perf_counter()) > 0:
                waits += self._heard_ms(due, left_s)
            due[f"{RUN}/rows/fires/{name}"] = at_s
            self._dealers[number % 4].send_multipart(frames)
        while due and time.perf_counter() - began_s < LIMIT_S:
            waits += self._heard_ms(due, 1.0)
        if due:
            raise TimeoutError(f"{len(due)} of {count} messages were not acknowledged")
        return waits

    def close(self) -> None:
        """Hang up."""
        self._context.destroy(linger=0)

    def _heard_ms(self, due: dict[str, float], limit_s: float) -> Iterator[float]:
        poller = zmq.Poller()
        for dealer in self._dealers:
            poller.register(dealer, zmq.POLLIN)
        for dealer, _ in poller.poll(max(1, int(1000 * limit_s))):
            for name in acknowledged_now(dealer):
                yield 1000 * (time.perf_counter() - due.pop(name))


def server_killed(here: Place, kills: int = 200) -> dict[str, float]:
    """SIGKILL of the server under load, so many times."""
    server = here.server()
    endpoint, memory_mb, starts_s = server.said, [0.0], [0.0]
    sender = here.process("sender", endpoint)
    for _ in _moments(here, "server", kills):
        memory_mb.append(server.resident_mb)
        server.end()
        began_s = time.perf_counter()
        server = here.server(endpoint)
        starts_s.append(time.perf_counter() - began_s)
    code = sender.end(signal.SIGTERM)
    return _after(here, server, code, kills) | {
        "server_mb": max(memory_mb), "restart_s": statistics.median(starts_s[1:]),
    }  # fmt: skip


def sender_killed(here: Place, kills: int = 200) -> dict[str, float]:
    """SIGKILL of the sender under load, so many times."""
    server = here.server()
    sender = here.process("sender", server.said)
    for _ in _moments(here, "sender", kills):
        sender.end()
        sender = here.process("sender", server.said)
    code = sender.end(signal.SIGTERM)
    sent_again, memory_mb = status_of(here.store).duplicates, server.resident_mb
    return _after(here, server, code, kills) | {"sent_again": sent_again, "server_mb": memory_mb}


def slow_reader(here: Place, messages: int = 100_000, paced: int = 1_000) -> dict[str, float]:
    """A peer that sends so many messages and reads no answer."""
    server = here.server()
    pace = Pace(server.said, here.sender)
    alone_ms = pace.waits_ms(paced, 200.0)
    before_mb = server.resident_mb
    deaf = here.process("deaf", server.said, messages)
    beside_ms = pace.waits_ms(paced, 200.0)
    deaf.hear()  # all are sent
    grown_mb = server.resident_mb - before_mb
    had = int(deaf.ask("read now"))
    pace.close()
    deaf.end()
    code = server.end(signal.SIGTERM)
    return {
        "answers_dropped": here.log.read_text().count("answer_dropped"), "grown_mb": grown_mb, "had_in_the_end": had,
        "p99_alone_ms": p99(alone_ms), "p99_ratio": p99(beside_ms) / p99(alone_ms), "exit_code": code,
    }  # fmt: skip


def flood(here: Place, rounds: int = 5, paced: int = 1_000) -> dict[str, float]:
    """One key far over its quota, as fast as it can, against others at 200 messages a second, in turns."""
    for number in range(rounds):
        here.enrol(f"flooder-{number}", str(number))  # one that was cut off stays out for a while
    server = here.server(quota=QUOTA_BYTES)
    pace = Pace(server.said, here.sender)
    pace.waits_ms(paced // 2, 200.0)
    before_mb, ratios, alone = server.resident_mb, [], []
    for number in range(rounds):
        alone.append(p99(pace.waits_ms(paced, 200.0)))
        flooder = here.process("flooder", server.said, number)
        ratios.append(p99(pace.waits_ms(paced, 200.0)) / alone[-1])
        flooder.end()
    grown_mb = server.resident_mb - before_mb
    pace.close()
    code = server.end(signal.SIGTERM)
    status = status_of(here.store)
    rows = telemetry.open_run(here.store).sql("SELECT count(*) FROM fires WHERE run = 'flood'").fetchall()[0][0]
    return {
        "p99_ratio": statistics.median(ratios), "p99_alone_ms": statistics.median(alone),
        "refused": status.refused.get("quota", 0), "handshakes_refused": status.refused.get("deaf", 0),
        "flooders_rows": rows, "grown_mb": grown_mb, "exit_code": code,
    }  # fmt: skip


def many_sockets(here: Place, sockets: int = 1_000, each: int = 10) -> dict[str, float]:
    """So many connections with a key each, one message under way on each."""
    keys = [here.keys.enrol(f"car-{number}", str(number)) for number in range(sockets)]
    server = here.server()
    with zmq.Context() as context:
        context.set(zmq.MAX_SOCKETS, min(65_536, context.get(zmq.SOCKET_LIMIT)))
        began_s = time.perf_counter()
        dealers = [a_dealer(context, server.said, key) for key in keys]
        welcomed_s = time.perf_counter() - began_s
        acknowledged, took_s = _one_under_way(dealers, each)
        memory_mb = server.resident_mb
        context.destroy(linger=0)
    code = server.end(signal.SIGTERM)
    rows = telemetry.open_run(here.store).sql("SELECT count(*), count(DISTINCT clip) FROM fires").fetchall()[0]
    return {
        "welcomed_s": welcomed_s, "acknowledged_per_s": acknowledged / took_s, "server_mb": memory_mb,
        "lost": ROWS * acknowledged - rows[1], "doubled": rows[0] - rows[1], "exit_code": code,
        "served": acknowledged / each,
    }  # fmt: skip


def half_open(here: Place) -> dict[str, float]:
    """A sender that is stopped, until its place is free, and then wakes."""
    server = here.server()
    sender = here.process("sender", server.said)
    until(lambda: status_of(here.store).connected == 1)
    sender.popen.send_signal(signal.SIGSTOP)
    began_s = time.perf_counter()
    until(lambda: status_of(here.store).connected == 0)
    noticed_s = time.perf_counter() - began_s
    before = len(here.acknowledged())
    sender.popen.send_signal(signal.SIGCONT)
    until(lambda: len(here.acknowledged()) > before)
    code = sender.end(signal.SIGTERM)
    return _after(here, server, code, 1) | {"noticed_s": noticed_s}


Fault = Callable[..., dict[str, float]]

FAULTS: dict[str, tuple[Fault, dict[str, int]]] = {
    "server_killed": (server_killed, {"kills": 5}),
    "sender_killed": (sender_killed, {"kills": 5}),
    "slow_reader": (slow_reader, {"messages": 20_000, "paced": 100}),
    "flood": (flood, {"rounds": 1, "paced": 200}),
    "many_sockets": (many_sockets, {"sockets": 100, "each": 3}),
    "half_open": (half_open, {}),
}
"""Each fault, and the numbers of a small one."""

TARGETS = {
    "lost": 0, "doubled": 0, "exit_code": 0, "server_mb": 128, "grown_mb": 32, "p99_ratio": 2, "served": 1_000,
}  # fmt: skip


def main() -> None:
    """Take a role, or do the faults and print; exit code 1 where something was lost or doubled."""
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        ROLES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAULTS))
    options.add_argument("--quick", action="store_true", help="few of each")
    given = options.parse_args()
    figures: list[dict[str, Any]] = []
    for name in given.names or FAULTS:
        fault, small = FAULTS[name]
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder, Place(Path(folder)) as here:
            found = fault(here, **(small if given.quick else {}))
        print(name, {what: round(value, 3) for what, value in found.items()}, file=sys.stderr, flush=True)
        figures += [_figure(name, what, value) for what, value in found.items()]
    print(json.dumps({"figures": figures}))
    sys.exit(any(each["value"] for each in figures if each["figure"].endswith(("_lost", "_doubled"))))


def be_server(folder: Path, bind: str, quota: str) -> None:
    """Serve until SIGTERM; say the endpoint."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    allowed = Quota(car_bytes=int(quota)) if int(quota) else None
    serve(folder / "store", bind, ready=_say, keys=Keys.found(folder / "keys"), quota=allowed)


def be_sender(folder: Path, endpoint: str) -> None:
    """Send barrier after barrier until SIGTERM, from the one that was saved."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    log = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    saved = folder / "barrier"
    barrier = int(saved.read_text()) if saved.exists() else 0
    _say("begins")
    key = KeyFile.read(folder / "sender.key")
    with Gateway(endpoint, run=RUN, sender="sender", key=key, connect_timeout_s=LIMIT_S) as gateway:
        while not stopping:
            for number in range(max(BARRIER.values())):
                _send_one_of_each(gateway, barrier, number)
                _note(gateway, log)
            gateway.drain(LIMIT_S)
            _note(gateway, log)
            barrier += 1
            saved.with_suffix(".part").write_text(str(barrier))
            saved.with_suffix(".part").replace(saved)
        gateway.flush(LIMIT_S)


def be_deaf(folder: Path, endpoint: str, messages: str) -> None:
    """Send without reading; when told to, read what is there, ask again, and say how many answers were had."""
    names = [f"{number}".ljust(NAME_CHARACTERS, "_") for number in range(64)]
    whole = [encode_rows("deaf", "fires", name, fires("d", 1)) for name in names]
    with zmq.Context() as context:
        dealer = a_dealer(context, endpoint, KeyFile.read(folder / "deaf.key"), small=True)
        _say("begins")
        for number in range(int(messages)):
            dealer.send_multipart(whole[number % len(whole)])
        _say("sent")
        sys.stdin.readline()
        while dealer.poll(1_000):
            dealer.recv_multipart()
        for frames in whole:
            dealer.send_multipart(frames)
        had: set[str] = set()
        while len(had) < len(whole) and dealer.poll(10_000):
            had |= set(acknowledged_now(dealer))
        _say(str(len(had)))
        sys.stdin.readline()


def be_flooder(folder: Path, endpoint: str, car: str) -> None:
    """Send for one car as fast as it can, and never mind the answers."""
    columns = fires("f", 28) | {"car": [int(car)] * 28}
    messages = [encode_rows("flood", "fires", f"{os.getpid()}-{number}", columns) for number in range(2_000)]
    with zmq.Context() as context:
        dealer = a_dealer(context, endpoint, KeyFile.read(folder / f"flooder-{car}.key"))
        _say("begins")
        for frames in itertools.cycle(messages):
            dealer.send_multipart(frames)
            with contextlib.suppress(zmq.Again):
                while True:
                    dealer.recv_multipart(zmq.NOBLOCK)


ROLES: dict[str, Callable[..., None]] = {
    "server": be_server, "sender": be_sender, "deaf": be_deaf, "flooder": be_flooder,
}  # fmt: skip


def a_dealer(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, key: KeyFile, *, small: bool = False
) -> "zmq.Socket[bytes]":
    """A connection that was welcomed; small: it has no room for answers that it does not read."""
    dealer = context.socket(zmq.DEALER)
    dealer.curve_serverkey = (key.server or "").encode()
    dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
    dealer.setsockopt(zmq.LINGER, 0)
    dealer.setsockopt(zmq.RCVTIMEO, int(1000 * LIMIT_S))
    if small:
        dealer.setsockopt(zmq.RCVHWM, 1)
        dealer.setsockopt(zmq.RCVBUF, 4_096)
    dealer.connect(endpoint)
    dealer.send_multipart(encode(Hello(sender="raw", run=RUN, versions=[WIRE_VERSION, WIRE_VERSION])))
    answer, _ = decode(dealer.recv_multipart())
    if not isinstance(answer, Welcome):
        raise TypeError(f"not welcomed: {answer}")
    return dealer


def acknowledged_now(dealer: "zmq.Socket[bytes]") -> Iterator[str]:
    """Ids out of the answers that are there; raises TypeError for an answer that is no acknowledgement."""
    with contextlib.suppress(zmq.Again):
        while True:
            answer, _ = decode(dealer.recv_multipart(zmq.NOBLOCK))
            if not isinstance(answer, Ack):
                raise TypeError(f"not acknowledged: {answer}")
            yield from answer.ids


def fires(name: str, count: int) -> dict[str, Any]:
    """Rows of table `fires`, each with a name of its own."""
    at = np.arange(count, dtype=np.int64)
    return {
        "car": at, "t_us": at * 100_000, "tick": at, "trigger": ["caution_light"] * count,
        "version": np.ones(count, np.int64), "score": at / count, "clip": [f"{name}#{row}" for row in range(count)],
    }  # fmt: skip


def until(holds: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait for something that another process will bring about; raises TimeoutError."""
    end_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError("it never came about")
        time.sleep(0.02)


def p99(waits_ms: Sequence[float]) -> float:
    """Of latencies."""
    return float(np.quantile(waits_ms, 0.99))


def _moments(here: Place, stream: str, count: int) -> Iterator[int]:
    """Under load at random: each time some more was acknowledged, and a moment later."""
    from scenarios import Draws

    more, late = Draws(7).uniform(stream, np.arange(count), 0), Draws(7).uniform(stream, np.arange(count), 1)
    for number in range(count):
        wanted = here.told() + 1 + int(KILL_AFTER * more[number])
        until(lambda wanted=wanted: here.told() >= wanted)  # type: ignore[misc]
        time.sleep(KILL_LATE_S * late[number])
        yield number


def _after(here: Place, server: Process, sender_code: int, kills: int) -> dict[str, float]:
    """Stop the server, and count."""
    code = server.end(signal.SIGTERM)
    lost, doubled = here.lost_and_doubled()
    told = len(here.acknowledged())
    return {"kills": kills, "acknowledged": told, "lost": lost, "doubled": doubled, "exit_code": code or sender_code}


def _one_under_way(dealers: Sequence["zmq.Socket[bytes]"], each: int) -> tuple[int, float]:
    """Messages acknowledged over all connections, each with one under way, and the seconds it took."""
    poller, left = zmq.Poller(), dict.fromkeys(dealers, each)
    messages = {
        dealer: [encode_rows(RUN, "fires", f"s{car}-{i}", fires(f"s{car}-{i}", ROWS) | {"car": [car] * ROWS})
                 for i in range(each)]
        for car, dealer in enumerate(dealers)
    }  # fmt: skip
    began_s, done = time.perf_counter(), 0
    for dealer in dealers:
        poller.register(dealer, zmq.POLLIN)
        dealer.send_multipart(messages[dealer].pop())
    while done < len(dealers) * each and (ready := poller.poll(int(1000 * LIMIT_S))):
        for dealer, _ in ready:
            for _ in acknowledged_now(dealer):
                done += 1
                left[dealer] -= 1
                if left[dealer]:
                    dealer.send_multipart(messages[dealer].pop())
    return done, time.perf_counter() - began_s


def _send_one_of_each(gateway: Gateway, barrier: int, number: int) -> None:
    names = {kind: f"{kind}{barrier}-{number}" for kind, count in BARRIER.items() if number < count}
    if "b" in names:
        gateway.send_rows("fires", names["b"], fires(names["b"], ROWS))
    if "c" in names:
        gateway.send_clip(_clip(names["c"], 9_000))
    if "l" in names:
        gateway.send_clip(_clip(names["l"], 600_000))


def _clip(name: str, nbytes: int) -> Clip:
    return Clip(
        id=name, run=RUN, car=7, tick=1, t_us=1, trigger="caution_light", version=1, score=0.5, priority=20, ticks=(1,),
        cameras=("main",), frames=[[name.encode() * (nbytes // len(name))]], calibration=[{}], poses=[{}], signals={},
        percepts={}, shadows={}, complete=True,
    )  # fmt: skip


def _note(gateway: Gateway, log: int) -> None:
    """Write down what was acknowledged, in one write: a kill leaves no half of it."""
    if names := gateway.take_acknowledged():
        os.write(log, "".join(f"{name}\n" for name in names).encode())


def _say(line: str) -> None:
    print(line, flush=True)


def _figure(fault: str, what: str, value: float) -> dict[str, Any]:
    rounded = round(value, 3)
    return {
        "bench": "faults", "figure": f"{fault}_{what}", "value": rounded, "target": TARGETS.get(what),
        "floor_or_rival": "none: a bound", "runs": 1, "low": rounded, "high": rounded,
    }  # fmt: skip


if __name__ == "__main__":
    main()
