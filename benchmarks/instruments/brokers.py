"""Brokers that people bet on, where they are installed: begun, fed over four connections in plain text, and measured.

redis: XADD with `appendfsync always`; mosquitto: QoS 1 with `autosave_on_changes 1`, and a subscriber that is away.
"""

import contextlib
import itertools
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import zmq

SOCKETS = 4
Rate = Callable[[Sequence[bytes], int], float]
"""From messages, and how many may be under way, to messages answered a second."""


def brokers(closing: contextlib.ExitStack, folder: Path) -> dict[str, Rate]:
    """Those that are installed, begun in a folder."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    programs = {"redis": (_redis, "redis-server"), "mosquitto": (_mosquitto, "mosquitto")}
    found = {name: (begin, shutil.which(program, path=path)) for name, (begin, program) in programs.items()}
    return {name: begin(closing, folder, program) for name, (begin, program) in found.items() if program}


def _redis(closing: contextlib.ExitStack, folder: Path, program: str) -> Rate:
    port = _free_port()
    options = ["--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    _begun(closing, [program, *options, "--save", "", "--bind", "127.0.0.1"], port)
    connections = closing.enter_context(Connections(port, b""))

    def rate(bodies: Sequence[bytes], under_way: int) -> float:
        return connections.rate([_resp(b"XADD", b"s", b"*", b"b", body) for body in bodies], under_way, None)

    return rate


def _mosquitto(closing: contextlib.ExitStack, folder: Path, program: str) -> Rate:
    port, settings = _free_port(), folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n"
    )
    _begun(closing, [program, "-c", str(settings)], port)
    # a subscriber with a session that is away, so that the broker has something to keep
    with socket.create_connection(("127.0.0.1", port)) as away:
        away.sendall(_connect(b"away", clean=False))
        away.recv(4)
        away.sendall(b"\x82\x06\x00\x01\x00\x01t\x01")
        away.recv(5)
    connections = closing.enter_context(Connections(port, _connect(b"", clean=True)))

    def rate(bodies: Sequence[bytes], under_way: int) -> float:
        return connections.rate([_publish(1 + i % 65_000, body) for i, body in enumerate(bodies)], under_way, 4)

    return rate


class Connections(contextlib.ExitStack):
    """Four connections in plain text, each with its share of the messages under way."""

    def __init__(self, port: int, hello: bytes) -> None:
        super().__init__()
        made = [socket.create_connection(("127.0.0.1", port)) for _ in range(SOCKETS)]
        self._sockets = [self.enter_context(each) for each in made]
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hello:
                each.sendall(hello)
                each.recv(4)

    def rate(self, messages: Sequence[bytes], under_way: int, answer_bytes: int | None) -> float:
        """Messages answered a second; answer_bytes: of one answer, None where a `$` is in each."""
        todo, done = iter(messages), 0
        poller = zmq.Poller()
        by_fd = {each.fileno(): each for each in self._sockets}
        left = dict.fromkeys(by_fd, 0)
        for fd in by_fd:
            poller.register(fd, zmq.POLLIN)
        began_s = time.perf_counter()
        for number, message in enumerate(itertools.islice(todo, under_way)):
            self._sockets[number % SOCKETS].sendall(message)
        while done < len(messages):
            for fd, _ in poller.poll(10_000):
                got = by_fd[fd].recv(1 << 16)
                if answer_bytes is None:
                    answered = got.count(b"$")
                else:
                    answered, left[fd] = divmod(left[fd] + len(got), answer_bytes)
                done += answered
                for message in itertools.islice(todo, answered):
                    by_fd[fd].sendall(message)
        return len(messages) / (time.perf_counter() - began_s)


def _connect(name: bytes, *, clean: bool) -> bytes:
    body = b"\x00\x04MQTT\x04" + (b"\x02" if clean else b"\x00") + b"\x00\x00" + struct.pack(">H", len(name)) + name
    return b"\x10" + _varint(len(body)) + body


def _publish(number: int, body: bytes) -> bytes:
    rest = b"\x00\x01t" + struct.pack(">H", number) + body
    return b"\x32" + _varint(len(rest)) + rest


def _varint(size: int) -> bytes:
    out = b""
    while True:
        size, low = divmod(size, 128)
        out += bytes([low | (128 if size else 0)])
        if not size:
            return out


def _resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _begun(closing: contextlib.ExitStack, command: Sequence[str], port: int) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    closing.callback(process.wait)
    closing.callback(process.kill)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
