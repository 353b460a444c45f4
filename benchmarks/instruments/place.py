"""A folder with a collection server, and those around it: processes that can be asked, stopped and killed."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import telemetry  # and not open_run from it: DuckDB that comes so early complains at the end of a process
from instruments.process import resident_mb
from instruments.roles import BARRIER, LIMIT_S, ROWS
from telemetry import KeyFile, Keys

BENCHMARKS = Path(__file__).parents[1]


class Process:
    """A role of `roles.py`, from its first words on; `said` is the line with which it is ready."""

    def __init__(self, role: str, *words: object, log: Path) -> None:
        command = [sys.executable, "-m", "instruments.roles", role, *map(str, words)]
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True, bufsize=1, cwd=BENCHMARKS
            )
        self.said = self.hear()

    @property
    def resident_mb(self) -> float:
        """Memory of the process itself."""
        return resident_mb(self.popen.pid)

    def hear(self) -> str:
        """The next line that it says."""
        return self.popen.stdout.readline().strip() if self.popen.stdout else ""

    def ask(self, line: str) -> str:
        """Say a line to it; what it answers."""
        if self.popen.stdin:
            self.popen.stdin.write(f"{line}\n")
        return self.hear()

    def end(self, number: int = signal.SIGKILL) -> int:
        """Send a signal, and wait until it is gone; the exit code."""
        self.popen.send_signal(number)
        code = self.popen.wait(LIMIT_S)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
        return code


class Place:
    """A folder with a server's keys and store; the keys `sender` and `deaf` speak for all cars."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.log = folder, folder / "store", folder / "log"
        self._processes: list[Process] = []
        self.keys = Keys.made(folder / "keys")
        self.sender = self.enrol("sender", "all")
        self.enrol("deaf", "all")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            if each.popen.returncode is None:
                each.end()

    def enrol(self, name: str, cars: str) -> KeyFile:
        """A key, and its file in the folder."""
        key = self.keys.enrol(name, cars)
        key.write(self.folder / f"{name}.key")
        return key

    def process(self, role: str, *words: object) -> Process:
        """A role, ready."""
        self._processes = [each for each in self._processes if each.popen.poll() is None]
        self._processes.append(Process(role, self.folder, *words, log=self.log))
        return self._processes[-1]

    def server(self, bind: str = "tcp://127.0.0.1:0", quota: int = 0) -> Process:
        """The server; `said` is its endpoint."""
        return self.process("server", bind, quota)

    def told(self) -> int:
        """How many messages the sender wrote down as acknowledged, again and again perhaps."""
        told = self.folder / "acknowledged"
        return told.read_bytes().count(b"\n") if told.exists() else 0

    def acknowledged(self) -> set[str]:
        """What the sender was told, and what belongs to a barrier that it saved, even if it died in between."""
        told, saved = self.folder / "acknowledged", self.folder / "barrier"
        barriers = int(saved.read_text()) if saved.exists() else 0
        named = {
            f"{kind}{barrier}-{number}"
            for kind, count in BARRIER.items()
            for barrier in range(barriers)
            for number in range(count)
        }
        return named | set(told.read_text().split())

    def lost_and_doubled(self) -> tuple[int, int]:
        """How much that was acknowledged is not in the tables, and how many rows and clips are there again."""
        run = telemetry.open_run(self.store)
        rows = [str(clip) for (clip,) in run.sql("SELECT clip FROM fires").fetchall()]
        clips = [str(clip) for (clip,) in run.sql("SELECT clip FROM clips").fetchall()]
        there = set(rows) | set(clips)
        wanted = {
            part
            for name in self.acknowledged()
            for part in ([f"{name}#{row}" for row in range(ROWS)] if name.startswith("b") else [name])
        }
        return len(wanted - there), len(rows) + len(clips) - len(there)
