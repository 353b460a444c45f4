"""Lets connections in by their key: ZAP (https://rfc.zeromq.org/spec/27/) over the register, fail-closed.

CURVE alone proves that a peer has a secret key, not whose it is: without an answer from here libzmq would let any key
in, so the socket also enforces its domain, and the server takes no message whose key it cannot look up.
"""

import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence

import zmq
from zmq.utils import z85

from telemetry.events import log
from telemetry.keys import Keys

DOMAIN = "outrider"
HANDSHAKES, IN_S = 240, 60.0
"""A key may shake hands so often in such a time; a shard makes one connection, and a new one after each break."""


BARRED_S = 60.0
"""How long a key that did not listen to refusals stays outside."""

_PLACE, _VERSION, _KEY_BYTES = "inproc://zeromq.zap.01", b"1.0", 32


class Doorman:
    """Answers libzmq's questions in a thread of its own, from memory; `zmq.auth` does, too, and brings in asyncio."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: Keys) -> None:
        self._refused: Counter[str] = Counter()
        self._keys = keys
        self._barred: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {}
        self._questions = context.socket(zmq.REP)
        self._questions.linger = 0
        self._questions.bind(_PLACE)
        self._bell, self._rung = socket.socketpair()
        self._thread = threading.Thread(target=self._stand, name="doorman", daemon=True)
        self._thread.start()

    def answer(self, question: Sequence[bytes]) -> list[bytes]:
        """Whether somebody may come in; what is not plainly a question about a key is refused.

        question: version, id, domain, address, routing id, "CURVE", the peer's public key
        What comes out: version, the question's id, code, reason, user id, metadata
        """
        asked = question[1] if len(question) > 1 else b""
        about_a_key = len(question) == 7 and (question[0], question[2], question[5], len(question[6])) == (
            _VERSION, DOMAIN.encode(), b"CURVE", _KEY_BYTES,
        )  # fmt: skip
        if about_a_key and self._admits(public := z85.encode(question[6]).decode()):
            return [_VERSION, asked, b"200", b"OK", public.encode(), b""]
        return [_VERSION, asked, b"400", b"NO ACCESS", b"", b""]

    def bar(self, deaf: Iterable[str]) -> None:
        """Let these keys in no more for a while."""
        self._barred |= dict.fromkeys(deaf, time.monotonic() + BARRED_S)

    def take_refused(self) -> "Counter[str]":
        """How many handshakes were refused since the last call, by reason."""
        taken, self._refused = self._refused, Counter()
        return taken

    @property
    def there(self) -> bool:
        """Whether its thread lives; without it nobody comes in any more."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Answer no more: from now on nobody comes in."""
        self._bell.close()
        self._thread.join()
        self._rung.close()
        self._questions.close()

    def _stand(self) -> None:
        poller = zmq.Poller()
        poller.register(self._questions, zmq.POLLIN)
        poller.register(self._rung.fileno(), zmq.POLLIN)
        while self._rung.fileno() not in (asked := dict(poller.poll())):
            if self._questions in asked:
                self._questions.send_multipart(self.answer(self._questions.recv_multipart()))

    def _admits(self, public: str) -> bool:
        if self._keys.holder(public) is None:
            return self._refuse("unknown_key", public)
        if time.monotonic() < self._barred.get(public, 0.0):
            return self._refuse("deaf", public)
        recent = self._recent.setdefault(public, deque(maxlen=HANDSHAKES))
        now_s = time.monotonic()
        if len(recent) == HANDSHAKES and now_s - recent[0] < IN_S:
            return self._refuse("too_often", public)
        recent.append(now_s)
        return True

    def _refuse(self, why: str, public: str) -> bool:
        self._refused[why] += 1
        log.warning("handshake_refused", why=why, key=public[:8])
        return False


def shut(router: zmq.Socket[bytes], keys: Keys) -> None:
    """Make a socket speak CURVE, to those only whom a doorman lets in; before it is bound."""
    router.curve_server = True
    router.curve_publickey = keys.server.public.encode()
    router.curve_secretkey = keys.server.secret.encode()
    router.zap_domain = DOMAIN.encode()
    router.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
