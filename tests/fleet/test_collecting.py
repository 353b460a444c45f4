"""The process of `outrider serve`: what it has in memory, and that the world sees of it what it saw before."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fleet.logs import line
from telemetry import Gateway, Keys, open_run, status_of
from telemetry.errors import NotAdmitted

LISTS_MODULES = """
import atexit, os, sys
from pathlib import Path
atexit.register(lambda: Path(__file__).with_name(f"modules-{os.getpid()}").write_text(" ".join(sys.modules)))
"""
OF_OTHERS = {  # of the command line, of the tables, and what structlog brings in
    "typer", "click", "rich", "structlog", "asyncio", "ssl", "logging", "multiprocessing", "pydantic", "yaml",
    "pyarrow", "deltalake", "duckdb", "pandas", "mcap", "google", "scipy", "torch", "prometheus_client",
}  # fmt: skip


@dataclass
class Served:
    """A server that the command began; `endpoint` is where it listens."""

    process: "subprocess.Popen[str]"
    endpoint: str

    def ended(self, number: signal.Signals) -> tuple[int, str]:
        """Its exit code after a signal, and what it said meanwhile."""
        self.process.send_signal(number)
        _, said = self.process.communicate()
        return self.process.returncode, said


@contextlib.contextmanager
def served(folder: Path, *words: str, interrupts: signal.Handlers = signal.SIG_DFL) -> Iterator[Served]:
    (folder / "sitecustomize.py").write_text(LISTS_MODULES)
    paths = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    command = [sys.executable, "-m", "fleet.cli.main", "serve", "--store", str(folder / "store"), *words, "--json"]
    with subprocess.Popen(
        [*command, "--bind", "tcp://127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
        preexec_fn=partial(signal.signal, signal.SIGINT, interrupts),  # noqa: PLW1509 - no thread of ours runs yet
    ) as process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            assert told["store"] == str(folder / "store")
            yield Served(process, told["endpoint"])
        finally:
            process.kill()


def fires(count: int) -> dict[str, object]:
    cars = np.arange(count, dtype=np.uint32)
    return {
        "car": cars, "t_us": cars.astype(np.int64), "tick": cars, "trigger": ["surprise"] * count,
        "version": np.ones(count, np.int64), "score": np.linspace(0, 1, count), "clip": [str(car) for car in cars],
    }  # fmt: skip


def test_it_is_telemetry_and_nothing_else(tmp_path: Path) -> None:
    """After rows in the tables and a warning in the log; 13 MB of structlog would come with the first line of it."""
    keys = Keys.made(tmp_path / "keys")
    mine, stranger = keys.enrol("mine", "all"), Keys.of_one_run("stranger")[1]
    stranger = type(stranger)(stranger.name, stranger.public, stranger.secret, mine.server)
    with served(tmp_path, "--keys", str(tmp_path / "keys")) as server:
        with Gateway(server.endpoint, run="city", sender="test", key=mine) as gateway:
            gateway.send_rows("fires", "a", fires(3))
            gateway.flush()
        with pytest.raises(NotAdmitted):
            Gateway(server.endpoint, run="city", sender="test", key=stranger)
        code, said = server.ended(signal.SIGTERM)
        pid = server.process.pid
    assert code == 0
    refused = {"why": "unknown_key", "key": stranger.public[:8]}
    assert line("warning", "handshake_refused", refused) in said.splitlines()
    assert "server_started" not in said
    loaded = set((tmp_path / f"modules-{pid}").read_text().split())
    assert {"telemetry.collector", "telemetry.doorman", "fleet.logs"} <= loaded
    assert not {module.split(".")[0] for module in loaded} & OF_OTHERS
    assert open_run(tmp_path / "store").sql("SELECT count(*) FROM fires").fetchall() == [(3,)]


def test_asked_to_it_logs_every_event(tmp_path: Path) -> None:
    with served(tmp_path, "--plain", "--verbose") as server:
        with Gateway(server.endpoint, run="city", sender="test") as gateway:
            gateway.send_rows("fires", "a", fires(3))
            gateway.drain()
        assert status_of(tmp_path / "store").pid == server.process.pid
        _, said = server.ended(signal.SIGTERM)
    assert f"listening on {server.endpoint}, keeping things in {tmp_path / 'store'}" in said
    assert "[info     ] server_started                 endpoint=" in said
    assert "[info     ] server_stopped " in said


def test_ctrl_c_is_a_wish_to_stop(tmp_path: Path) -> None:
    with served(tmp_path, "--plain") as server:
        code, said = server.ended(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in said


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    with served(tmp_path, "--plain", interrupts=signal.SIG_IGN) as server:
        server.process.send_signal(signal.SIGINT)
        with Gateway(server.endpoint, run="city", sender="test") as gateway:
            gateway.send_rows("fires", "a", fires(3))
            gateway.flush()
        assert server.ended(signal.SIGTERM)[0] == 0
