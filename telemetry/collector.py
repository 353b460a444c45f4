"""The server's end of the wire: receive, check, keep on disk, acknowledge, in this order and no other."""

import ctypes
import errno
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import zmq

from telemetry.codec import Frame, encode
from telemetry.deafness import WINDOW_BYTES
from telemetry.doorman import Doorman, shut
from telemetry.errors import BadAddress, DoormanGone, MalformedMessage, PortInUse, Unprotected
from telemetry.events import log
from telemetry.intake import Intake
from telemetry.keys import Holder, Keys
from telemetry.ledger import Incoming
from telemetry.messages import (
    MAX_FRAME_BYTES,
    OLDEST_VERSION,
    WIRE_VERSION,
    Ack,
    Flush,
    Flushed,
    Hello,
    Message,
    Refused,
    Welcome,
)
from telemetry.watch import Watch

LOOPBACK = ("tcp://127.", "tcp://localhost:", "tcp://[::1]:")
LOOK_EVERY_MS = (25, 1_000)  # alone, among many; a peer can bring in as much before it is cut off
COPIED_BYTES = 8192  # a frame up to this; a longer one is used where libzmq has it
GROUP_MESSAGES = 256
ACKS = 64  # in one answer: with SNDHWM, and 640 bytes an id, 10 MB at most wait for a peer that does not read
GROUP_BYTES = 8 * 2**20
GRANTED_BYTES = (2**20, WINDOW_BYTES)  # that a sender may have under way: least, most
WINDOWS_BYTES = 256 * 2**20  # that all are granted together

_OPTIONS = {
    zmq.ROUTER_MANDATORY: 1,  # an answer to a peer that has gone or does not read is an error here, not silence
    zmq.ROUTER_HANDOVER: 0,  # nobody takes over the name of a connection that is there
    zmq.RCVHWM: 16,  # messages a peer; behind them TCP holds the sender back
    zmq.SNDHWM: 256,  # answers a peer; those that a peer does not read are dropped, and it asks again
    zmq.MAXMSGSIZE: MAX_FRAME_BYTES,  # a frame; a peer that sends a bigger one is cut off
    zmq.HANDSHAKE_IVL: 3_000,
    zmq.HEARTBEAT_IVL: 5_000,
    zmq.HEARTBEAT_TIMEOUT: 30_000,
    zmq.BACKLOG: 4096,
    zmq.LINGER: 500,
}


class _Raw(NamedTuple):
    """A message as it came: from whom, its first frame as libzmq has it, the content of all, bytes in all."""

    peer: bytes
    first: zmq.Frame
    frames: list[Frame]
    nbytes: int


