"""The cars' end of the wire: sends, waits for acknowledgements, sends again, until all is on the server's disk."""

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Mapping
from typing import Self

from telemetry.clip import Clip
from telemetry.codec import encode, encode_clip, encode_rows
from telemetry.columns import ColumnLike
from telemetry.connection import Connection
from telemetry.errors import MessageRefused, NotAdmitted, ServerUnreachable, WaitTimeout
from telemetry.events import log
from telemetry.keys import KeyFile
from telemetry.messages import (
    OLDEST_VERSION,
    PASSES,
    WIRE_VERSION,
    Ack,
    AnyMessage,
    Flush,
    Flushed,
    Hello,
    Refused,
    Welcome,
    clip_message_id,
    rows_message_id,
)
from telemetry.patience import Patience
from telemetry.pieces import cut
from telemetry.window import Pending, Window

OnWait = Callable[[int], None]
"""Called about once a second of waiting with how many messages wait."""

WINDOW_BYTES = 64 * 2**20
CONNECT_S = 15.0
RESEND_S = (10.0, 60.0)  # first, longest; doubles in between


class Gateway:
    """Speaks for all cars of one process; not for use by several threads.

    It works whenever it is called, and needs no thread: between calls libzmq keeps the connection. A server that goes
    away and comes back costs time and nothing else.

    welcome: what the server said of itself
    """

    def __init__(  # noqa: PLR0913 - who speaks, as what, to whom, and how long it waits
        self,
        endpoint: str,
        *,
        run: str,
        sender: str,
        window_bytes: int = WINDOW_BYTES,
        connect_timeout_s: float = CONNECT_S,
        on_wait: OnWait | None = None,
        key: KeyFile | None = None,
        loadout: str = "",
    ) -> None:
        """Connect, and wait for the server's welcome; `on_wait` is for waits of `send_clip` and `send_rows`.

        key: to be let in with, None for a server that speaks plain text; loadout: what the cars run.
        Raises ServerUnreachable, NotAdmitted, VersionMismatch, BadAddress.
        """
        self.endpoint = endpoint
        self.run = run
        self._key = key
        self._window_bytes = window_bytes
        self._window = Window(window_bytes)
        self._acknowledged: list[str] = []
        self._on_wait = on_wait
        self._patience = Patience()
        self._flushes = itertools.count(1)
        self._process = f"{sender}-{os.urandom(6).hex()}"
        self.welcome = Welcome(store="", version=WIRE_VERSION, window_bytes=window_bytes)
        hello = Hello(sender=self._process, run=run, versions=[OLDEST_VERSION, WIRE_VERSION], loadout=loadout)
        self._connection = Connection(endpoint, encode(hello), key)
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            if not self._wait(lambda: self._connection.open, connect_timeout_s, None):
                raise ServerUnreachable(endpoint, connect_timeout_s, keyed=key is not None)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Messages that were not acknowledged yet."""
        return len(self._window)

    def send_clip(self, clip: Clip) -> None:
        """Send a clip once, whatever happens; waits only while the window is full.

        Raises BadClip, TooBig, and what `drain` raises.
        """
        self._send(clip_message_id(clip.run, clip.id), clip.id, encode_clip(clip))

    def send_rows(self, table: str, batch: str, columns: Mapping[str, ColumnLike]) -> None:
        """Send rows of a table once; `batch` names them within run and table, every column but `run` must be there.

        Raises UnknownTable, WrongColumns, TooBig, and what `drain` raises.
        """
        self._send(rows_message_id(self.run, table, batch), batch, encode_rows(self.run, table, batch, columns))

    def drain(self, timeout_s: float | None = None, on_wait: OnWait | None = None) -> None:
        """Wait until all that was sent is acknowledged, however often the server goes away.

        Raises MessageRefused, NotAdmitted, VersionMismatch, and WaitTimeout after `timeout_s` of wall time.
        """
        if not self._wait(lambda: not self._window, timeout_s, on_wait):
            raise WaitTimeout("drain", len(self._window), timeout_s or 0.0)

    def take_acknowledged(self) -> list[str]:
        """What was acknowledged since the last call, in that order: ids of clips and names of batches."""
        self._work()
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def flush(self, timeout_s: float | None = None, on_wait: OnWait | None = None) -> None:
        """Drain, and wait until all of it is in the server's tables and clips; raises what `drain` raises."""
        self.drain(timeout_s, on_wait)
        flush = Flush(id=f"{self._process}-{next(self._flushes)}")
        self._window.add(Pending(flush.id, "", encode(flush)))
        if not self._wait(lambda: not self._window, timeout_s, on_wait):
            self._window.forget(flush.id)
            raise WaitTimeout("flush", 1, timeout_s or 0.0)

    def close(self) -> None:
        """Hang up at once; what was not acknowledged may be lost, so drain first."""
        self._connection.close()

    def _send(self, message_id: str, name: str, frames: list[bytes]) -> None:
        """Whole or in pieces; `name` is told when the last of them is acknowledged, which has the message's id."""
        for piece_id, piece in cut(message_id, frames):
            pending = Pending(piece_id, name if piece_id == message_id else "", piece)
            self._work()
            self._wait(lambda nbytes=pending.nbytes: self._window.has_room(nbytes), None, self._on_wait)  # type: ignore[misc]
            self._window.add(pending)
            self._work()

    def _wait(self, done: Callable[[], bool], timeout_s: float | None, on_wait: OnWait | None) -> bool:
        """Work until something holds; whether it did in time."""
        start_s = told_s = time.monotonic()
        self._work()
        while not done():
            now_s = time.monotonic()
            if on_wait is not None and now_s - told_s >= 1.0:
                told_s = now_s
                on_wait(len(self._window))
            if timeout_s is not None and now_s - start_s >= timeout_s:
                return False
            self._connection.poll(0.1 if timeout_s is None else min(0.1, start_s + timeout_s - now_s))
            self._work()
        return True

    def _work(self) -> None:
        """Hear what the server said, then send what is due: in this order, for we may have been away for long."""
        for message in self._connection.hear():
            self._take(message)
        now_s = time.monotonic()
        if not self._connection.open or not self._patience.may_send(now_s):
            return
        for pending in self._window.due(now_s):
            if not self._connection.say(pending.frames):
                break
            pending.due_s = now_s + min(RESEND_S[0] * 2**pending.tries, RESEND_S[1])
            pending.tries += 1
            if self._patience.only_one(pending.id, now_s):
                break

    def _take(self, message: AnyMessage) -> None:
        if isinstance(message, Welcome):
            self._begin(message)
        elif isinstance(message, Ack):
            self._patience.taken()
            done = [self._window.forget(message_id) for message_id in message.ids]
            self._acknowledged += [pending.name for pending in done if pending and pending.name]
        elif isinstance(message, Flushed):
            self._patience.taken()
            self._window.forget(message.id)
        elif isinstance(message, Refused):
            self._accept_refusal(message)

    def _begin(self, welcome: Welcome) -> None:
        if self.welcome.store:
            log.info("server_came_back", endpoint=self.endpoint, waiting=len(self._window))
        self.welcome = welcome
        self._window.limit_bytes = min(self._window_bytes, welcome.window_bytes)
        self._patience.taken()
        self._window.send_all_again()

    def _accept_refusal(self, refused: Refused) -> None:
        if refused.code == "unknown_key" and self._key:  # revoked since it was let in
            raise NotAdmitted(self.endpoint, self._key.name)
        if refused.code not in PASSES:
            self._window.forget(refused.id)
            raise MessageRefused(refused.id, refused.code, refused.says)
        pending = self._window.get(refused.id)
        if pending is None:
            return
        pending.due_s = 0.0
        if self._patience.refused(refused.id, time.monotonic(), refused.retry_after_ms / 1000):
            log.warning("server_refused_for_now", code=refused.code, says=refused.says)
