"""What a server does with messages, sockets apart: check, keep, and only then say so."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.codec import Frame, decode, digest_of
from telemetry.deafness import Deafness
from telemetry.errors import ForeignVersion, MalformedMessage, StorageFull
from telemetry.events import log
from telemetry.keys import Holder
from telemetry.ledger import Incoming, Outcome
from telemetry.messages import (
    PASSES,
    AnyMessage,
    ClipUpload,
    Flush,
    Hello,
    Piece,
    RefusalCode,
    Refused,
    Rows,
)
from telemetry.metrics import Metrics
from telemetry.pieces import joined
from telemetry.quota import Quota

RETRY_MS = 1_000
TELL_EVERY_S = 1.0
SAYS_CHARACTERS = 1_000


class Keeper(Protocol):
    """What keeps messages: a ledger, or a list in memory."""

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        """As `Ledger.append`."""

    def known(self, message_id: str) -> bytes | None:
        """As `Ledger.known`."""

    def pieces(self, last: Incoming) -> list[bytes] | None:
        """As `Ledger.pieces`."""

    def forget_pieces(self, owner: str, whole: str) -> None:
        """As `Ledger.forget_pieces`."""


class Intake:
    """The door of one store.

    closed: the code and the reason with which everything is refused for now, None where the door is open
    deafness: which keys do not listen to refusals
    """

    def __init__(
        self,
        ledger: Keeper,
        metrics: Metrics,
        *,
        quota: Quota | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger = ledger
        self.metrics = metrics
        self.closed: tuple[RefusalCode, str] | None = None
        self.deafness = Deafness()
        self._quota = quota or Quota()
        self._clock = clock
        self._tell_again_s, self._untold = -math.inf, 0

    def check(
        self, frames: Sequence[Frame], speaker: Holder | None = None
    ) -> Hello | Flush | Incoming | Refused | None:
        """What came in, checked, or why it is not taken; None where it is dropped unread, for its key does not listen.

        Raises MalformedMessage where nobody can be answered.

        speaker: whose key it came under, None on a server without keys.
        """
        nbytes = sum(len(frame) for frame in frames)
        self.metrics.received += 1
        self.metrics.received_bytes += nbytes
        wait_s = self._charge(speaker, nbytes)
        if wait_s is None:
            return None
        try:
            message, _ = decode(frames)
            taken = _for_a_server(message, frames, speaker)
        except ForeignVersion as error:
            return self.refuse("", "version", str(error))
        except MalformedMessage as error:
            self.metrics.malformed += 1
            self._tell(error)
            if not error.message_id:
                raise
            return self.refuse(error.message_id, "malformed", error.why)
        if not isinstance(taken, Incoming):
            return taken
        return self._not_now(taken, wait_s) or self._not_theirs(taken.id, message, speaker) or taken

    def keep(self, group: Sequence[Incoming]) -> list[Refused | None]:
        """Keep a group; for each message None where it is on disk, else why not."""
        answers = iter(self._keep([message for message in group if not message.completes]))
        return [self._complete(message) if message.completes else next(answers) for message in group]

    def refuse(self, message_id: str, code: RefusalCode, says: str, retry_s: float = 0.0) -> Refused:
        """The answer to what is not taken, counted."""
        self.metrics.refused[code] += 1
        retry_ms = max(RETRY_MS, min(round(retry_s * 1000), 3_600_000)) if code in PASSES else 0
        return Refused(id=message_id, code=code, says=says[:SAYS_CHARACTERS], retry_after_ms=retry_ms)

    def _tell(self, error: MalformedMessage) -> None:
        """In the log, but not for every one of a flood; the counter has them all."""
        self._untold += 1
        if self._clock() >= self._tell_again_s:
            log.warning("message_dropped", id=error.message_id, why=error.why, since_last=self._untold)
            self._tell_again_s, self._untold = self._clock() + TELL_EVERY_S, 0

    def _charge(self, speaker: Holder | None, nbytes: int) -> float | None:
        """Seconds until the quota has room, 0 where it has; None where the message is to be dropped unread."""
        key, fleet = (speaker.public, speaker.fleet) if speaker else ("", None)
        now_s = self._clock()
        wait_s = self._quota.charge(key, fleet, nbytes, now_s)
        if not wait_s:
            self.deafness.listened(key)
        elif not self.deafness.may_be_read(key, nbytes, now_s):
            self.metrics.refused["quota"] += 1
            return None
        return wait_s

    def _not_now(self, message: Incoming, wait_s: float) -> Refused | None:
        if self.closed:
            return self.refuse(message.id, *self.closed)
        if wait_s:
            return self.refuse(message.id, "quota", f"used up; room again in {wait_s:.0f} s", wait_s)
        return None

    def _not_theirs(self, message_id: str, message: AnyMessage, speaker: Holder | None) -> Refused | None:
        """A key speaks for its own cars; what a piece is part of shows when it is whole."""
        if speaker is None or speaker.cars is None or isinstance(message, Piece):
            return None
        if speaker.speaks_for(_cars_in(message)):
            return None
        log.warning("message_of_others", key=speaker.name, id=message_id)
        return self.refuse(message_id, "not_yours", f"the key of {speaker.name!r} does not speak for these cars")

    def _keep(self, group: Sequence[Incoming]) -> list[Refused | None]:
        if not group:
            return []
        try:
            outcomes = self.ledger.append(group)
        except StorageFull as error:
            log.warning("storage_full", messages=len(group), why=error.why)
            return [self.refuse(message.id, "disk_full", str(error)) for message in group]
        return [self._settle(message, outcome) for message, outcome in zip(group, outcomes, strict=True)]

    def _complete(self, last: Incoming) -> Refused | None:
        """With its last piece a message is whole: it is checked as if it had come so, and kept."""
        known = self.ledger.known(last.id)
        if known is not None:
            self.ledger.forget_pieces(last.owner, last.id)
            return self._settle(last, Outcome.DUPLICATE if known == last.digest else Outcome.CONFLICT)
        try:
            before = self.ledger.pieces(last)
        except StorageFull as error:
            return self.refuse(last.id, "disk_full", str(error))
        if before is None:
            return self.refuse(last.id, "pieces_missing", "send all of its pieces again")
        try:
            frames = joined(last.id, last.digest, [*before, last.frames[1]])
            message, _ = decode(frames)
            if not isinstance(message, ClipUpload | Rows) or message.id != last.id:
                raise MalformedMessage("the pieces make another message than was said", message_id=last.id)
        except MalformedMessage as error:
            self.metrics.malformed += 1
            self.ledger.forget_pieces(last.owner, last.id)
            return self.refuse(last.id, "malformed", error.why)
        whole = msgspec.structs.replace(last, frames=frames, piece=None)
        return self._not_theirs(last.id, message, last.speaker) or self._keep([whole])[0]

    def _settle(self, message: Incoming, outcome: Outcome) -> Refused | None:
        if outcome is Outcome.CONFLICT:
            says = "the server has another message under this id; was the run's name used before?"
            return self.refuse(message.id, "conflict", says)
        if outcome is Outcome.DUPLICATE:
            self.metrics.duplicates += 1
        elif message.piece:
            self.metrics.pieces += 1
        else:
            self.metrics.acknowledged += 1
        return None


def _for_a_server(message: AnyMessage, frames: Sequence[Frame], speaker: Holder | None) -> Hello | Flush | Incoming:
    if isinstance(message, ClipUpload | Rows):
        return Incoming(message.id, digest_of(frames), frames, speaker)
    if isinstance(message, Piece):
        return Incoming(message.id, bytes.fromhex(message.digest), frames, speaker, message)
    if isinstance(message, Hello | Flush):
        return message
    raise MalformedMessage(f"a {type(message).__name__} is for the car side")


def _cars_in(message: AnyMessage) -> NDArray[np.int64] | None:
    """The cars that a message says something of; None where that is no car."""
    if isinstance(message, ClipUpload):
        return np.array([message.car], np.int64)
    if isinstance(message, Rows) and "car" in message.columns:
        return np.frombuffer(message.columns["car"].values, "<i8")
    return None