class Collector:
    """One ROUTER. `step`, `look` and `close` belong to one thread.

    endpoint: where it listens, with the port that was chosen
    flush: called with a peer and the id of its Flush; `answer_flush` is to follow
    """

    def __init__(
        self, intake: Intake, store: str, bind: str, flush: Callable[[bytes, str], None], keys: Keys | None = None
    ) -> None:
        """Listen, and welcome peers to `store`; without keys in plain text.

        Raises PortInUse, BadAddress, Unprotected.
        """
        if keys is None and bind.startswith("tcp://") and not bind.startswith(LOOPBACK):
            raise Unprotected(bind, "plain text is for the loopback address alone; give --keys to listen elsewhere")
        # libzmq numbers its peers from rand(), which nobody seeds; who guesses the number can abort the process.
        ctypes.CDLL(None).srand(int.from_bytes(os.urandom(4), "little"))
        self._intake, self._store, self._flush, self._keys = intake, store, flush, keys
        self._context = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, min(65_536, self._context.get(zmq.SOCKET_LIMIT)))
        self._doorman = Doorman(self._context, keys) if keys else None
        self.socket = self._context.socket(zmq.ROUTER)
        for option, value in _OPTIONS.items():
            self.socket.setsockopt(option, value)
        if keys:
            shut(self.socket, keys)
        self._watch = Watch(self.socket)
        self._bind(bind)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def step(self) -> int:
        """Take what has come in, as one group; how many messages. Never waits."""
        group: list[tuple[bytes, Incoming]] = []
        flushes: list[tuple[bytes, str]] = []
        taken = size = 0
        while taken < GROUP_MESSAGES and size < GROUP_BYTES and (raw := self._receive()):
            taken += 1
            size += raw.nbytes
            message = self._check(raw)
            if isinstance(message, Incoming):
                group.append((raw.peer, message))
            elif isinstance(message, Flush):
                flushes.append((raw.peer, message.id))
        self._keep(group)
        for peer, flush in flushes:
            self._flush(peer, flush)
        return taken

    @property
    def look_every_ms(self) -> int:
        """How long to wait between two looks: a look costs some 40 us for each connection."""
        return min(LOOK_EVERY_MS[0] + len(self._watch), LOOK_EVERY_MS[1])

    def look(self) -> None:
        """Every now and then: who came, went, holds too much or lost the right to be here.

        Raises DoormanGone.
        """
        if self._keys and self._keys.refresh():
            for holder in self._keys.holders:
                if holder.revoked:
                    self._watch.hang_up(holder.public)
        self._watch.look()
        metrics = self._intake.metrics
        metrics.connected = len(self._watch)
        metrics.cut_off += self._watch.cut_off
        metrics.unheard += self._watch.unheard
        self._watch.cut_off = self._watch.unheard = 0
        deaf = self._intake.deafness.take_deaf()
        for key in deaf:
            self._watch.hang_up(key)
        if self._doorman:
            self._doorman.bar(deaf)
            if not self._doorman.there:
                raise DoormanGone
            metrics.handshakes_refused.update(self._doorman.take_refused())

    def answer_flush(self, peer: bytes, flush: str, refused: str = "") -> None:
        """Tell a peer that its flush is done, or why nothing gets into the tables now."""
        self._send(peer, self._intake.refuse(flush, "busy", refused) if refused else Flushed(id=flush))

    def close(self) -> None:
        """Stop listening; answers on their way get half a second."""
        self._watch.close()
        self.socket.close()
        if self._doorman:
            self._doorman.close()
        self._context.term()

    def _bind(self, bind: str) -> None:
        try:
            self.socket.bind(bind)
        except zmq.ZMQError as error:
            self.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(bind) from None
            raise BadAddress(bind, error.strerror) from None

    def _receive(self) -> _Raw | None:
        """The next message, None where there is none now; frame by frame, for `recv_multipart` costs twice as much."""
        try:
            peer = self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None
        first = frame = self.socket.recv(copy=False)
        frames, nbytes = [_content(first)], len(first)
        while frame.more:
            frame = self.socket.recv(copy=False)
            frames.append(_content(frame))
            nbytes += len(frame)
        return _Raw(peer, first, frames, nbytes)

    def _check(self, raw: _Raw) -> Incoming | Flush | None:
        """What is to be kept or flushed; a Hello and what is refused is answered at once."""
        key, speaker = self._speaker(raw.first)
        self._watch.delivered(raw.first, raw.nbytes, len(raw.frames), key)
        if self._keys and speaker is None:
            self._send(raw.peer, self._intake.refuse("", "unknown_key", "this key is not, or no longer, enrolled"))
            return None
        try:
            message = self._intake.check(raw.frames, speaker)
        except MalformedMessage:
            return None
        if isinstance(message, Incoming) and raw.nbytes > MAX_FRAME_BYTES:
            message = self._intake.refuse(message.id, "too_large", f"{raw.nbytes} bytes in one; send it in pieces")
        if isinstance(message, Refused):
            self._send(raw.peer, message)
        elif isinstance(message, Hello):
            self._greet(raw.peer, message)
        else:
            return message
        return None

    def _speaker(self, frame: zmq.Frame) -> tuple[str, Holder | None]:
        """The key that a message came under, and who has it; looked up for each, for a connection outlives a key."""
        if self._keys is None:
            return "", None
        try:
            key = str(frame.get("User-Id"))
        except zmq.ZMQError:
            return "", None
        return key, self._keys.holder(key)

    def _greet(self, peer: bytes, hello: Hello) -> None:
        oldest, newest = hello.versions
        if newest < OLDEST_VERSION or oldest > WIRE_VERSION:
            says = (
                f"it speaks versions {oldest} to {newest} of the wire, this server {OLDEST_VERSION} to {WIRE_VERSION}"
            )
            self._send(peer, self._intake.refuse("", "version", says))
            return
        log.info("car_side_joined", sender=hello.sender, run=hello.run, loadout=hello.loadout)
        share = WINDOWS_BYTES // max(1, len(self._watch))
        window_bytes = max(GRANTED_BYTES[0], min(share, GRANTED_BYTES[1]))
        self._send(peer, Welcome(store=self._store, version=min(newest, WIRE_VERSION), window_bytes=window_bytes))

    def _keep(self, group: Sequence[tuple[bytes, Incoming]]) -> None:
        if not group:
            return
        kept: defaultdict[bytes, list[str]] = defaultdict(list)
        answers = self._intake.keep([message for _, message in group])
        for (peer, message), refused in zip(group, answers, strict=True):
            if refused:
                self._send(peer, refused)
            else:
                kept[peer].append(message.id)
        for peer, ids in kept.items():
            for first in range(0, len(ids), ACKS):
                self._send(peer, Ack(ids=ids[first : first + ACKS]))

    def _send(self, peer: bytes, message: Message) -> None:
        """Answer, or drop the answer: the peer will send again, and gets it then."""
        try:
            self.socket.send_multipart([peer, *encode(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in {errno.EAGAIN, errno.EHOSTUNREACH}:
                raise
            log.info("answer_dropped", message=type(message).__name__, why=error.strerror)


def _content(frame: zmq.Frame) -> Frame:
    return frame.bytes if len(frame) <= COPIED_BYTES else frame.buffer
