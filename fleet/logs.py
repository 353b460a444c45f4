"""The one place where structlog is configured: events go to standard error, standard output belongs to `--json`."""

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog


def configure(*, verbose: bool = False) -> None:
    """Log warnings, and with `verbose` everything down to single clips, to standard error."""
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


class _StandardError:
    """Standard error, where a line that finds no room is lost: a full disk is to be survived, not to be died of."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
