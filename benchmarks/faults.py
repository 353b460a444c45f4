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
import itertools
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import zmq

from fleet.measured import Figure, told
from instruments.cars import LIMIT_S, Dealer, a_dealer, acknowledged_now, waits_ms, welcomed
from instruments.place import Place, Process
from instruments.roles import ROWS, RUN, rows
from scenarios import Draws
from telemetry import KeyFile, open_run, status_of
from telemetry.codec import encode_rows

KILL_AFTER = 40  # acknowledgements at most; as many as a draw says
KILL_LATE_S = 0.05  # at most, likewise
PACE_HZ = 200.0
QUOTA_BYTES = 2_000_000  # a day, of the car that floods


class Pace:
    """Other cars: four connections that send 2 KB a message at a steady pace, and note how long each takes."""

    def __init__(self, endpoint: str, key: KeyFile) -> None:
        self._context = zmq.Context()
        self._dealers = [welcomed(a_dealer(self._context, endpoint, key), RUN) for _ in range(4)]
        self._sent = itertools.count()

    def waits_ms(self, count: int) -> list[float]:
        """From when each message was due to be sent until it is acknowledged; all of them are, or it raises."""
        names = [f"pace-{next(self._sent)}" for _ in range(count)]
        messages = [encode_rows(RUN, "fires", name, rows(name, 28)) for name in names]
        return waits_ms(self._dealers, messages, PACE_HZ)

    def close(self) -> None:
        """Hang up."""
        self._context.destroy(linger=0)


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
    alone_ms = pace.waits_ms(paced)
    before_mb = server.resident_mb
    deaf = here.process("deaf", server.said, messages)
    beside_ms = pace.waits_ms(paced)
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
    pace.waits_ms(paced // 2)
    before_mb, ratios, alone = server.resident_mb, [], []
    for number in range(rounds):
        alone.append(p99(pace.waits_ms(paced)))
        flooder = here.process("flooder", server.said, number)
        ratios.append(p99(pace.waits_ms(paced)) / alone[-1])
        flooder.end()
    grown_mb = server.resident_mb - before_mb
    pace.close()
    code = server.end(signal.SIGTERM)
    status = status_of(here.store)
    let_in = open_run(here.store).sql("SELECT count(*) FROM fires WHERE run = 'flood'").fetchall()[0][0]
    return {
        "p99_ratio": statistics.median(ratios), "p99_alone_ms": statistics.median(alone),
        "refused": status.refused.get("quota", 0), "handshakes_refused": status.refused.get("deaf", 0),
        "flooders_rows": let_in, "grown_mb": grown_mb, "exit_code": code,
    }  # fmt: skip


def many_sockets(here: Place, sockets: int = 1_000, each: int = 10) -> dict[str, float]:
    """So many connections with a key each, one message under way on each."""
    keys = [here.keys.enrol(f"car-{number}", str(number)) for number in range(sockets)]
    server = here.server()
    with zmq.Context() as context:
        context.set(zmq.MAX_SOCKETS, min(65_536, context.get(zmq.SOCKET_LIMIT)))
        began_s = time.perf_counter()
        dealers = [welcomed(a_dealer(context, server.said, key), RUN) for key in keys]
        welcomed_s = time.perf_counter() - began_s
        acknowledged, took_s = _one_under_way(dealers, each)
        memory_mb = server.resident_mb
        context.destroy(linger=0)
    code = server.end(signal.SIGTERM)
    there, different = open_run(here.store).sql("SELECT count(*), count(DISTINCT clip) FROM fires").fetchall()[0]
    return {
        "welcomed_s": welcomed_s, "acknowledged_per_s": acknowledged / took_s, "server_mb": memory_mb,
        "lost": ROWS * acknowledged - different, "doubled": there - different, "exit_code": code,
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
    """Do the faults and print; exit code 1 where something was lost or doubled."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAULTS))
    options.add_argument("--quick", action="store_true", help="few of each")
    given = options.parse_args()
    figures: list[Figure] = []
    for name in given.names or FAULTS:
        fault, small = FAULTS[name]
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder, Place(Path(folder)) as here:
            found = fault(here, **(small if given.quick else {}))
        print(name, {what: round(value, 3) for what, value in found.items()}, file=sys.stderr, flush=True)
        figures += [
            Figure(f"{name}_{what}", value, TARGETS.get(what), "none: a bound") for what, value in found.items()
        ]
    print(json.dumps(told("faults", figures)))
    sys.exit(any(each.value for each in figures if each.figure.endswith(("_lost", "_doubled"))))


def until(holds: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait for something that another process will bring about; raises TimeoutError."""
    end_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError("it never came about")
        time.sleep(0.02)


def p99(latencies: Sequence[float]) -> float:
    """Of latencies."""
    return float(np.quantile(latencies, 0.99))


def _moments(here: Place, stream: str, count: int) -> Iterator[int]:
    """Under load at random: each time some more was acknowledged, and a moment later."""
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
    heard = len(here.acknowledged())
    return {"kills": kills, "acknowledged": heard, "lost": lost, "doubled": doubled, "exit_code": code or sender_code}


def _one_under_way(dealers: Sequence[Dealer], each: int) -> tuple[int, float]:
    """Messages acknowledged over all connections, each with one under way, and the seconds it took."""
    poller, left = zmq.Poller(), dict.fromkeys(dealers, each)
    messages = {
        dealer: [encode_rows(RUN, "fires", f"s{car}-{i}", rows(f"s{car}-{i}", ROWS, car))
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


if __name__ == "__main__":
    main()
