"""The server's hold on its compactor: a process of its own, begun when there is something to do, and again if it dies.

What brings rows into tables is large (Arrow, Delta) and can be killed by the machine for it; the process that collects
stays small and goes on. The two speak over a pair of sockets, a message a packet: the server says up to which message
all is on disk, the compactor what it has in the tables. It only reads the log; whatever it says twice is true twice.
"""

import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from telemetry.errors import CompactionFailed
from telemetry.events import log
from telemetry.ledger import Ledger
from telemetry.limits import Storage, Trimmed

COMPACT_EVERY_S = 2.0
TRIM_EVERY_S = 3600.0
DEATHS = 3  # in a row, of its own doing or while the server waits for its end, after which it is given up
AGAIN_S = (0.05, 10.0)  # until a compactor that died is begun again: first, longest; doubles in between
PACKET_BYTES = 65_536
PROGRAM = "from telemetry.compacting import main; main()"
"""What the compactor's process runs: with store, destination, its socket, and up to where the tables have all."""


class Order(msgspec.Struct, frozen=True):
    """Bring all messages up to this one, which is on disk, into the tables.

    first: of this server; where the tables' place refuses us now, that is final
    trim: also let go what is over the limits
    """

    upto: int
    first: bool = False
    trim: bool = False


class Pruned(msgspec.Struct, frozen=True, tag=True):
    """All up to this message is in the tables, on disk."""

    upto: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """An order was carried out, or had to wait; why: it did, "" where it did not."""

    upto: int
    why: str = ""


class Went(msgspec.Struct, frozen=True, tag=True):
    """What was over the limits has gone."""

    trimmed: Trimmed


