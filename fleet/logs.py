"""The one place where structlog is configured: events go to standard error, standard output belongs to `--json`."""

import logging
import sys

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
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
