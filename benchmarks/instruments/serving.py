"""A real `outrider serve` in a process of its own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serving(store: Path, keys: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The server and where it listens; it is killed at the end, if nobody stopped it."""
    command = [sys.executable, "-m", "fleet.cli.main", "serve", "--store", str(store), "--keys", str(keys)]
    options = ["--bind", "tcp://127.0.0.1:0", "--json"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None:
                raise TypeError("a pipe is needed")
            yield server, json.loads(server.stdout.readline())["endpoint"]
        finally:
            server.kill()