class Said(msgspec.Struct, frozen=True, tag=True):
    """A line for the log."""

    level: str
    event: str
    facts: dict[str, Any]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It cannot go on, and another would not either."""

    why: str


Report = Pruned | Done | Went | Said | Failed
_REPORT: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


class Compaction:
    """Belongs to the collecting thread, which calls `turn` whenever there may be something to read, and now and then.

    socket: becomes readable when there is something
    storage: where tables and clips go, and how long they stay
    waits, waited: why nothing gets into the tables now, and why it last did not; "" where it does, and always did
    trimmed: what was last let go
    """

    def __init__(self, ledger: Ledger, storage: Storage) -> None:
        self._ledger = ledger
        self.storage = storage if storage.url else msgspec.structs.replace(storage, url=str(ledger.store))
        self.waits = self.waited = ""
        self.trimmed: Trimmed | None = None
        self.socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: list[tuple[int, bytes, str]] = []
        self._busy = False
        self._next_s, self._patience_s = time.monotonic() + COMPACT_EVERY_S, AGAIN_S[0]
        self._deaths, self._stopping = 0, False
        self._first = bool(storage.url)
        self._trim_s = -math.inf if storage.limits else math.inf
        self._level_s = self._ordered_s = time.monotonic()

    @property
    def behind_s(self) -> float:
        """All that came in longer ago is in the tables."""
        return time.monotonic() - self._level_s if self._ledger.waiting else 0.0

    def flush(self, peer: bytes, flush: str) -> None:
        """Ask that all that is on disk by now gets into the tables."""
        self._asked.append((self._ledger.last_seq, peer, flush))
        self._next_s = min(self._next_s, time.monotonic())

    def turn(self) -> list[tuple[bytes, str, str]]:
        """Hear the compactor and give it work; the flushes that are done, with a reason where they could not be.

        Raises CompactionFailed, and what `Ledger.prune` raises.
        """
        done = list(self._hear())
        self._look_after()
        wanted = self._ledger.waiting or self._asked or self._first or self._trim_s <= time.monotonic()
        if wanted and not self._busy and time.monotonic() >= self._next_s:
            self._order()
        return done

    def stop(self) -> None:
        """Bring what is left into the tables, if there is room, and end the compactor; raises as `turn` does."""
        self._stopping = True
        try:
            self.flush(b"", "")
            while self._ledger.waiting and not any(not peer for peer, _, _ in self.turn()):
                self._wait(min(0.05, max(0.0, self._next_s - time.monotonic())) or 0.05)
        finally:
            self.socket.close()
            self._theirs.close()
            if self._process:
                self._process.wait()

    def _hear(self) -> Iterator[tuple[bytes, str, str]]:
        for report in self._reports():
            if isinstance(report, Pruned):
                self._ledger.prune(report.upto)
                self._patience_s, self._deaths = AGAIN_S[0], 0
            elif isinstance(report, Done):
                yield from self._answers(report)
            elif isinstance(report, Went):
                self.trimmed, self._trim_s = report.trimmed, time.monotonic() + TRIM_EVERY_S
                log.info("store_trimmed", **report.trimmed.facts())
            elif isinstance(report, Said):
                log.tell(report.level, report.event, **report.facts)
            else:
                raise CompactionFailed(self._ledger.store, report.why)

    def _answers(self, done: Done) -> Iterator[tuple[bytes, str, str]]:
        self._busy, self._next_s = False, time.monotonic() + COMPACT_EVERY_S
        self._first = False
        self._note(done.why)
        answered = [asked for asked in self._asked if asked[0] <= done.upto]
        self._asked = [asked for asked in self._asked if asked[0] > done.upto]
        if self._asked:
            self._next_s = time.monotonic()
        yield from ((peer, flush, done.why) for _, peer, flush in answered)

    def _note(self, why: str) -> None:
        """Say once that it waits, and that it goes on."""
        if why and not self.waits:
            log.warning("compaction_waits", why=why)
        elif self.waits and not why:
            log.info("compaction_goes_on", waited=self.waits)
        self.waits, self.waited = why, why or self.waited
        if not why:
            self._level_s = self._ordered_s

    def _reports(self) -> Iterator[Report]:
        while True:
            try:
                packet = self.socket.recv(PACKET_BYTES)
            except BlockingIOError:
                return
            yield _REPORT.decode(packet)

    def _look_after(self) -> None:
        """Notice that the compactor has died; what it was at is then to be done again."""
        code = self._process.poll() if self._process else None
        if code is None:
            return
        log.warning("compactor_died", exit_code=code, again_in_s=self._patience_s)
        self._process, self._busy = None, False
        self._put_off(f"its process ended with code {code}", final=code >= 0)

    def _put_off(self, why: str, *, final: bool) -> None:
        """Try again in a while, with more patience each time; raises CompactionFailed where that is no use."""
        self._deaths += final or self._stopping
        if self._deaths >= DEATHS:
            raise CompactionFailed(self._ledger.store, f"{why}, and that is the end of {DEATHS} tries")
        self._next_s = time.monotonic() + self._patience_s
        self._patience_s = min(2 * self._patience_s, AGAIN_S[1])

    def _order(self) -> None:
        try:
            self._process = self._process or self._begun()
        except OSError as error:  # no descriptor or no process is to be had: strangers may have used them up
            why = f"its process cannot be begun: {error.strerror}"
            self._note(why)
            self._put_off(why, final=False)
            return
        self._busy, self._ordered_s = True, time.monotonic()
        trim = self._trim_s <= self._ordered_s and not self._stopping
        self.socket.send(msgspec.msgpack.encode(Order(self._ledger.last_seq, self._first, trim)))

    def _begun(self) -> "subprocess.Popen[bytes]":
        """The process; it finds what this one can import, and has nothing of it open but its socket."""
        fd, ledger = self._theirs.fileno(), self._ledger
        about = [str(ledger.store), msgspec.json.encode(self.storage).decode(), str(fd), str(ledger.pruned)]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-P", "-c", PROGRAM, *about],
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if Path(path).exists())},
        )

    def _wait(self, timeout_s: float) -> None:
        self.socket.settimeout(timeout_s)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            return
        finally:
            self.socket.setblocking(False)
