"""The one place where logs get their form: events go to standard error, standard output belongs to `--json`."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO, cast

Listener = Callable[[str, str, Mapping[str, Any]], None]

_QUIET = frozenset({"debug", "info"})


def configure(*, verbose: bool = False) -> None:
    """Log warnings, and with `verbose` everything down to single clips, to standard error."""
    import logging

    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=False,
    )


def plain(*, verbose: bool = False) -> Listener:
    """What `configure` does, uncoloured, for `telemetry.serve`: a server has better uses for memory than structlog."""
    file = _StandardError()

    def write(level: str, event: str, facts: Mapping[str, Any]) -> None:
        if verbose or level not in _QUIET:
            file.write(line(level, event, facts) + "\n")
            file.flush()

    return write


def line(level: str, event: str, facts: Mapping[str, Any]) -> str:
    """An event as structlog's console has it."""
    words = [f"[{level:<9}]", f"{event:<30}", *(f"{name}={_shown(facts[name])}" for name in sorted(facts))]
    return " ".join(words).rstrip(" ")


def _shown(value: object) -> str:
    return value if isinstance(value, str) and not set(value) & set(" \t=\r\n\"'") else repr(value)


class _StandardError:
    """Standard error, where a line that finds no room is lost: a full disk is to be survived, not to be died of."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
