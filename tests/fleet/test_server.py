import os
import signal
import socket
from pathlib import Path
from shutil import rmtree

import msgspec
import pytest

from fleet.errors import ServerLost
from fleet.simulation.server import EmbeddedServer
from telemetry import Gateway, TelemetryError


def greet(server: EmbeddedServer) -> str:
    with Gateway(server.endpoint, run="run", sender="test", connect_timeout_s=240, key=server.key) as gateway:
        assert gateway.welcome is not None
        return gateway.welcome.store


def test_the_run_folder_is_the_store(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        assert Path(greet(server)) == tmp_path


def test_a_killed_server_comes_back_at_the_same_place(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        endpoint, first = server.endpoint, server.pid
        os.kill(first, signal.SIGKILL)
        assert greet(server)
        assert (server.endpoint, server.restarts) == (endpoint, 1)
        assert server.pid != first


def test_nobody_but_its_run_is_let_in(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "one") as server, EmbeddedServer(tmp_path / "two") as other:
        stranger = msgspec.structs.replace(other.key, server=server.key.server)
        with pytest.raises(TelemetryError, match="does not admit"):
            Gateway(server.endpoint, run="run", sender="test", connect_timeout_s=240, key=stranger)


def test_a_server_that_cannot_write_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServerLost, match="file"):
        EmbeddedServer(tmp_path / "file")


def test_a_closed_server_leaves_its_port(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        port = int(server.endpoint.rsplit(":", 1)[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_that_does_not_come_back_is_lost(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "store") as server:
        rmtree(tmp_path / "store")
        (tmp_path / "store").write_text("in the way")
        os.kill(server.pid, signal.SIGKILL)
        server._watcher.join()
        with pytest.raises(ServerLost, match="store"):
            server.check()
