"""The collection server as a child process of the run, started again on the same endpoint when it dies."""

import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import structlog

from fleet.errors import ServerLost, root_errors
from telemetry import Keys

log = structlog.get_logger()

ANY_PORT = "tcp://127.0.0.1:0"
_READY_S = 300.0  # for a child that neither listens nor ends
_TRIES = 3
_END_S = 60.0  # for a child to be gone that has hung up


class EmbeddedServer:
    """`telemetry.serve` beside the run, with the run folder as its store; it lets nobody in but its run.

    key: with which it does
    endpoint: where it listens; the same after every restart
    restarts: how often it had to be started again
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._keys, self.key = Keys.of_one_run("run")
        self._spawn = multiprocessing.get_context("spawn")
        self._closing = threading.Event()
        self._lost: ServerLost | None = None
        self.endpoint, self.restarts = ANY_PORT, 0
        self._start()
        self._watcher = threading.Thread(target=self._watch, name="server watcher", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return int(self._child.pid)  # type: ignore[arg-type]  # it has been started

    def check(self) -> None:
        """Raise ServerLost where the server does not come up again."""
        if self._lost is not None:
            raise self._lost

    def close(self) -> None:
        """Stop the server and wait for its end."""
        self._closing.set()
        if self._child.is_alive():
            self._child.terminate()
        self._watcher.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        """Start the child and wait until it listens; ServerLost with its own words where it does not."""
        ours, theirs = self._spawn.Pipe()
        child = self._spawn.Process(
            target=_serve, args=(self._store, self.endpoint, self._keys, theirs), name="outrider server", daemon=True
        )
        child.start()
        self._child = child
        theirs.close()
        why = "it did not come up"
        if ours.poll(_READY_S):
            try:
                said, text = ours.recv()
                if said == "listens":
                    self.endpoint = text
                    return
                why = text
            except EOFError:
                why = f"it ended with exit code {self._exit_code()}"
        child.kill()  # or it would keep the store from the next
        raise ServerLost(self.endpoint, why)

    def _exit_code(self) -> int | None:
        self._child.join(_END_S)
        return self._child.exitcode

    def _watch(self) -> None:
        while True:
            self._child.join()
            if self._closing.is_set():
                return
            self.restarts += 1
            log.warning("server_died", exit_code=self._child.exitcode, restarts=self.restarts)
            if not self._started_again():
                return
            if self._closing.is_set():  # meanwhile: `close` saw the one that died
                self._child.terminate()

    def _started_again(self) -> bool:
        for _ in range(_TRIES):
            try:
                self._start()
            except ServerLost as lost:
                self._lost = lost
            else:
                self._lost = None
                return True
        return False


def _serve(store: Path, bind: str, keys: Keys, parent: Connection) -> None:
    """The child: serve until told to stop, or until the run's process has gone."""
    from fleet import logs
    from telemetry import serve

    logs.configure()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which stops its server when it is done
    try:
        serve(store, bind, ready=lambda endpoint: parent.send(("listens", endpoint)), with_parent=True, keys=keys)
    except root_errors(OSError) as error:
        parent.send(("failed", str(error)))
