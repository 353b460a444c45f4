"""What the cars' end has sent and not yet seen acknowledged, in order, within a bound of bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from telemetry.errors import MessageRefused


@dataclass(slots=True)
class Pending:
    """A message on its way.

    id: on the wire
    name: as the caller knows it
    frames: its bytes
    tries: how often it was handed to the socket
    due_s: when it is to be sent (again), on the caller's monotonic clock
    """

    id: str
    name: str
    frames: list[bytes]
    tries: int = 0
    due_s: float = 0.0
    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.nbytes = sum(len(frame) for frame in self.frames)


class Window:
    """Pending messages, oldest first.

    limit_bytes: how much may wait; one message alone may be bigger
    nbytes: how much does
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.nbytes = 0
        self._pending: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def has_room(self, nbytes: int) -> bool:
        """Whether so many bytes more may wait."""
        return not self._pending or self.nbytes + nbytes <= self.limit_bytes

    def add(self, message: Pending) -> None:
        """Wait for one more, or the one that waits under this id already; raises MessageRefused if they differ."""
        same = self._pending.setdefault(message.id, message)
        if same is message:
            self.nbytes += message.nbytes
        elif same.frames != message.frames:
            raise MessageRefused(message.id, "conflict", "another message waits under this id")

    def get(self, message_id: str) -> Pending | None:
        """The message under an id, if it waits."""
        return self._pending.get(message_id)

    def forget(self, message_id: str) -> Pending | None:
        """Wait for it no more; None where it did not wait."""
        message = self._pending.pop(message_id, None)
        self.nbytes -= message.nbytes if message else 0
        return message

    def due(self, now_s: float) -> Iterator[Pending]:
        """What is to be sent now, oldest first."""
        return (message for message in list(self._pending.values()) if message.due_s <= now_s)

    def send_all_again(self) -> None:
        """The connection was new: what was on the old one may be lost."""
        for message in self._pending.values():
            message.due_s = 0.0
            message.tries = 0
