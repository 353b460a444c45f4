"""The wire: messages, the cars' end, the server's end, and what is found again on disk."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from telemetry.clip import Clip
from telemetry.destination import open_destination
from telemetry.errors import TelemetryError
from telemetry.gateway import Gateway
from telemetry.keys import KeyFile, Keys
from telemetry.limits import Limits, Storage, Trimmed
from telemetry.pulse import Status, status_of
from telemetry.quota import Quota
from telemetry.serve import serve
from telemetry.tables import TABLES
from telemetry.uplinks import UPLINKS, Link, Links, open_uplink

if TYPE_CHECKING:
    from telemetry.loopback import Loopback
    from telemetry.query import Store, open_run, open_store, write_truth
    from telemetry.retention import trim

__all__ = [
    "TABLES",
    "UPLINKS",
    "Clip",
    "Gateway",
    "KeyFile",
    "Keys",
    "Limits",
    "Link",
    "Links",
    "Loopback",
    "Quota",
    "Status",
    "Storage",
    "Store",
    "TelemetryError",
    "Trimmed",
    "open_destination",
    "open_run",
    "open_store",
    "open_uplink",
    "serve",
    "status_of",
    "trim",
    "write_truth",
]

_LATE = {
    "Loopback": "telemetry.loopback",
    "trim": "telemetry.retention",
    **dict.fromkeys(("Store", "open_run", "open_store", "write_truth"), "telemetry.query"),
}
"""What reads or writes tables, and so brings in Arrow and Delta: a server that collects has no use for them."""


def __getattr__(name: str) -> Any:
    """Bring in what is in `_LATE` when it is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_LATE[name]), name)
    return value
