"""The server's own counters, for Prometheus."""

import contextlib
import errno
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry.errors import PortInUse

if TYPE_CHECKING:
    from prometheus_client import Metric

_SAYS = {
    "received": "Messages that came in, of every kind",
    "received_bytes": "Bytes of those messages",
    "acknowledged": "Clips and batches of rows that are on disk, newly",
    "pieces": "Pieces of longer messages that are on disk, newly",
    "duplicates": "Messages that were on disk already, acknowledged again",
    "malformed": "Messages that were dropped because they are none",
    "cut_off": "Connections that were cut off: too much memory, a revoked key, deaf to refusals",
    "unheard": "Connections that ended before a message came: refused keys, other protocols, scans of the port",
}
_SAYS_BY_REASON = {
    "refused": "Messages that were refused, by reason",
    "handshakes_refused": "Connections that were not let in",
}
_SAYS_NOW = {
    "connected": "Connections there are",
    "waiting": "Messages on disk, not yet in the tables",
    "behind_seconds": "All that came in longer ago is in the tables",
    "compaction_waits": "1 while nothing gets into the tables: their disk is full or their store does not answer",
    "disk_free_bytes": "Room on the disk of the inbox",
}


def _none_wait() -> int:
    return 0


def _not_behind() -> float:
    return 0.0


def _goes_on() -> bool:
    return False


@dataclass(slots=True, eq=False)
class Metrics:
    """What a server counts, as plain numbers of the thread that collects; who looks gets them as they are then.

    waiting, behind_s, compaction_waits: called for how many messages are not yet in the tables, how long ago the oldest
        of them came, and whether they cannot get there now
    """

    received: int = 0
    received_bytes: int = 0
    acknowledged: int = 0
    pieces: int = 0
    duplicates: int = 0
    malformed: int = 0
    cut_off: int = 0
    unheard: int = 0
    connected: int = 0
    disk_free_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    handshakes_refused: Counter[str] = field(default_factory=Counter)
    waiting: Callable[[], int] = _none_wait
    behind_s: Callable[[], float] = _not_behind
    compaction_waits: Callable[[], bool] = _goes_on

    def by_reason(self) -> dict[str, int]:
        """What was refused: messages by code, and handshakes."""
        return dict(self.refused + self.handshakes_refused)

    def collect(self) -> "Iterator[Metric]":
        """All of them, as Prometheus reads them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for name, says in _SAYS.items():
            yield CounterMetricFamily(f"outrider_{name}", says, value=getattr(self, name))
        for name, says in _SAYS_BY_REASON.items():
            by_reason = CounterMetricFamily(f"outrider_{name}", says, labels=["reason"])
            for reason, number in dict(getattr(self, name)).items():
                by_reason.add_metric([reason], number)
            yield by_reason
        now = (self.connected, self.waiting(), self.behind_s(), self.compaction_waits(), self.disk_free_bytes)
        for (name, says), value in zip(_SAYS_NOW.items(), now, strict=True):
            yield GaugeMetricFamily(f"outrider_{name}", says, value=value)

    @contextlib.contextmanager
    def exposed(self, port: int) -> Iterator[int]:
        """Serve them at http://127.0.0.1:PORT/metrics from a thread of its own; the port, which 0 leaves to choose.

        Raises PortInUse.
        """
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        registry.register(self)
        try:
            server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUse(f"127.0.0.1:{port}") from None
        try:
            yield int(server.server_port)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
