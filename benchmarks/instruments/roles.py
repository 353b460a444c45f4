"""What the processes of `place.py` do: `python -m instruments.roles ROLE FOLDER …`."""

import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import zmq

from instruments.cars import LIMIT_S, a_clip, a_dealer, acknowledged_now, fires, welcomed
from telemetry import Gateway, KeyFile, Keys, Quota, serve
from telemetry.codec import encode_rows

RUN = "faults"
BARRIER = {"b": 16, "c": 3, "l": 1}  # a barrier's messages: batches of rows, clips, clips that go in pieces
ROWS = 3  # a batch
CLIP_BYTES, LONG_BYTES = 9_000, 600_000
NAME_CHARACTERS = 190  # of the deaf peer's batches: long answers


def rows(name: str, count: int, car: int | None = None) -> dict[str, Any]:
    """Rows of table `fires`, each with a name of its own; of one car, or of as many as there are."""
    at = np.arange(count, dtype=np.int64)
    return fires(at if car is None else np.full(count, car), at, [f"{name}#{row}" for row in range(count)])


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
    whole = [encode_rows("deaf", "fires", name, rows("d", 1)) for name in names]
    with zmq.Context() as context:
        no_room = {zmq.RCVHWM: 1, zmq.RCVBUF: 4_096}  # for answers that it does not read
        dealer = welcomed(a_dealer(context, endpoint, KeyFile.read(folder / "deaf.key"), no_room), RUN)
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
    columns = rows("f", 28, int(car))
    messages = [encode_rows("flood", "fires", f"{os.getpid()}-{number}", columns) for number in range(2_000)]
    with zmq.Context() as context:
        dealer = welcomed(a_dealer(context, endpoint, KeyFile.read(folder / f"flooder-{car}.key")), RUN)
        _say("begins")
        for frames in itertools.cycle(messages):
            dealer.send_multipart(frames)
            with contextlib.suppress(zmq.Again):
                while True:
                    dealer.recv_multipart(zmq.NOBLOCK)


def _send_one_of_each(gateway: Gateway, barrier: int, number: int) -> None:
    names = {kind: f"{kind}{barrier}-{number}" for kind, count in BARRIER.items() if number < count}
    if "b" in names:
        gateway.send_rows("fires", names["b"], rows(names["b"], ROWS))
    if "c" in names:
        gateway.send_clip(a_clip(RUN, names["c"], 7, barrier, CLIP_BYTES))
    if "l" in names:
        gateway.send_clip(a_clip(RUN, names["l"], 7, barrier, LONG_BYTES))


def _note(gateway: Gateway, log: int) -> None:
    """Write down what was acknowledged, in one write: a kill leaves no half of it."""
    if names := gateway.take_acknowledged():
        os.write(log, "".join(f"{name}\n" for name in names).encode())


def _say(line: str) -> None:
    print(line, flush=True)


ROLES: dict[str, Callable[..., None]] = {
    "server": be_server, "sender": be_sender, "deaf": be_deaf, "flooder": be_flooder,
}  # fmt: skip


def main(role: str, folder: str, words: Sequence[str]) -> None:
    """Take a role."""
    ROLES[role](Path(folder), *words)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
