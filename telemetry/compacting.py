"""The process that brings a store's log into its tables, begun by a server; see `compaction.py`."""

import datetime as dt
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from telemetry.compaction import PACKET_BYTES, Done, Failed, Order, Pruned, Report, Said, Went
from telemetry.delta import open_delta
from telemetry.destination import open_destination
from telemetry.entries import Entry, Reader
from telemetry.errors import NotNow, StoreRefused, TelemetryError
from telemetry.events import told_to
from telemetry.limits import Limits, Storage
from telemetry.lock import waited_for
from telemetry.retention import trim
from telemetry.store import Compactor

NICENESS = 10  # collecting goes first
_TEXT_CHARACTERS = 4_000  # of a line for the log, so that it fits into a packet


class _Inbox:
    """The log as another process appends to it, up to what that has said is on disk."""

    def __init__(self, store: Path, channel: socket.socket, pruned: int) -> None:
        self.store = store
        self.upto = self._pruned = pruned
        self._reader, self._channel = Reader(store), channel

    def entries(self, after: int, limit: int) -> Iterator[Entry]:
        """As `Ledger.entries`."""
        return self._reader.entries(max(after, self._pruned), self.upto, limit)

    def prune(self, upto: int) -> None:
        """As `Ledger.prune`, which the server does when it hears of it."""
        self._pruned = upto
        _report(self._channel, Pruned(upto))


def main() -> None:
    """Carry out orders until the server closes its end, which it does when it ends in whatever way."""
    store, fd, pruned = Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
    storage = msgspec.json.decode(sys.argv[2], type=Storage)
    for number in (signal.SIGINT, signal.SIGTERM):  # both are for the server, which then lets us finish
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    with socket.socket(fileno=fd) as channel, told_to(_Forward(channel)):
        try:
            with waited_for(store / "inbox/compactor.lock"):
                _work(channel, _Inbox(store, channel, pruned), storage)
        except (BrokenPipeError, ConnectionResetError):
            return  # the server has gone; its successor's compactor begins where the tables end
        except Exception as error:  # noqa: BLE001 - whatever it is, the server is to know
            if not isinstance(error, TelemetryError):
                traceback.print_exc()
            _report(channel, Failed(str(error) or type(error).__name__))
            raise SystemExit(1) from None


def _work(channel: socket.socket, inbox: _Inbox, storage: Storage) -> None:
    place, compactor, today = open_destination(storage.url), None, _day_that_does_not_jump()
    while packet := channel.recv(PACKET_BYTES):
        order, why = msgspec.msgpack.decode(packet, type=Order), ""
        inbox.upto = order.upto
        try:
            if order.first:
                open_delta(place, "clips")  # a wrong address or key is to be known at once, not with the first clip
            compactor = compactor or Compactor(inbox, place, today=today)
            compactor.drain()
            if order.trim:
                _report(channel, Went(trim(place, storage.limits or Limits(), today=today)))
        except NotNow as error:
            if order.first and isinstance(error, StoreRefused):
                raise
            why = str(error)
        _report(channel, Done(inbox.upto, why))


def _day_that_does_not_jump() -> Callable[[], dt.date]:
    """Today, in UTC, by the wall clock as it is now and what has passed since, which sleep is part of.

    A clock that is a year ahead for a minute must not let everything go that is a month old, nor one that is behind put
    down what comes in now as a year old.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    began, began_s = dt.datetime.now(dt.UTC), time.clock_gettime(clock)  # noqa: TID251 - a store's days are the world's

    def today() -> dt.date:
        return (began + dt.timedelta(seconds=time.clock_gettime(clock) - began_s)).date()

    return today


class _Forward:
    """Hands what is logged to the server, in whose log it belongs."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __call__(self, level: str, event: str, facts: Mapping[str, Any]) -> None:
        short = {
            name: value if isinstance(value, int | float) else str(value)[:_TEXT_CHARACTERS]
            for name, value in facts.items()
        }
        _report(self._channel, Said(level, event, short))


def _report(channel: socket.socket, report: Report) -> None:
    channel.send(msgspec.msgpack.encode(report))
