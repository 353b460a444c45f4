"""The collection server: this process collects, another brings what came in into the tables."""

import contextlib
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Self

import zmq

from telemetry.collector import Collector
from telemetry.compaction import Compaction
from telemetry.events import Listener, log, told_to
from telemetry.intake import Intake
from telemetry.keys import Keys
from telemetry.ledger import Ledger
from telemetry.limits import Storage
from telemetry.metrics import Metrics
from telemetry.pulse import Pulse
from telemetry.quota import Quota

BATCHES_BETWEEN_LOOKS = 16


def serve(  # noqa: PLR0913 - here all that a server has is put together
    store: Path,
    bind: str,
    *,
    ready: Callable[[str], None] | None = None,
    metrics_port: int | None = None,
    with_parent: bool = False,
    keys: Keys | None = None,
    quota: Quota | None = None,
    storage: Storage | None = None,
    tell: Listener | None = None,
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
        tell: hears of every event with its level and facts; structlog, where it is left out
        storage: where tables and clips go and how long they stay; for ever in the store, where it is left out

    Raises:
        PortInUse, BadAddress, Unprotected, StoreUnwritable, StoreLocked: nothing was started
        DoormanGone: nobody would be let in any more; start it again
        CompactionFailed: the place of tables and clips refuses us, or what is on disk does not fit into them
        LedgerCorrupt, OSError: nothing acknowledged is lost, but a person must look

    A signal that the process ignores stays ignored, so a parent can keep its server through a Ctrl-C.
    """
    with told_to(tell), _Bell() as bell, contextlib.ExitStack() as closing:
        metrics = Metrics()
        ledger = Ledger(store)
        closing.callback(ledger.close)
        compaction = Compaction(ledger, storage or Storage())
        closing.callback(compaction.stop)
        intake = Intake(ledger, metrics, quota=quota)
        collector = Collector(intake, str(store.resolve()), bind, compaction.flush, keys)
        closing.callback(collector.close)
        if metrics_port is not None:
            log.info("metrics_exposed", port=closing.enter_context(metrics.exposed(metrics_port)))
        metrics.waiting = lambda: ledger.waiting
        metrics.behind_s = lambda: compaction.behind_s
        metrics.compaction_waits = lambda: bool(compaction.waits)
        log.info("server_started", store=str(store), endpoint=collector.endpoint)
        parent = os.getppid() if with_parent else None
        with bell.rung_by_signals():
            if ready is not None:
                ready(collector.endpoint)
            _turn(collector, compaction, bell, Pulse(store, intake, compaction, collector.endpoint), parent)
        log.info("server_stopped", store=str(store))


def _turn(collector: Collector, compaction: Compaction, bell: "_Bell", pulse: Pulse, parent: int | None) -> None:
    poller = zmq.Poller()
    poller.register(collector.socket, zmq.POLLIN)
    poller.register(bell.fileno(), zmq.POLLIN)
    poller.register(compaction.socket.fileno(), zmq.POLLIN)
    looked_s = -math.inf
    while not bell.stopping and (parent is None or os.getppid() == parent):
        poller.poll(collector.look_every_ms)
        _take(collector)
        bell.hush()
        for peer, flush, refused in compaction.turn():
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


class _Bell:
    """Wakes the collecting thread: rung by signals."""

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
