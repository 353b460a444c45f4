"""When to try a server again that has no room: one message first, all of them once that one is taken."""

SHORTEST_S = 0.25
LONGEST_S = 5.0
ANSWER_S = 10.0  # a probe without an answer is followed by another


class Patience:
    """Times are seconds on the caller's monotonic clock."""

    def __init__(self) -> None:
        self._refused = False
        self._probe = ""
        self._pause_s = SHORTEST_S
        self._until_s = 0.0

    def may_send(self, now_s: float) -> bool:
        """Whether anything may be sent now."""
        return now_s >= self._until_s

    def only_one(self, message_id: str, now_s: float) -> bool:
        """Whether the message that was just sent must be the last until it is answered."""
        if self._refused:
            self._probe = message_id
            self._until_s = now_s + ANSWER_S
        return self._refused

    def refused(self, message_id: str, now_s: float, at_least_s: float = 0.0) -> bool:
        """The server has no room for a message, and says how long at least; whether that is news."""
        news = not self._refused
        if news or message_id == self._probe:
            self._pause_s = SHORTEST_S if news else min(2 * self._pause_s, LONGEST_S)
            self._until_s = now_s + max(self._pause_s, at_least_s)
        self._refused, self._probe = True, ""
        return news

    def taken(self) -> None:
        """The server took something: it has room, or is a new one."""
        self._refused = False
        self._until_s = 0.0
