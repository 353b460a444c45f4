"""Hostile messages at the server's door: nothing but coded refusals, no slow message, no growing memory.

`python benchmarks/fuzz_wire.py [MESSAGES]`, a million by default. Half of them are bytes of real messages, flipped,
cut, repeated and swapped; the other half are real heads with a value, a length or a type changed somewhere inside,
under a right checksum, so that they get past it. Chance is `scenarios.Draws`: a run repeats itself. One line of JSON.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np

from fleet.measured import Figure, told
from instruments.bare_server import Forgetful
from instruments.process import peak_mb
from scenarios import Draws
from telemetry.clip import Clip
from telemetry.codec import MAGIC, PREFIX_BYTES, _digest, encode, encode_clip, encode_rows
from telemetry.errors import MalformedMessage
from telemetry.intake import Intake
from telemetry.ledger import Incoming
from telemetry.messages import WIRE_VERSION, Ack, Flush, Hello, Piece, Refused, Welcome
from telemetry.metrics import Metrics

MESSAGES = 1_000_000
BLOCK = 2_000
BOUND = "none: a bound"
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, -(2**63), 2**64 - 1, 1.5, float("nan"), float("inf"), "", "\0", "a" * 5_000,
    "../../etc/passwd", "\x1b[31m", b"", b"\xff" * 300, [], [[]] * 300, {}, {"": {}}, {"kind": "clip"}, [None] * 2_000,
)  # fmt: skip


def seeds() -> list[list[bytes]]:
    """A real message of each kind."""
    fires: dict[str, Any] = {
        "car": [1, 2], "t_us": [5, 6], "tick": [1, 2], "trigger": ["a", "b"], "version": [1, 1], "score": [0.5, None],
        "clip": ["x", "y"],
    }  # fmt: skip
    clip = Clip(
        id="c", run="r", car=7, tick=1, t_us=1, trigger="t", version=1, score=0.5, priority=2, ticks=(1, 2),
        cameras=("main",), frames=[[b"jpeg"], [b"jpeg"]], calibration=[{"fx": 1.0}], poses=[{"x_m": 1.0}, {"x_m": 2.0}],
        signals={"Vehicle.Speed": [1.0, None]}, percepts={"lead": [[0.5], [0.4]]}, shadows={}, complete=True,
    )  # fmt: skip
    piece = Piece(id="r/clip/c#0", of="r/clip/c", digest="0" * 32, number=0, count=2)
    return [
        list(encode_rows("r", "fires", "b", fires)), list(encode_clip(clip)), encode(piece, [bytes(262_144)]),
        encode(Hello(sender="s", run="r", versions=[3, 3])), encode(Flush(id="f")), encode(Ack(ids=["a"])),
        encode(Welcome(store="/", version=3, window_bytes=1)), encode(Refused(id="x", code="busy", says="")),
    ]  # fmt: skip


def hostile(number: int, whole: list[list[bytes]], heads: list[Any], luck: Iterator[float]) -> list[bytes]:
    """One message that is most likely none."""
    which = number % len(whole)
    frames = whole[which]
    if number % 2:
        head = msgpack.packb(changed(heads[which], luck), default=repr)
        return sealed(head, frames[1:] if next(luck) < 0.8 else frames[2:])
    return _torn(frames, luck)


def sealed(head: bytes, parts: list[bytes]) -> list[bytes]:
    """A message under a right checksum."""
    return [b"".join((MAGIC, bytes([WIRE_VERSION]), _digest(head, parts), head)), *parts]


def _torn(frames: list[bytes], luck: Iterator[float]) -> list[bytes]:
    raw = bytearray(frames[0][:4_096])
    for _ in range(1 + int(4 * next(luck))):
        at = int(next(luck) * len(raw))
        raw[at] = int(next(luck) * 256)
    choice = next(luck)
    if choice < 0.2:
        del raw[int(next(luck) * len(raw)) :]
    elif choice < 0.3:
        raw += raw[PREFIX_BYTES:]
    if choice > 0.9:
        return sealed(bytes(raw[PREFIX_BYTES:]), frames[1:])
    return [bytes(raw), *(frames[1:] if choice < 0.8 else reversed(frames))]


def changed(value: Any, luck: Iterator[float]) -> Any:
    """The value with one place inside it made odd."""
    inside = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if not inside or next(luck) < 0.15:
        return ODD[int(next(luck) * len(ODD))]
    at = inside[int(next(luck) * len(inside))]
    copied = value.copy()
    if next(luck) < 0.05:
        del copied[at]
    else:
        copied[at] = changed(value[at], luck)
    return copied


def main() -> None:
    """Fuzz and print; exit code 1 where something else than a refusal came out."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    intake, whole, draws = Intake(Forgetful(), Metrics()), seeds(), Draws(1)
    heads = [msgpack.unpackb(frames[0][PREFIX_BYTES:]) for frames in whole]
    met: Counter[str] = Counter()
    slowest_ms, before_mb = 0.0, 0.0
    for block in range(-(-count // BLOCK)):
        luck = iter(draws.uniform("fuzz", np.arange(BLOCK * 64), block).tolist())
        for number in range(min(BLOCK, count - block * BLOCK)):
            frames = hostile(number, whole, heads, luck)
            began_s = time.perf_counter()
            met[_outcome(intake, frames)] += 1
            slowest_ms = max(slowest_ms, 1000 * (time.perf_counter() - began_s))
        if block == 0:
            before_mb = peak_mb()
    bad = {name: number for name, number in met.items() if name.startswith("!")}
    figures = [
        Figure("unforeseen", sum(bad.values()), 0, BOUND, count),
        Figure("slowest_ms", slowest_ms, None, BOUND, count),
        Figure("memory_grown_mb", peak_mb() - before_mb, 32, BOUND, count),
    ]
    print(json.dumps({"met": dict(met)} | told("fuzz_wire", figures)))
    sys.exit(1 if bad else 0)


def _outcome(intake: Intake, frames: list[bytes]) -> str:
    try:
        found = intake.check(frames)
        if isinstance(found, Incoming):
            (refused,) = intake.keep([found])
            return f"refused: {refused.code}" if refused else "taken"
        return f"refused: {found.code}" if isinstance(found, Refused) else type(found).__name__
    except MalformedMessage:
        return "dropped"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"! {type(error).__name__}: {error}"[:200]


if __name__ == "__main__":
    main()
