"""Keys that go on sending after they were told to wait: soon not read any more, in the end cut off.

To receive a message costs a server a tenth of what it costs to read and refuse it, and a sender that heeds refusals
needs few of them: it sends nothing until the pause is over, and then one message. What was under way when it was first
told is at most its window. Who sends more than that does not listen.
"""

from dataclasses import dataclass

WINDOW_BYTES = 64 * 2**20
"""The largest window that a server grants."""

ANSWERS_A_S = 16
FORGIVEN_BYTES_A_S = 2**20
"""So fast bytes that came in spite of a refusal are forgotten: a probe every second is no flood."""


@dataclass(slots=True)
class _Told:
    """A key over its quota: bytes that came since, when the last did, answers in the second that began then."""

    nbytes: float
    at_s: float
    second_s: float
    answers: int = 0


class Deafness:
    """Which keys do not listen. Times are seconds on a clock that never goes back."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}
        self._deaf: list[str] = []

    def may_be_read(self, key: str, nbytes: int, now_s: float) -> bool:
        """Another message came under a key that is over its quota: whether to read and answer it, or to drop it."""
        told = self._told.setdefault(key, _Told(0.0, now_s, now_s))
        told.nbytes = max(0.0, told.nbytes - (now_s - told.at_s) * FORGIVEN_BYTES_A_S) + nbytes
        told.at_s = now_s
        if told.nbytes > WINDOW_BYTES:
            self._deaf.append(key)
            del self._told[key]
            return False
        if now_s - told.second_s >= 1.0:
            told.second_s, told.answers = now_s, 0
        told.answers += 1
        return told.answers <= ANSWERS_A_S

    def listened(self, key: str) -> None:
        """A key is within its quota again."""
        self._told.pop(key, None)

    def take_deaf(self) -> list[str]:
        """Keys that are to be cut off, since the last call."""
        taken, self._deaf = self._deaf, []
        return taken
