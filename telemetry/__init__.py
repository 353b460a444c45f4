"""The wire: messages, the cars' end, the server's end, and what is found again on disk."""

from telemetry.clip import Clip
from telemetry.destination import open_destination
from telemetry.errors import TelemetryError
from telemetry.gateway import Gateway
from telemetry.keys import KeyFile, Keys
from telemetry.loopback import Loopback
from telemetry.pulse import Status, status_of
from telemetry.query import Store, open_run, open_store, write_truth
from telemetry.quota import Quota
from telemetry.retention import Limits, Trimmed, trim
from telemetry.serve import serve
from telemetry.tables import TABLES
from telemetry.uplinks import UPLINKS, Link, Links, open_uplink

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
