"""What a server does with messages, sockets apart: check, keep, and only then say so."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from telemetry.codec import Frame, decode, digest_of
from telemetry.errors import MalformedMessage, StorageFull
from telemetry.ledger import Incoming, Outcome
from telemetry.messages import AnyMessage, ClipUpload, Flush, Hello, RefusalCode, Refused, Rows
from telemetry.metrics import Metrics

log = structlog.get_logger()


class Keeper(Protocol):
    """What keeps messages: a ledger, or a list in memory."""

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        """As `Ledger.append`."""


class Intake:
    """The door of one store."""

    def __init__(self, ledger: Keeper, metrics: Metrics) -> None:
        self.ledger = ledger
        self.metrics = metrics

    def check(self, frames: Sequence[Frame]) -> Hello | Flush | Incoming:
        """What came in, checked; raises MalformedMessage."""
        self.metrics.received.inc()
        self.metrics.received_bytes.inc(sum(len(frame) for frame in frames))
        try:
            message, _ = decode(frames)
            return _for_a_server(message, frames)
        except MalformedMessage as error:
            self.metrics.malformed.inc()
            log.warning("message_dropped", id=error.message_id, why=error.why)
            raise

    def keep(self, group: Sequence[Incoming]) -> list[Refused | None]:
        """Keep a group; for each message None where it is on disk, else why not."""
        try:
            outcomes = self.ledger.append(group)
        except StorageFull as error:
            log.warning("storage_full", messages=len(group), why=error.why)
            return [self._refuse(message.id, "disk_full", str(error)) for message in group]
        return [self._settle(message, outcome) for message, outcome in zip(group, outcomes, strict=True)]

    def _settle(self, message: Incoming, outcome: Outcome) -> Refused | None:
        if outcome is Outcome.CONFLICT:
            says = "the server has another message under this id; was the run's name used before?"
            return self._refuse(message.id, "conflict", says)
        counter = self.metrics.acknowledged if outcome is Outcome.STORED else self.metrics.duplicates
        counter.inc()
        return None

    def _refuse(self, message_id: str, code: RefusalCode, says: str) -> Refused:
        self.metrics.refused.labels(code).inc()
        return Refused(id=message_id, code=code, says=says)


def _for_a_server(message: AnyMessage, frames: Sequence[Frame]) -> Hello | Flush | Incoming:
    if isinstance(message, ClipUpload | Rows):
        return Incoming(message.id, digest_of(frames), frames)
    if isinstance(message, Hello | Flush):
        return message
    raise MalformedMessage(f"a {type(message).__name__} is for the car side")
