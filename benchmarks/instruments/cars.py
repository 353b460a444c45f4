"""Cars by hand: what they send, and bare sockets that send it and hear what was acknowledged."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from telemetry import Clip, KeyFile
from telemetry.codec import decode, encode
from telemetry.messages import WIRE_VERSION, Ack, Hello, Welcome

LIMIT_S = 600.0  # for what hangs
Dealer = zmq.Socket[bytes]
Integers = NDArray[np.integer[Any]]


def fires(car: Integers, tick: Integers, clips: Sequence[str]) -> dict[str, Any]:
    """Rows of table `fires`; (n,) each."""
    return {
        "car": car, "t_us": tick.astype(np.int64) * 100_000, "tick": tick, "trigger": ["caution_light"] * len(car),
        "version": np.ones(len(car), np.int64), "score": (tick % 97) / 97.0, "clip": list(clips),
    }  # fmt: skip


def a_clip(run: str, name: str, car: int, number: int, nbytes: int) -> Clip:
    """So many bytes of pictures, over two ticks of two cameras; what is in them depends on the number."""
    picture = np.arange(number, number + nbytes // 4, dtype=np.int64) * 2_654_435_761 % 251
    return Clip(
        id=name, run=run, car=car, tick=number, t_us=number, trigger="caution_light", version=1, score=0.5, priority=20,
        ticks=(1, 2), cameras=("main", "rear"), frames=[[picture.astype(np.uint8).tobytes()] * 2] * 2,
        calibration=[{}, {}], poses=[{}, {}], signals={}, percepts={}, shadows={}, complete=True,
    )  # fmt: skip


def a_dealer(
    context: "zmq.Context[Dealer]", endpoint: str, key: KeyFile | None, options: Mapping[int, int] | None = None
) -> Dealer:
    """A connection on which nothing was said yet; in plain text without a key.

    options: of the socket
    """
    dealer = context.socket(zmq.DEALER)
    if key:
        dealer.curve_serverkey = (key.server or "").encode()
        dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
    dealer.setsockopt(zmq.LINGER, 0)
    for option, value in (options or {}).items():
        dealer.setsockopt(option, value)
    dealer.connect(endpoint)
    return dealer


def welcomed(dealer: Dealer, run: str) -> Dealer:
    """The connection, once the server said welcome; raises TypeError for another answer, zmq.Again for none."""
    dealer.setsockopt(zmq.RCVTIMEO, int(1000 * LIMIT_S))
    dealer.send_multipart(encode(Hello(sender="raw", run=run, versions=[WIRE_VERSION, WIRE_VERSION])))
    answer, _ = decode(dealer.recv_multipart())
    if not isinstance(answer, Welcome):
        raise TypeError(f"not welcomed: {answer}")
    return dealer


def acknowledged_now(dealer: Dealer) -> Iterator[str]:
    """Ids out of the answers that are there; raises TypeError for an answer that is no acknowledgement."""
    with contextlib.suppress(zmq.Again):
        while True:
            answer, _ = decode(dealer.recv_multipart(zmq.NOBLOCK))
            if not isinstance(answer, Ack):
                raise TypeError(f"not acknowledged: {answer}")
            yield from answer.ids


def waits_ms(dealers: Sequence[Dealer], messages: Sequence[Sequence[bytes]], a_second: float) -> list[float]:
    """From when each message was due to be sent, at a steady pace, until it is acknowledged.

    Raises TimeoutError where one never is.
    """
    ids = [decode(frames)[0].id for frames in messages]  # type: ignore[union-attr]
    due: dict[str, float] = {}
    waits: list[float] = []
    began_s = time.perf_counter()
    for number, frames in enumerate(messages):
        at_s = began_s + number / a_second
        while (left_s := at_s - time.perf_counter()) > 0:
            waits += _heard_ms(dealers, due, left_s)
        due[ids[number]] = at_s
        dealers[number % len(dealers)].send_multipart(frames)
    while due and time.perf_counter() - began_s < LIMIT_S:
        waits += _heard_ms(dealers, due, 1.0)
    if due:
        raise TimeoutError(f"{len(due)} of {len(messages)} messages were not acknowledged")
    return waits


def _heard_ms(dealers: Sequence[Dealer], due: dict[str, float], limit_s: float) -> Iterator[float]:
    poller = zmq.Poller()
    for dealer in dealers:
        poller.register(dealer, zmq.POLLIN)
    for ready, _ in poller.poll(max(1, int(1000 * limit_s))):
        for name in acknowledged_now(ready):
            yield 1000 * (time.perf_counter() - due.pop(name))
