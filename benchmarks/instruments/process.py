"""What a process costs: CPU time and memory."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path


def cpu_us(work: Callable[[], object]) -> float:
    """CPU time of one call in this process, microseconds."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e6


def resident_mb(pid: int | None = None) -> float:
    """Memory of a process, this one without a number; 0 where it has gone."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in found for child in each.read_text().split()]
