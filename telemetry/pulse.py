"""How a server is: told beside its store every second, for `outrider serve status`; and when it closes its door."""

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec

from telemetry.compaction import Compaction
from telemetry.errors import NoServer
from telemetry.intake import Intake
from telemetry.limits import Trimmed
from telemetry.lock import is_locked

BEAT_S = 1.0
FREE_SHARE = 0.03  # of the disk; below it nothing more is taken, so that what is there can still be brought into tables
MOST_WAITING = 200_000
FILE = "inbox/status.json"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a server last said of itself.

    alive: whether a process holds the store now; healthy: alive, heard of lately, and its door open
    at_s: when it said this, on the machine's monotonic clock; age_s: how long ago
    messages_per_s: acknowledged, over the last beat; lag: messages on disk, not yet in the tables
    connected: connections; unheard: those that ended before a message came
    refused: by code, handshakes among them; closed: why its door is closed, "" where it is open
    storage: where its tables and clips go; behind_s: all that came in longer ago is in them
    waits, waited: why nothing gets into them now, and why it last did not; trimmed: what retention last let go
    """

    endpoint: str
    pid: int
    alive: bool
    at_s: float
    messages_per_s: float
    acknowledged: int
    duplicates: int
    malformed: int
    unheard: int
    connected: int
    lag: int
    disk_free_bytes: int
    disk_bytes: int
    refused: dict[str, int]
    closed: str = ""
    storage: str = ""
    behind_s: float = 0.0
    waits: str = ""
    waited: str = ""
    trimmed: Trimmed | None = None

    @property
    def age_s(self) -> float:
        """Seconds since; the monotonic clock is one for all processes of a machine."""
        return max(0.0, time.monotonic() - self.at_s)

    @property
    def healthy(self) -> bool:
        """Whether cars can count on it."""
        return self.alive and self.age_s < 10 * BEAT_S and not self.closed

    def facts(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        del told["at_s"]
        return told | {"age_s": round(self.age_s, 1), "healthy": self.healthy}


class Pulse:
    """Belongs to the collecting thread; `beat` may be called as often as one likes."""

    def __init__(self, store: Path, intake: Intake, compaction: Compaction, endpoint: str) -> None:
        self._store, self._intake, self._compaction, self._endpoint = store, intake, compaction, endpoint
        self._last_s, self._last_acknowledged = time.monotonic(), 0

    def beat(self) -> None:
        """Close or open the door, and say how things stand."""
        elapsed_s = time.monotonic() - self._last_s
        if elapsed_s < BEAT_S and (self._store / FILE).exists():
            return
        disk = shutil.disk_usage(self._store)
        self._intake.closed = None
        if disk.free < FREE_SHARE * disk.total:
            self._intake.closed = ("disk_full", f"{disk.free >> 20} MiB are free of {disk.total >> 20}")
        elif (waiting := self._intake.metrics.waiting()) > MOST_WAITING:
            self._intake.closed = ("busy", f"{waiting} messages wait to be brought into the tables")
        self._write(self._status(elapsed_s, disk.free, disk.total))
        self._last_s = time.monotonic()

    def _status(self, elapsed_s: float, free_bytes: int, disk_bytes: int) -> Status:
        metrics, compaction = self._intake.metrics, self._compaction
        metrics.disk_free_bytes = free_bytes
        acknowledged = metrics.acknowledged
        rate = (acknowledged - self._last_acknowledged) / max(elapsed_s, BEAT_S)
        self._last_acknowledged = acknowledged
        return Status(
            endpoint=self._endpoint,
            pid=os.getpid(),
            alive=True,
            at_s=time.monotonic(),
            messages_per_s=rate,
            acknowledged=acknowledged,
            duplicates=metrics.duplicates,
            malformed=metrics.malformed,
            unheard=metrics.unheard,
            connected=metrics.connected,
            lag=metrics.waiting(),
            disk_free_bytes=free_bytes,
            disk_bytes=disk_bytes,
            refused=metrics.by_reason(),
            closed=": ".join(self._intake.closed) if self._intake.closed else "",
            storage=compaction.storage.url,
            behind_s=round(compaction.behind_s, 1),
            waits=compaction.waits,
            waited=compaction.waited,
            trimmed=compaction.trimmed,
        )

    def _write(self, status: Status) -> None:
        part = self._store / f"{FILE}.part"
        with contextlib.suppress(OSError):  # a disk too full for it is said by the door
            part.write_bytes(msgspec.json.encode(status))
            part.replace(self._store / FILE)


def status_of(store: Path) -> Status:
    """What the server of a store last said, and whether it is still there; NoServer where none ever was."""
    try:
        status = msgspec.json.decode((store / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        raise NoServer(store) from None
    return msgspec.structs.replace(status, alive=is_locked(store / "inbox" / "lock"))
