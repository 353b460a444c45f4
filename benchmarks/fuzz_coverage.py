"""Hostile messages that learn: libFuzzer keeps what reaches new code of the server's door, and goes on from there.

`python benchmarks/fuzz_coverage.py [--minutes 10] [--corpus DIR]`; needs `pip install outrider-fleet[fuzz]`
(atheris). It starts from the messages of `tests/telemetry/wire_samples.py`. An input is one message: as it is, or under
a right checksum so that it gets past that, or cut into pieces; with a key that speaks for ten cars, or none. What the
door takes is then brought where the tables would have it. A mutation is libFuzzer's own of the bytes, or a value, a
length or a type changed inside the head (`fuzz_wire.py`). Anything but a taken message, a coded refusal or a drop is a
finding, as are two seconds for one message and memory beyond the limit. One line of JSON.
"""

import argparse
import json
import logging
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleet.measured import Figure, told

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "telemetry"
MEMORY_MB, SLOW_S, LONGEST_BYTES = 700, 2, 8_192
SEALED, KEYED, IN_PIECES = 1, 2, 4
KEPT = 64


def main() -> None:
    """Fuzz in a process of its own, which ends at its first finding; exit code 1 where there was one."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--corpus", type=Path, help="kept from one time to the next")
    options.add_argument("--quick", action="store_true", help="a quarter of a minute")
    given = options.parse_args()
    seconds = 15 if given.quick else round(given.minutes * 60)
    with tempfile.TemporaryDirectory() as place:
        corpus = given.corpus or Path(place) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, "fuzz", f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}",
                   f"-timeout={SLOW_S}", f"-max_len={LONGEST_BYTES}", "-print_final_stats=1",
                   f"-artifact_prefix={corpus.parent}/finding-", str(corpus)]  # fmt: skip
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        if done.returncode:
            print(done.stderr[-8_000:], file=sys.stderr)
            for finding in corpus.parent.glob("finding-*"):
                print(f"{finding.name}: {finding.read_bytes().hex()}", file=sys.stderr)
        print(json.dumps(told("fuzz_coverage", _figures(done.stderr, seconds, done.returncode))))
    sys.exit(1 if done.returncode else 0)


def fuzz(words: Sequence[str]) -> None:
    """Become libFuzzer; never returns."""
    import atheris

    sys.path[:0] = [str(ROOT), str(SAMPLES)]
    with atheris.instrument_imports(include=["telemetry"]):
        import telemetry.intake
        import telemetry.pieces
        import telemetry.tables  # noqa: F401
    from wire_samples import every_message

    from fuzz_wire import seeds

    whole = [*every_message().values(), *seeds()]
    corpus = Path(words[-1])
    for number, frames in enumerate(whole):
        for flags in (0, SEALED, SEALED | KEYED, SEALED | IN_PIECES):
            (corpus / f"seed-{number}-{flags}").write_bytes(seeded(flags, frames))
    door = Door()
    atheris.Setup([sys.argv[0], *words], door.try_one, custom_mutator=Mutator().mutate)
    atheris.Fuzz()


def seeded(flags: int, frames: Sequence[bytes]) -> bytes:
    """An input that a message makes, its parts cut short."""
    from telemetry.codec import PREFIX_BYTES

    head = frames[0][PREFIX_BYTES:] if flags & SEALED else frames[0]
    return packed(flags, head, [part[:500] for part in frames[1:9]])[:LONGEST_BYTES]


def packed(flags: int, head: bytes, parts: Sequence[bytes]) -> bytes:
    """An input: flags, how many parts, their lengths, the parts, the head."""
    lengths = struct.pack(f"<{len(parts)}H", *map(len, parts))
    return bytes([flags, len(parts)]) + lengths + b"".join(parts) + head


def unpacked(data: bytes) -> tuple[int, bytes, list[bytes]]:
    """Flags, head and parts, of any bytes at all."""
    flags, count = (data[0], data[1] % 9) if len(data) > 1 else (0, 0)
    at, parts = 2 + 2 * count, []
    for number in range(count):
        length = int.from_bytes(data[2 + 2 * number : 4 + 2 * number], "little")
        parts.append(data[at : at + length])
        at += length
    return flags, data[at:], parts


class Memory:
    """Keeps a few messages, as a ledger does; pieces, too."""

    def __init__(self) -> None:
        self._taken: dict[str, bytes] = {}
        self._pieces: dict[tuple[str, str, bytes], dict[int, bytes]] = {}

    def append(self, group: Sequence[Any]) -> list[Any]:
        """As `Ledger.append`."""
        return [self._take(message) for message in group]

    def known(self, message_id: str) -> bytes | None:
        """As `Ledger.known`."""
        return self._taken.get(message_id)

    def pieces(self, last: Any) -> list[bytes] | None:
        """As `Ledger.pieces`."""
        there = self._pieces.get((last.owner, last.piece.of, last.digest), {})
        return [there[number] for number in sorted(there)] if len(there) == last.piece.count - 1 else None

    def forget_pieces(self, owner: str, whole: str) -> None:
        """As `Ledger.forget_pieces`."""
        self._pieces = {key: pieces for key, pieces in self._pieces.items() if key[:2] != (owner, whole)}

    def _take(self, message: Any) -> Any:
        from telemetry.ledger import Outcome

        for kept in (self._taken, self._pieces):
            if len(kept) > KEPT:
                kept.clear()  # type: ignore[attr-defined]
        if message.piece:
            pieces = self._pieces.setdefault((message.owner, message.piece.of, message.digest), {})
            pieces[message.piece.number] = bytes(message.frames[1])
            return Outcome.STORED
        known = self._taken.setdefault(message.id, message.digest)
        if known is message.digest:
            return Outcome.STORED
        return Outcome.DUPLICATE if known == message.digest else Outcome.CONFLICT


class Door:
    """The intake of a server, and what becomes of what it takes."""

    def __init__(self) -> None:
        import structlog

        from telemetry.intake import Intake
        from telemetry.keys import Holder, KeyFile
        from telemetry.metrics import Metrics

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self._intake = Intake(Memory(), Metrics())
        self._speaker = Holder("fuzz", KeyFile.new("fuzz").public, [[0, 9]])

    def try_one(self, data: bytes) -> None:
        """One input; whatever comes out of here but a return is a finding."""
        from fuzz_wire import sealed
        from telemetry.messages import PIECE_BYTES
        from telemetry.pieces import cut

        flags, head, parts = unpacked(data)
        speaker = self._speaker if flags & KEYED else None
        if not flags & SEALED:
            self._offer([head, *parts], speaker)
            return
        frames = sealed(head, parts)
        if not flags & IN_PIECES:
            self._offer(frames, speaker)
            return
        frames = sealed(head, [*parts, bytes(PIECE_BYTES)])
        for _, piece in cut(f"r/clip/{len(head)}", frames):
            self._offer(piece, speaker)

    def _offer(self, frames: Sequence[bytes], speaker: Any) -> None:
        from telemetry.errors import MalformedMessage
        from telemetry.ledger import Incoming

        try:
            found = self._intake.check(frames, speaker)
        except MalformedMessage:
            return
        if isinstance(found, Incoming) and self._intake.keep([found]) == [None] and not found.piece:
            _into_tables(frames)


def _into_tables(frames: Sequence[bytes]) -> None:
    """What a compactor does with a message, files apart: it must not be the one who finds that it is none."""
    from telemetry.codec import clip_of, decode_kept
    from telemetry.columns import unpack_rows
    from telemetry.messages import Rows
    from telemetry.tables import arrow_table

    message, parts = decode_kept(frames)
    if isinstance(message, Rows):
        arrow_table(message.table, {"run": [message.run] * message.count, **unpack_rows(message)})
    else:
        clip_of(message, parts)


class Mutator:
    """libFuzzer's changes of bytes, and changes of values inside the head, in turns."""

    def __init__(self) -> None:
        from scenarios import Draws

        self._draws, self._turn = Draws(1), 0

    def mutate(self, data: bytes, longest: int, seed: int) -> bytes:
        """Another input."""
        import atheris
        import msgpack
        import numpy as np

        from fuzz_wire import changed

        self._turn += 1
        flags, head, parts = unpacked(data)
        if self._turn % 2 and flags & SEALED:
            try:
                value = msgpack.unpackb(head)
                luck = iter(self._draws.uniform("mutate", np.arange(256), seed).tolist())
                head = msgpack.packb(changed(value, luck), default=repr)
                return packed(flags, head, parts)[:longest]
            except Exception:  # noqa: BLE001, S110 - a head that is none, or luck that ran out: then bytes
                pass
        return bytes(atheris.Mutate(data, longest))


def _figures(said: str, seconds: int, code: int) -> list[Figure]:
    stats = {name: int(number) for name, number in re.findall(r"stat::(\w+):\s+(\d+)", said)}
    reached = [(int(cov), int(features)) for cov, features in re.findall(r"cov: (\d+) ft: (\d+)", said)] or [(0, 0)]
    bound = "none: a bound"
    return [
        Figure("findings", int(code != 0), 0, bound),
        Figure("seconds", seconds, None, bound),
        Figure("messages", stats.get("number_of_executed_units", 0), None, bound),
        Figure("branches_at_first", reached[0][0], None, bound),
        Figure("branches", reached[-1][0], None, bound),
        Figure("features", reached[-1][1], None, bound),
        Figure("slowest_s", stats.get("slowest_unit_time_sec", 0), SLOW_S, bound),
        Figure("peak_mb", stats.get("peak_rss_mb", 0), MEMORY_MB, bound),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["fuzz"]:
        fuzz(sys.argv[2:])
    main()
