"""What a socket tells of its connections; `zmq.utils.monitor` reads the same and brings in asyncio."""

import contextlib
import struct
from collections.abc import Iterator

import zmq

_EVENT = struct.Struct("=Hi")  # of zmq_socket_monitor(3); a second frame has the address


def heard(monitor: zmq.Socket[bytes]) -> Iterator[tuple[int, int]]:
    """What is there to be heard now: each event with its value, a descriptor or an error's number."""
    with contextlib.suppress(zmq.Again):
        while True:
            about, _ = monitor.recv_multipart(zmq.NOBLOCK)
            yield _EVENT.unpack(about)
