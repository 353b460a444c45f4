"""Measured links, replayed: one packet opportunity a line, as the Saturator records and mahimahi reads them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from telemetry.errors import MalformedTrace

PACKET_BYTES = 1500

_DIGITS = 12  # more milliseconds than that are no recording


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One recording, n packet opportunities, repeated for ever.

    The period is the last timestamp (Winstein, Sivaraman, Balakrishnan, NSDI 2013; so does mahimahi's mm-link): an
    opportunity at the last timestamp falls on the instant where the next round begins, and is counted there. So any
    stretch of one period has exactly n opportunities, wherever it begins.

    at_us: (n,) int64, ascending, in [0, period_us)
    period_us: µs
    """

    at_us: np.ndarray
    period_us: int

    def packets_before(self, times_us: np.ndarray) -> np.ndarray:
        """Opportunities in [0, time), (n,) int64, for (n,) int64 times >= 0, µs."""
        rounds, within_us = np.divmod(times_us, self.period_us)
        counted: np.ndarray = rounds * len(self.at_us) + np.searchsorted(self.at_us, within_us, side="left")
        return counted


def read_trace(path: Path) -> Trace:
    """The trace in a file, read once as long as the file stays as it is.

    Raises MalformedTrace: no such file, no lines, a line that is no whole number of milliseconds or is smaller than the
    one before, or nothing after millisecond 0.
    """
    try:
        found = path.stat()
        return _read(path, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise MalformedTrace(path, 0, error.strerror or str(error)) from error


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int, _size: int) -> Trace:
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.isdigit() or len(line) > _DIGITS:
            raise MalformedTrace(path, number, f"{_show(line)} is no whole number of milliseconds")
    at_ms = np.array(lines, np.bytes_).astype(np.int64)
    back = np.flatnonzero(np.diff(at_ms) < 0)
    if back.size:
        number = int(back[0]) + 2
        raise MalformedTrace(path, number, f"{at_ms[number - 1]} ms after {at_ms[number - 2]} ms goes back in time")
    if not lines:
        raise MalformedTrace(path, 1, "the file is empty")
    if not at_ms[-1]:
        raise MalformedTrace(path, len(lines), "a trace must have an opportunity after millisecond 0")
    period_us = int(at_ms[-1]) * 1000
    return Trace(np.sort(at_ms * 1000 % period_us), period_us)


def _show(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text) if text else "an empty line"
