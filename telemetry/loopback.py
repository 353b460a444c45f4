"""Both ends of the wire without sockets: a real fake, with the same bytes, the same checks, the same ledger."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from telemetry.clip import Clip
from telemetry.codec import clip_of, decode, encode_clip, encode_rows
from telemetry.columns import ColumnLike, unpack_rows
from telemetry.destination import Folder
from telemetry.errors import MessageRefused, StorageFull
from telemetry.gateway import OnWait
from telemetry.intake import Intake
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.messages import PASSES, WIRE_VERSION, ClipUpload, Flush, Hello, Refused, Rows, Welcome
from telemetry.metrics import Metrics
from telemetry.store import Compactor


class Loopback:
    """A gateway whose server is in the same process: what is sent is kept when the call returns.

    clips, rows: what came through, in order, where there is no store; else empty
    welcome: what a server would have said; `store` is "" where there is none
    """

    def __init__(self, store: Path | None = None, *, run: str, sender: str = "loopback") -> None:
        """Keep things in a store, or in memory; raises StoreLocked, StoreUnwritable."""
        self.run = run
        self.sender = sender
        self._memory = _Memory()
        self._ledger = None if store is None else Ledger(store)
        self._compactor = None if store is None or self._ledger is None else Compactor(self._ledger, Folder(store))
        self._intake = Intake(self._ledger or self._memory, Metrics())
        self._acknowledged: list[str] = []
        place = "" if store is None else str(store.resolve())
        self.welcome = Welcome(store=place, version=WIRE_VERSION, window_bytes=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def clips(self) -> list[Clip]:
        """Clips in memory."""
        return self._memory.clips

    @property
    def rows(self) -> dict[str, list[dict[str, np.ndarray | list[str | None]]]]:
        """Batches of rows in memory, by table."""
        return self._memory.rows

    @property
    def waiting(self) -> int:
        """Always 0."""
        return 0

    def send_clip(self, clip: Clip) -> None:
        """As `Gateway.send_clip`; raises StorageFull where a gateway would wait."""
        self._send(clip.id, encode_clip(clip))

    def send_rows(self, table: str, batch: str, columns: Mapping[str, ColumnLike]) -> None:
        """As `Gateway.send_rows`; raises StorageFull where a gateway would wait."""
        self._send(batch, encode_rows(self.run, table, batch, columns))

    def drain(self, timeout_s: float | None = None, on_wait: OnWait | None = None) -> None:
        """Nothing ever waits."""

    def take_acknowledged(self) -> list[str]:
        """As `Gateway.take_acknowledged`."""
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def flush(self, timeout_s: float | None = None, on_wait: OnWait | None = None) -> None:  # noqa: ARG002 - as Gateway
        """Bring all that was sent into the store's tables and clips."""
        if self._compactor is not None:
            self._compactor.drain()

    def close(self) -> None:
        """Let the store go."""
        if self._ledger is not None:
            self._ledger.close()

    def _send(self, name: str, frames: Sequence[bytes]) -> None:
        message = self._intake.check(frames)
        if message is None or isinstance(message, Hello | Flush):
            raise TypeError(f"a {type(message).__name__} is not kept")
        refused = message if isinstance(message, Refused) else self._intake.keep([message])[0]
        if refused is None:
            self._acknowledged.append(name)
        elif refused.code in PASSES:
            raise StorageFull(Path(self.welcome.store), refused.says)
        else:
            raise MessageRefused(refused.id, refused.code, refused.says)


class _Memory:
    """Keeps messages as a ledger does, but not for long."""

    def __init__(self) -> None:
        self.clips: list[Clip] = []
        self.rows: dict[str, list[dict[str, np.ndarray | list[str | None]]]] = {}
        self._taken: dict[str, bytes] = {}

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        return [self._take(message) for message in group]

    def known(self, message_id: str) -> bytes | None:
        return self._taken.get(message_id)

    def pieces(self, last: Incoming) -> list[bytes] | None:  # noqa: ARG002 - nothing comes in pieces where no socket is
        return None

    def forget_pieces(self, owner: str, whole: str) -> None:
        """There are none."""

    def _take(self, incoming: Incoming) -> Outcome:
        known = self._taken.setdefault(incoming.id, incoming.digest)
        if known is not incoming.digest:
            return Outcome.DUPLICATE if known == incoming.digest else Outcome.CONFLICT
        message, parts = decode(incoming.frames)
        if isinstance(message, ClipUpload):
            self.clips.append(clip_of(message, parts))
        elif isinstance(message, Rows):
            self.rows.setdefault(message.table, []).append(
                {"run": [message.run] * message.count, **unpack_rows(message)}
            )
        return Outcome.STORED
