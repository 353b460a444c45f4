"""The collecting half of a server without its compactor: `python -m instruments.bare_server FOLDER KIND`.

KIND: "durable", a ledger in the folder, with the keys there; "memory", the same and it forgets everything; "plain", the
ledger without keys.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from telemetry.collector import Collector
from telemetry.events import log
from telemetry.intake import Intake
from telemetry.keys import Keys
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.metrics import Metrics


class Forgetful:
    """Keeps nothing, and says that all is kept."""

    def append(self, group: Sequence[Incoming]) -> list[Outcome]:
        """As a ledger that has room."""
        return [Outcome.STORED] * len(group)

    def known(self, message_id: str) -> bytes | None:  # noqa: ARG002
        """Nothing is."""
        return None

    def pieces(self, last: Incoming) -> list[bytes] | None:  # noqa: ARG002
        """None are."""
        return None

    def forget_pieces(self, owner: str, whole: str) -> None:
        """There are none."""


def main(folder: Path, kind: str) -> None:
    """Serve until it is killed; say the endpoint."""
    log.listener = lambda *_: None
    keeper = Forgetful() if kind == "memory" else Ledger(folder / kind)
    keys = None if kind == "plain" else Keys.found(folder / "keys")
    collector = Collector(Intake(keeper, Metrics()), "", "tcp://127.0.0.1:0", lambda *_: None, keys)
    print(collector.endpoint, flush=True)
    while True:
        collector.socket.poll(200)
        while collector.step():
            pass
        collector.look()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
