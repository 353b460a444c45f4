"""The collection server as one process: a thread that collects, a thread that brings what came in into the tables."""

import contextlib
import math
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Self

import structlog
import zmq

from telemetry.collector import Collector
from telemetry.destination import Folder
from telemetry.errors import NotNow
from telemetry.intake import Intake
from telemetry.keys import Keys
from telemetry.ledger import Ledger
from telemetry.metrics import Metrics
from telemetry.pulse import Pulse
from telemetry.quota import Quota
from telemetry.store import Compactor

log = structlog.get_logger()

COMPACT_EVERY_S = 2.0
BATCHES_BETWEEN_LOOKS = 16


def serve(
    store: Path,
    bind: str,
    *,
    ready: Callable[[str], None] | None = None,
    metrics_port: int | None = None,
    with_parent: bool = False,
    keys: Keys | None = None,
    quota: Quota | None = None,
) -> None:
    """Collect into a store until SIGTERM or SIGINT, then finish what is on disk and return.

    Args:
        store: a folder; made where there is none
        bind: such as tcp://127.0.0.1:5555; port 0 takes any free one
        ready: called once with the real address
        metrics_port: a port of 127.0.0.1 for Prometheus; 0 takes any free one
        with_parent: stop also when the process that started this one has gone
        keys: who may connect; without them it speaks plain text, on the loopback address only
        quota: how much cars and the fleet may bring in

    Raises:
        PortInUse, BadAddress, Unprotected, StoreUnwritable, StoreLocked: nothing was started
        DoormanGone: nobody would be let in any more; start it again
        LedgerCorrupt, OSError: the disk failed; nothing acknowledged is lost, but a person must look

    A signal that the process ignores stays ignored, so a parent can keep its server through a Ctrl-C.
    """
    with _Bell() as bell, contextlib.ExitStack() as closing:
        metrics = Metrics()
        ledger = Ledger(store)
        closing.callback(ledger.close)
        compaction = _Compaction(Compactor(ledger, Folder(store)), bell.ring)
        closing.callback(compaction.stop)
        intake = Intake(ledger, metrics, quota=quota)
        collector = Collector(intake, str(store.resolve()), bind, compaction.flush, keys)
        closing.callback(collector.close)
        if metrics_port is not None:
            log.info("metrics_exposed", port=closing.enter_context(metrics.exposed(metrics_port)))
        metrics.waiting = lambda: ledger.waiting
        log.info("server_started", store=str(store), endpoint=collector.endpoint)
        parent = os.getppid() if with_parent else None
        with bell.rung_by_signals():
            if ready is not None:
                ready(collector.endpoint)
            _turn(collector, compaction, bell, Pulse(store, ledger, intake, collector.endpoint), parent)
        log.info("server_stopped", store=str(store))


def _turn(collector: Collector, compaction: "_Compaction", bell: "_Bell", pulse: Pulse, parent: int | None) -> None:
    poller = zmq.Poller()
    poller.register(collector.socket, zmq.POLLIN)
    poller.register(bell.fileno(), zmq.POLLIN)
    looked_s = -math.inf
    while not bell.stopping and (parent is None or os.getppid() == parent):
        poller.poll(collector.look_every_ms)
        _take(collector)
        bell.hush()
        for peer, flush, refused in compaction.done():
            collector.answer_flush(peer, flush, refused)
        if time.monotonic() - looked_s >= collector.look_every_ms / 1000:
            looked_s = time.monotonic()
            collector.look()
            pulse.beat()
    _take(collector)  # what has come in by now is kept, and its senders are told


def _take(collector: Collector) -> None:
    for _ in range(BATCHES_BETWEEN_LOOKS):
        if not collector.step():
            break


class _Compaction:
    """Runs the compactor in a thread: every few seconds, and when somebody asks for a flush."""

    def __init__(self, compactor: Compactor, ring: Callable[[], None]) -> None:
        self._compactor = compactor
        self._ring = ring
        self._asked: queue.SimpleQueue[tuple[bytes, str] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[bytes, str, str]] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(1, "compaction")
        self._work = self._pool.submit(self._run)

    def flush(self, peer: bytes, flush: str) -> None:
        """Ask that all that is on disk by now gets into the tables."""
        self._asked.put((peer, flush))

    def done(self) -> Iterator[tuple[bytes, str, str]]:
        """Flushes that are done, with a reason where they could not be; raises what the compactor raised."""
        if self._work.done():
            self._work.result()
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._answers.get_nowait()

    def stop(self) -> None:
        """Bring what is left into the tables, and end; raises what the compactor raised."""
        self._asked.put(None)
        self._pool.shutdown()
        self._work.result()

    def _run(self) -> None:
        try:
            while True:
                try:
                    asked = self._asked.get(timeout=COMPACT_EVERY_S)
                except queue.Empty:
                    self._attempt(self._compactor.step)
                    continue
                refused = self._attempt(self._compactor.drain)
                if asked is None:
                    return
                self._answers.put((*asked, refused))
                self._ring()
        finally:
            self._ring()

    def _attempt(self, work: Callable[[], object]) -> str:
        """Do it; on a full disk say so, and let it be tried again."""
        try:
            work()
        except NotNow as error:
            log.warning("compaction_waits", why=str(error))
            return str(error)
        return ""


class _Bell:
    """Wakes the collecting thread: rung by the other thread and by signals."""

    def __init__(self) -> None:
        self.stopping = False
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inside.close()
        self._outside.close()

    def fileno(self) -> int:
        return self._inside.fileno()

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._outside.send(b"!")

    def hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._inside.recv(4096)

    @contextlib.contextmanager
    def rung_by_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to stop; only the main thread may, and an ignored signal stays so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        mine = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in mine:
            signal.signal(number, self._stop)
        try:
            yield
        finally:
            for number in mine:
                signal.signal(number, before[number])

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        self.ring()
