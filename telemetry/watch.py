"""Cuts off peers that would fill the server's memory: libzmq bounds whole messages, and one without end is never whole.

ZeroMQ counts messages, not bytes, against a high-water mark, and an unfinished multipart message against none. The
kernel knows how many bytes each connection has brought in, and the server how many of them it was handed; what lies
between is held in memory for this peer. Linux only: elsewhere nothing is watched.
"""

import contextlib
import os
import socket
import struct
from dataclasses import dataclass, field

import zmq

from telemetry.events import log
from telemetry.monitor import heard
from telemetry.segments import NO_FILES

HELD_BYTES = 16 * 2**20
"""A peer may have so much in flight inside the server; honest ones have `RCVHWM` messages of `MAX_FRAME_BYTES`."""

HELD_BYTES_IN_ALL = 128 * 2**20

_FRAME_EXTRA = 64  # bytes a frame costs beside its content, generously: CurveZMQ, ZMTP and heartbeats
_TCP_INFO_BYTES = 192
_RECEIVED_AT = 128  # of tcpi_bytes_received in struct tcp_info, linux/tcp.h
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_CLOSED | zmq.EVENT_DISCONNECTED


@dataclass(slots=True)
class _Peer:
    """A connection: our own handle on its socket, what came out of it, and under which keys."""

    handle: socket.socket
    delivered: int = 0
    keys: set[str] = field(default_factory=set)

    def held(self) -> int:
        """Bytes that the kernel took in and nobody was handed."""
        info = self.handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        received = int(struct.unpack_from("<Q", info, _RECEIVED_AT)[0]) if len(info) >= _RECEIVED_AT + 8 else 0
        self.delivered = min(self.delivered, received)  # generosity is no credit
        return received - self.delivered

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.handle.shutdown(socket.SHUT_RDWR)


class Watch:
    """The connections of one ROUTER; belongs to the thread that owns the socket.

    cut_off: how many were; unheard: how many ended before a message came
    """

    def __init__(self, router: zmq.Socket[bytes]) -> None:
        self._monitor = router.get_monitor_socket(_EVENTS)
        self._router = router
        self._peers: dict[int, _Peer] = {}
        self.cut_off = self.unheard = 0

    def __len__(self) -> int:
        return len(self._peers)

    def delivered(self, frame: zmq.Frame, nbytes: int, frames: int, key: str) -> None:
        """A message of so many bytes and frames came out; frame: any of its own."""
        peer = self._peers.get(int(frame.get(zmq.SRCFD)))
        if peer is not None:
            peer.delivered += nbytes + frames * _FRAME_EXTRA
            if key:
                peer.keys.add(key)

    def look(self) -> None:
        """Hear who came and went, and cut off whoever holds too much."""
        self._hear()
        held = {fd: peer.held() for fd, peer in self._peers.items()}
        in_all = sum(held.values())
        for fd, nbytes in sorted(held.items(), key=lambda each: -each[1]):
            if nbytes <= HELD_BYTES and in_all <= HELD_BYTES_IN_ALL:
                break
            in_all -= nbytes
            self.cut_off += 1
            log.warning("peer_cut_off", held_bytes=nbytes)
            self._peers[fd].hang_up()

    def hang_up(self, key: str) -> None:
        """Cut off every connection that something came over under this key."""
        for peer in self._peers.values():
            if key in peer.keys:
                self.cut_off += 1
                peer.hang_up()

    def close(self) -> None:
        """Watch no more."""
        self._router.disable_monitor()
        self._monitor.close()
        for peer in self._peers.values():
            peer.handle.close()

    def _hear(self) -> None:
        for event, value in heard(self._monitor):
            self._note(event, value)

    def _note(self, event: int, fd: int) -> None:
        if not hasattr(socket, "TCP_INFO"):
            return
        gone = self._peers.pop(fd, None)  # also on EVENT_ACCEPTED: the number is used again
        if gone:
            gone.handle.close()
        if event == zmq.EVENT_ACCEPTED:
            try:
                self._peers[fd] = _Peer(_handle_on(fd))
            except OSError as error:  # else it has hung up by now
                if error.errno in NO_FILES:
                    self.cut_off += 1
                    log.warning("peer_cut_off", unwatched=True)
                    _hang_up(fd)
        elif event == zmq.EVENT_DISCONNECTED and not (gone and gone.delivered):
            self.unheard += 1


def _hang_up(fd: int) -> None:
    """Cut off a connection that there is no handle for, so that nobody is here unwatched."""
    with contextlib.suppress(OSError):
        peer = socket.socket(fileno=fd)
        try:
            if peer.family in (socket.AF_INET, socket.AF_INET6):  # the number may be another's by now
                peer.shutdown(socket.SHUT_RDWR)
        finally:
            peer.detach()


def _handle_on(fd: int) -> socket.socket:
    """Our own handle on a socket; OSError, with nothing left open, where there is none any more."""
    copy = os.dup(fd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
