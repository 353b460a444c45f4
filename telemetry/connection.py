"""One DEALER and its greetings: made anew whenever the server goes away, open once it has welcomed us."""

import time
from collections.abc import Iterator, Sequence

import zmq

from telemetry.codec import decode
from telemetry.errors import BadAddress, ForeignVersion, MalformedMessage, NotAdmitted, VersionMismatch
from telemetry.events import log
from telemetry.keys import KeyFile
from telemetry.messages import MAX_HEAD_BYTES, AnyMessage, Welcome
from telemetry.monitor import heard

HELLO_S = (1.0, 10.0)  # patience for a welcome: first, longest; doubles in between

_OPTIONS = {
    zmq.SNDHWM: 64,  # messages; the rest waits in the window, where it can be counted
    zmq.RCVHWM: 1024,
    zmq.MAXMSGSIZE: MAX_HEAD_BYTES,
    zmq.LINGER: 0,
    zmq.RECONNECT_IVL: 50,
    zmq.RECONNECT_IVL_MAX: 1_000,
    zmq.HEARTBEAT_IVL: 5_000,  # answered by libzmq's own thread, so a long computation here looks alive
    zmq.HEARTBEAT_TIMEOUT: 30_000,
}


_EVENTS = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED


class Connection:
    """A socket that says hello first.

    open: whether the server has welcomed this very connection
    """

    def __init__(self, endpoint: str, hello: Sequence[bytes], key: KeyFile | None = None) -> None:
        """Begin to connect, in plain text without a key; raises BadAddress."""
        self.open = False
        self._endpoint = endpoint
        self._key = key
        self._hello = hello
        self._patience_s = HELLO_S[0]
        self._context = zmq.Context()
        self._connect()

    def hear(self) -> Iterator[AnyMessage]:
        """All that the server has said since the last time; connects anew where it has gone or does not greet.

        Raises VersionMismatch, NotAdmitted.
        """
        yield from self._heard()
        hung_up, reached = self._told()
        if self.open and hung_up:
            log.info("server_went_away", endpoint=self._endpoint)
            self._patience_s = HELLO_S[0]
            self._reconnect()
        elif not self.open and reached:
            self._greet(reached)
        elif not self.open and time.monotonic() - self._hello_s > self._patience_s:
            self._patience_s = min(2 * self._patience_s, HELLO_S[1])
            self._reconnect()

    def say(self, frames: Sequence[bytes]) -> bool:
        """Hand a message to the socket; False where it takes no more for now."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        return True

    def poll(self, timeout_s: float) -> None:
        """Wait until there may be something to hear, or the socket to go."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        poller.poll(max(0, int(timeout_s * 1000)))

    def close(self) -> None:
        """Hang up at once."""
        self._hang_up()
        self._context.term()

    def _greet(self, reached: int) -> None:
        """There is somebody again: no old patience is waited out, and a hello that went to who has gone is repeated.

        reached: how often the socket has come through to somebody since the last look
        """
        self._hello_s, self._patience_s = time.monotonic(), HELLO_S[0]
        if self._reached + reached > 1:
            self.say(self._hello)
        self._reached += reached

    def _connect(self) -> None:
        self.open = False
        self._reached = 0
        self._hello_s = time.monotonic()
        self._socket = self._context.socket(zmq.DEALER)
        for option, value in _OPTIONS.items():
            self._socket.setsockopt(option, value)
        if self._key and self._key.server:
            self._socket.curve_serverkey = self._key.server.encode()
            self._socket.curve_publickey = self._key.public.encode()
            self._socket.curve_secretkey = self._key.secret.encode()
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        try:
            self._socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise BadAddress(self._endpoint, error.strerror) from None
        self.say(self._hello)

    def _hang_up(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close()

    def _reconnect(self) -> None:
        self._hang_up()
        self._connect()

    def _heard(self) -> Iterator[AnyMessage]:
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                message, _ = decode(frames)
            except ForeignVersion as error:
                raise VersionMismatch(self._endpoint, error.ours, error.theirs) from None
            except MalformedMessage as error:
                log.warning("answer_dropped", why=error.why)
                continue
            self.open = self.open or isinstance(message, Welcome)
            yield message

    def _told(self) -> tuple[bool, int]:
        """What the socket tells of itself: whether it was hung up, and how often it has come through to somebody."""
        hung_up, reached = False, 0
        for event, _ in heard(self._monitor):
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH and self._key:
                raise NotAdmitted(self._endpoint, self._key.name)
            reached += event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            hung_up = hung_up or event != zmq.EVENT_HANDSHAKE_SUCCEEDED
        return hung_up, reached
