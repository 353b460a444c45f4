"""The wire: messages, the cars' end, the server's end, and what is found again on disk."""

from telemetry.clip import Clip
from telemetry.errors import MalformedMessage, TelemetryError
from telemetry.gateway import Gateway
from telemetry.loopback import Loopback
from telemetry.query import open_run
from telemetry.serve import serve
from telemetry.tables import TABLES
from telemetry.uplinks import UPLINKS, Link, Links, open_uplink

__all__ = [
    "TABLES",
    "UPLINKS",
    "Clip",
    "Gateway",
    "Link",
    "Links",
    "Loopback",
    "MalformedMessage",
    "TelemetryError",
    "open_run",
    "open_uplink",
    "serve",
]
