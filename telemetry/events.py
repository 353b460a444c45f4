"""What this package tells of itself: events with facts, to structlog, or to whom a process names in its place.

structlog brings in asyncio, ssl and rich, 13 MB in all. It is imported with the first event that goes to it: in a
process that names another listener never, and a server that collects need be no larger than its work.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Listener = Callable[[str, str, Mapping[str, Any]], None]
"""Called with the level, the event and its facts."""


def _structlog(level: str, event: str, facts: Mapping[str, Any]) -> None:
    import structlog

    getattr(structlog.get_logger(), level)(event, **facts)


class Log:
    """Called as structlog's loggers are; for all threads."""

    def __init__(self) -> None:
        self.listener: Listener = _structlog

    def tell(self, level: str, event: str, /, **facts: Any) -> None:
        """An event of any level."""
        self.listener(level, event, facts)

    def debug(self, event: str, /, **facts: Any) -> None:
        """For whoever looks for a fault."""
        self.listener("debug", event, facts)

    def info(self, event: str, /, **facts: Any) -> None:
        """As it should be."""
        self.listener("info", event, facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        """To be looked at."""
        self.listener("warning", event, facts)


log = Log()


@contextlib.contextmanager
def told_to(listener: Listener | None) -> Iterator[None]:
    """Tell a listener for a while; None leaves it as it is."""
    before = log.listener
    log.listener = listener or before
    try:
        yield
    finally:
        log.listener = before
