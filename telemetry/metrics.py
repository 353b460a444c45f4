"""The server's own counters, for Prometheus."""

import contextlib
import errno
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from telemetry.errors import PortInUse


class Metrics:
    """What a server counts; each server has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = self._counter("received", "Messages that came in, of every kind")
        self.received_bytes = self._counter("received_bytes", "Bytes of those messages")
        self.acknowledged = self._counter("acknowledged", "Clips and batches of rows that are on disk, newly")
        self.pieces = self._counter("pieces", "Pieces of longer messages that are on disk, newly")
        self.duplicates = self._counter("duplicates", "Messages that were on disk already, acknowledged again")
        self.malformed = self._counter("malformed", "Messages that were dropped because they are none")
        self.refused = Counter(
            "outrider_refused", "Messages that were refused, by reason", ["reason"], registry=self.registry
        )
        self.handshakes_refused = Counter(
            "outrider_handshakes_refused", "Connections that were not let in", ["reason"], registry=self.registry
        )
        self.cut_off = self._counter("cut_off", "Connections that held too much memory, and were cut off")
        self.connected = Gauge("outrider_connected", "Connections there are", registry=self.registry)
        self.waiting = Gauge("outrider_waiting", "Messages on disk, not yet in the tables", registry=self.registry)

    def number(self, name: str) -> int:
        """What one of them stands at."""
        suffixes = ("_total", "")
        found = [self.registry.get_sample_value(f"outrider_{name}{suffix}") for suffix in suffixes]
        return int(next((value for value in found if value is not None), 0))

    def by_reason(self) -> dict[str, int]:
        """What was refused: messages by code, and handshakes."""
        return {
            sample.labels["reason"]: int(sample.value)
            for counter in (self.refused, self.handshakes_refused)
            for metric in counter.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    @contextlib.contextmanager
    def exposed(self, port: int) -> Iterator[int]:
        """Serve them at http://127.0.0.1:PORT/metrics from a thread of its own; the port, which 0 leaves to choose.

        Raises PortInUse.
        """
        try:
            server, thread = start_http_server(port, addr="127.0.0.1", registry=self.registry)
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

    def _counter(self, name: str, says: str) -> Counter:
        return Counter(f"outrider_{name}", says, registry=self.registry)
