"""The server's end: receive, check, keep, acknowledge, in this order."""

import ctypes
import errno
import os
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog
import zmq

from telemetry.codec import encode
from telemetry.errors import BadAddress, ForeignVersion, MalformedMessage, PortInUse
from telemetry.intake import Intake
from telemetry.ledger import Incoming
from telemetry.messages import (
    MAX_ACKS,
    MAX_HEAD_BYTES,
    WIRE_VERSION,
    Ack,
    Flush,
    Flushed,
    Hello,
    Message,
    Refused,
    Welcome,
)

log = structlog.get_logger()

GROUP_MESSAGES = 256
GROUP_BYTES = 8 * 2**20

_OPTIONS = {
    zmq.ROUTER_MANDATORY: 1,  # an answer to a peer that has gone or does not read is an error here, not silence
    zmq.RCVHWM: 64,  # messages a peer; behind them TCP holds the sender back
    zmq.SNDHWM: 1024,
    zmq.MAXMSGSIZE: MAX_HEAD_BYTES + 4096,  # a frame; a peer that sends a bigger one is cut off
    zmq.HANDSHAKE_IVL: 3_000,
    zmq.HEARTBEAT_IVL: 5_000,
    zmq.HEARTBEAT_TIMEOUT: 30_000,
    zmq.BACKLOG: 1024,
    zmq.LINGER: 500,
}


class Collector:
    """One ROUTER. `step` and `close` belong to one thread.

    endpoint: where it listens, with the port that was chosen
    flush: called with a peer and the id of its Flush; `answer_flush` is to follow
    """

    def __init__(self, intake: Intake, store: str, bind: str, flush: Callable[[bytes, str], None]) -> None:
        """Listen, and welcome peers to `store`; raises PortInUse, BadAddress."""
        # libzmq numbers its peers from rand(), which nobody seeds; who guesses the number can abort the process.
        ctypes.CDLL(None).srand(int.from_bytes(os.urandom(4), "little"))
        self._intake = intake
        self._welcome = Welcome(store=store, version=WIRE_VERSION)
        self._flush = flush
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        for option, value in _OPTIONS.items():
            self.socket.setsockopt(option, value)
        try:
            self.socket.bind(bind)
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(bind) from None
            raise BadAddress(bind, error.strerror) from None
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def step(self) -> int:
        """Take what has come in, as one group; how many messages. Never waits."""
        group: list[tuple[bytes, Incoming]] = []
        flushes: list[tuple[bytes, str]] = []
        taken = size = 0
        while taken < GROUP_MESSAGES and size < GROUP_BYTES and (raw := self._receive()):
            peer, frames = raw[0].bytes, [frame.buffer for frame in raw[1:]]
            taken += 1
            size += sum(len(frame) for frame in frames)
            message = self._check(peer, frames)
            if isinstance(message, Incoming):
                group.append((peer, message))
            elif isinstance(message, Flush):
                flushes.append((peer, message.id))
        self._keep(group)
        for peer, flush in flushes:
            self._flush(peer, flush)
        return taken

    def answer_flush(self, peer: bytes, flush: str, refused: str = "") -> None:
        """Tell a peer that its flush is done, or that the disk is full."""
        answer = Refused(id=flush, code="disk_full", says=refused[:1000]) if refused else Flushed(id=flush)
        self._send(peer, answer)

    def close(self) -> None:
        """Stop listening; answers on their way get half a second."""
        self.socket.close()
        self._context.term()

    def _receive(self) -> list[zmq.Frame]:
        try:
            return self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return []

    def _check(self, peer: bytes, frames: Sequence[memoryview]) -> Incoming | Flush | None:
        """What is to be kept or flushed; a Hello and what is refused is answered at once."""
        try:
            message = self._intake.check(frames)
        except ForeignVersion as error:
            self._send(peer, Refused(id="", code="version", says=str(error)))
            return None
        except MalformedMessage as error:
            if error.message_id:
                self._send(peer, Refused(id=error.message_id, code="malformed", says=error.why[:1000]))
            return None
        if not isinstance(message, Hello):
            return message
        log.info("car_side_joined", sender=message.sender, run=message.run)
        self._send(peer, self._welcome)
        return None

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
            for first in range(0, len(ids), MAX_ACKS):
                self._send(peer, Ack(ids=ids[first : first + MAX_ACKS]))

    def _send(self, peer: bytes, message: Message) -> None:
        """Answer, or drop the answer: the peer will send again, and gets it then."""
        try:
            self.socket.send_multipart([peer, *encode(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in {errno.EAGAIN, errno.EHOSTUNREACH}:
                raise
            log.info("answer_dropped", message=type(message).__name__, why=error.strerror)
