"""Lets connections in by their key: ZAP (https://rfc.zeromq.org/spec/27/) over the register, fail-closed.

CURVE alone proves that a peer has a secret key, not whose it is: without an answer from here libzmq would let any key
in, so the socket also enforces its domain, and the server takes no message whose key it cannot look up.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable

import structlog
import zmq
from zmq.auth.thread import ThreadAuthenticator

from telemetry.keys import Keys

log = structlog.get_logger()

DOMAIN = "outrider"
HANDSHAKES, IN_S = 240, 60.0
"""A key may shake hands so often in such a time; a shard makes one connection, and a new one after each break."""


BARRED_S = 60.0
"""How long a key that did not listen to refusals stays outside."""


class Doorman:
    """Answers libzmq's questions in a thread of its own, from memory."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: Keys) -> None:
        self._refused: Counter[str] = Counter()
        self._keys = keys
        self._barred: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {}
        self._thread = ThreadAuthenticator(context)
        self._thread.start()
        self._thread.configure_curve_callback(domain=DOMAIN, credentials_provider=self)

    def callback(self, domain: str, key: bytes) -> bool:  # noqa: ARG002 - the library's name and arguments
        """Whether a key may come in; called for each handshake."""
        public = key.decode("ascii")
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
        return bool(self._thread.is_alive())

    def close(self) -> None:
        """Answer no more: from now on nobody comes in."""
        self._thread.stop()

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
