"""What is safely on disk: messages in a log of segment files, every id ever taken exactly once.

The log is the truth. A group of messages is appended to one segment and synced, and with that one sync it may be
acknowledged. An index behind it knows every id and how far in the log it goes; after a crash the rest of the log is
read again, up to the first record that is none: a group that was never acknowledged, or damage, see `segments.py`.

    inbox/segments/N.seg      the log, see `log_format.py`
    inbox/index.sqlite        taken (never pruned), piece (of messages that are not yet whole), mark
"""

import contextlib
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

import apsw
import msgspec

from telemetry.codec import Frame
from telemetry.entries import Entry, Reader
from telemetry.errors import StorageFull, StoreUnwritable
from telemetry.index import Index
from telemetry.keys import Holder
from telemetry.lock import StoreLock
from telemetry.log_format import About
from telemetry.messages import Piece
from telemetry.partials import Partials
from telemetry.segments import Place, Segments, sync_folder

__all__ = ["Entry", "Incoming", "Ledger", "Outcome"]

SEGMENT_BYTES = 64 * 2**20
ENTER_MESSAGES = 1_000
"""So many ids wait in memory for the index; four times as many while there is no room for it."""

ENTER_BYTES = 16 * 2**20  # of the log that a start reads again, at most


class Outcome(Enum):
    """What became of a message: new, there already, or there already with other content."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Incoming(msgspec.Struct, frozen=True):
    """A message that was checked and is to be kept.

    id: it is kept once under this
    digest: of its content; the same id with another is a conflict
    frames: as they came
    speaker: whose key it came under, None on a server without keys
    piece: which piece of which message it is, None where it is whole; its digest is then the whole's
    """

    id: str
    digest: bytes
    frames: Sequence[Frame]
    speaker: Holder | None = None
    piece: Piece | None = None

    @property
    def owner(self) -> str:
        """The key that it came under; one cannot add to the pieces of another."""
        return self.speaker.public if self.speaker else ""

    @property
    def completes(self) -> bool:
        """Whether it is the last piece of a message."""
        return self.piece is not None and self.piece.number == self.piece.count - 1


class Ledger:
    """The inbox of one store; belongs to one thread.

    last_seq: of the newest message ever kept, 0 before the first
    pruned: of the newest that is no longer needed
    """

    def __init__(
        self, store: Path, *, segment_bytes: int = SEGMENT_BYTES, enter_messages: int = ENTER_MESSAGES
    ) -> None:
        """Open or make `store/inbox`; raises StoreLocked, StoreUnwritable, LedgerCorrupt."""
        inbox = store / "inbox"
        self.store, self._enter_messages = store, enter_messages
        with _unwritable(store):
            inbox.mkdir(parents=True, exist_ok=True)
            self._lock = StoreLock(store, inbox / "lock")
            if (inbox / "ledger.sqlite").exists():
                raise StoreUnwritable(store, "its inbox is that of an earlier release; begin a new store")
            self._index = Index(store, inbox / "index.sqlite")
            for folder in (inbox, store, store.absolute().parent):
                sync_folder(folder)
            self._segments = Segments(inbox / "segments", roll_bytes=segment_bytes)
            self._partials = Partials(self._index.pieces(), min(self._segments.heads, default=2**63))
            self._pending: dict[str, bytes] = {}
            self.last_seq, self.pruned = 0, self._index.pruned
            self._read_again()
            self._reader = Reader(store)

    @property
    def waiting(self) -> int:
        """Messages that were not pruned yet; may be read from any thread."""
        return self.last_seq - self.pruned

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        """Keep a group of messages, all or none; when it returns, they are on disk.

        Raises StorageFull, with none of them kept. Any other error of the disk is final and ends the server.
        """
        known = self._digests([message.piece.of if message.piece else message.id for message in group])
        fresh: dict[tuple[str, str], Incoming] = {}
        outcomes = []
        for message in group:
            place = (message.owner if message.piece else "", message.id)
            was = fresh[place].digest if place in fresh else self._digest_of(message, known)
            if was is None or (message.piece and was != message.digest):
                fresh[place] = message  # of pieces the newest count: a sender may begin anew with other content
                outcomes.append(Outcome.STORED)
            else:
                outcomes.append(Outcome.DUPLICATE if was == message.digest else Outcome.CONFLICT)
        if fresh:
            self._make_room()
            self._keep(list(fresh.values()))
        return outcomes

    def known(self, message_id: str) -> bytes | None:
        """The digest under which a whole message was ever taken."""
        return self._digests([message_id]).get(message_id)

    def pieces(self, last: Incoming) -> list[bytes] | None:
        """What all pieces before the last one hold, in order; None where one is missing. Raises StorageFull."""
        if last.piece is None:
            return None
        found = [self._segments.frames(place) for place in self._partials.places(last.owner, last.id, last.digest)]
        parts = [frames[1] for frames in found if frames]
        return parts if len(parts) == last.piece.count - 1 else None

    def forget_pieces(self, owner: str, whole: str) -> None:
        """Drop the pieces of a message that came to nothing."""
        self._partials.drop(owner, whole)

    def entries(self, after: int, limit: int) -> Iterator[Entry]:
        """Messages above `after` that were not pruned, ascending, at most `limit`; raises LedgerCorrupt."""
        return self._reader.entries(max(after, self.pruned), self.last_seq, limit)

    def prune(self, upto: int) -> None:
        """The messages up to and with `upto` are no longer needed; their ids stay taken.

        Segments go once the index has, synced, what was in them. After a power cut it may have forgotten how far the
        log was pruned, and the same messages come once more.

        Where none waits any more, the index is told at once how far the log goes: what it knows is never cut off.
        """
        self.pruned = max(self.pruned, upto)
        if not self.waiting:
            with contextlib.suppress(StorageFull):
                self._enter()
        needed = [self._segments.end.segment, self._partials.oldest_segment]
        needed += [number - 1 for number, head in self._segments.heads.items() if head.first > self.pruned + 1]
        oldest = min(number for number in needed if number is not None)
        if min(self._segments.heads) >= oldest:
            return
        if self._index.known.segment < oldest:
            with contextlib.suppress(StorageFull):
                self._enter()
        if self._index.synced.segment < oldest:
            with contextlib.suppress(StorageFull):
                self._index.sync()
        self._segments.remove_before(min(oldest, self._index.synced.segment))

    def close(self) -> None:
        """Close; an inbox that is empty leaves no segments behind."""
        with contextlib.suppress(StorageFull):
            self._enter()
        with contextlib.suppress(StorageFull):
            self._index.sync()
        self._index.close()
        all_known = self._index.synced == self._segments.end
        self._segments.close(empty=all_known and not self.waiting and not self._partials)
        self._lock.close()

    def _make_room(self) -> None:
        """For more ids in memory: enter those that are there; raises StorageFull where they are too many by now."""
        if not self._is_time_to_enter():
            return
        try:
            self._enter()
        except StorageFull:
            if len(self._pending) >= 4 * self._enter_messages:
                raise

    def _is_time_to_enter(self) -> bool:
        end, known = self._segments.end, self._index.known
        many = len(self._pending) + len(self._partials.steps) >= self._enter_messages
        return many or end.segment != known.segment or end.at - known.at >= ENTER_BYTES

    def _enter(self) -> None:
        end = self._segments.end
        if (end, self.pruned) != (self._index.known, self._index.pruned) or self._partials.steps:
            self._index.enter(self._pending.items(), self._partials.steps, end, self.pruned)
            self._pending.clear()
            self._partials.steps.clear()

    def _keep(self, fresh: Sequence[Incoming]) -> None:
        seq, records = self.last_seq, list[tuple[About, Sequence[Frame]]]()
        for message in fresh:
            piece = message.piece
            seq += piece is None
            about = About(
                seq, piece.of if piece else message.id, message.digest, message.owner, piece.number if piece else None
            )
            records.append((about, message.frames))
        places = self._segments.append(records)
        self._segments.sync()
        self._segments.keep(places, seq)
        for (about, _), place in zip(records, places, strict=True):
            self._note(about, place)
        self.last_seq = seq

    def _note(self, about: About, place: Place) -> None:
        """A record stands in the log."""
        if about.piece is None:
            self._pending[about.id] = about.digest
            if self._partials:
                self._partials.drop(about.owner, about.id)
        else:
            self._partials.add(about.owner, about.id, about.piece, about.digest, place)

    def _digests(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Of those ids that were ever taken, their messages' digests."""
        found = self._index.digests(ids)
        pending = self._pending
        return found | {each: pending[each] for each in ids if each in pending}

    def _digest_of(self, message: Incoming, known: dict[str, bytes]) -> bytes | None:
        """What is known under a message's id: of a piece, its own or, once that is there, the whole's."""
        if message.piece is None:
            return known.get(message.id)
        mine = self._partials.digest_of(message.owner, message.piece.of, message.piece.number)
        return mine or known.get(message.piece.of)

    def _read_again(self) -> None:
        """Take from the log what the index does not know."""
        for about, place in self._segments.after(self._index.known):
            self._note(about, place)
            if len(self._pending) >= self._enter_messages:
                self._enter()
        self._segments.go_on()
        self.last_seq = self._segments.end.seq


@contextlib.contextmanager
def _unwritable(store: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnwritable(store, error.strerror or str(error)) from error
    except StorageFull as error:
        raise StoreUnwritable(store, error.why) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.NotADBError, apsw.IOError, apsw.FullError) as error:
        raise StoreUnwritable(store, str(error)) from error
