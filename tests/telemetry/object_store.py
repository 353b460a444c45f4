"""An S3 server of our own in a process of its own, on the loopback address; and a line to it that can break."""

import contextlib
import http.client
import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

BUCKET = "fleet"
needs_an_object_store = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("moto", "flask", "flask_cors")),
    reason="moto, flask and flask-cors are not installed: pip install -c constraints.txt -e '.[dev]'",
)


@contextlib.contextmanager
def an_object_store(*, open_calls: int | None = None) -> Iterator[str]:
    """Where it listens; it has one bucket. After `open_calls` calls it looks at credentials, None for never."""
    calls = {} if open_calls is None else {"INITIAL_NO_AUTH_ACTION_COUNT": str(open_calls)}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | calls
    ) as process:
        assert process.stderr
        reading = threading.Thread(target=process.stderr.read)
        try:
            said = iter(process.stderr.readline, "")
            endpoint = next(found[0] for line in said if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            reading.start()  # or it would wait for a reader
            asking = http.client.HTTPConnection(urlsplit(endpoint).netloc)
            asking.request("PUT", f"/{BUCKET}")
            assert asking.getresponse().status == 200
            asking.close()
            yield endpoint
        finally:
            process.kill()
            if reading.ident is not None:
                reading.join()


def options_for(endpoint: str) -> dict[str, str]:
    """For deltalake and for us."""
    return {
        "aws_endpoint_url": endpoint, "aws_access_key_id": "key", "aws_secret_access_key": "secret",
        "aws_region": "us-east-1", "aws_allow_http": "true", "max_retries": "1", "retry_timeout": "5s",
    }  # fmt: skip


class Line:
    """Forwards connections; can be down, and can lose the answer to a request.

    lose: the answer to the first request with these bytes in it never comes back
    lost: how many did not
    """

    def __init__(self, endpoint: str) -> None:
        at = urlsplit(endpoint)
        self._there = (at.hostname, at.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.down = False
        self.lose: bytes | None = None
        self.lost = 0
        self._letting_in = threading.Thread(target=self._let_in)
        self._letting_in.start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)  # `close` alone would wake nobody
        self._letting_in.join()
        self._door.close()

    def _let_in(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self.down:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(self._there)
                except OSError:  # nobody is there any more
                    near.close()
                    continue
                losing = threading.Event()
                for end, other, answers in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._carry, args=(end, other, losing, answers), daemon=True).start()

    def _carry(self, end: socket.socket, other: socket.socket, losing: threading.Event, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while raw := end.recv(65536):
                if not answers and self.lose and self.lose in raw:
                    self.lose = None
                    losing.set()
                if self.down or (answers and losing.is_set()):
                    self.lost += answers and losing.is_set()
                    break
                other.sendall(raw)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        end.close()
