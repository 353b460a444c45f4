"""Work that is killed again and again, each time a little later, until it gets through; as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

import telemetry.bucket  # before there are children, who would each load it anew
from telemetry.destination import open_destination
from telemetry.ledger import Ledger
from telemetry.store import Compactor

OURS = str(Path(telemetry.bucket.__file__).parent)


def deaths(work: Callable[[], object], arm: Callable[[int], None]) -> Iterator[int]:
    """How many died so far, after each life; `arm` says to one who knows that number when to die."""
    died = 0
    while True:
        child = os.fork()
        if not child:
            arm(died)
            work()
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code > 0:
            raise ChildProcessError(f"nobody killed it, and it ended with exit code {code}")
        died += code != 0
        yield died
        if not code:
            return


def die_after(steps: int, counts: Callable[[FrameType, str], bool]) -> None:
    """Be killed at so many of the calls and returns that count, in whatever thread."""

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal steps
        steps -= counts(frame, event)
        if not steps:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    threading.setprofile(count)


def compactor_deaths(
    store: Path, url: str, options: Mapping[str, str], *, entries: int, calls: int, moment_s: float
) -> int:
    """Compact until it gets through, `entries` a step; each life lasts `calls` of our calls more than the last."""
    command = [sys.executable, __file__, store, url, json.dumps(options), *map(str, (entries, calls, moment_s))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def _main(store: str, url: str, options: str, entries: int, calls: int, moment_s: float) -> None:
    def compact() -> None:
        ledger = Ledger(Path(store))
        compactor = Compactor(ledger, open_destination(url, json.loads(options)))
        while compactor.step(entries):
            for appended in compactor._tables.values():
                appended.tidy(3)
        ledger.close()

    def arm(died: int) -> None:
        die_after(200 + calls * died, lambda frame, _: frame.f_code.co_filename.startswith(OURS))
        if died % 2:  # perhaps earlier, in the middle of a call; by its own time, however busy the machine is
            signal.setitimer(signal.ITIMER_PROF, moment_s * (1 + died))

    *_, died = deaths(compact, arm)
    sys.stdout.write(f"{died}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]))
