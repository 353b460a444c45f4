"""How long a store keeps things, and what it let go: plain words that a server can hand to another process."""

from typing import Any

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a store may keep; None is all.

    days: what came in longer ago goes
    nbytes: tables and clips together; above, the oldest days go, of the day with which it fits only the oldest clips as
        needed, and of the newest day no rows
    labels: whether labels go with their days, too
    """

    days: int | None = None
    nbytes: int | None = None
    labels: bool = False


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """What went, or would go.

    upto: the last day of which nothing is kept, "" for none
    rows: how many, by table; those of single clips are among them
    clips, nbytes: clips without a row from now on, and what all this weighs
    kept_bytes: what tables and clips that are kept weigh
    freed_files, freed_bytes: clips' files that left now; the rest follows when its grace is over, with the next trim
    at: when, in UTC
    """

    upto: str
    rows: dict[str, int]
    clips: int
    nbytes: int
    kept_bytes: int
    freed_files: int
    freed_bytes: int
    dry_run: bool
    at: str

    def facts(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server's tables and clips go, and how long they stay there.

    url: a path or URL as `open_destination` takes it, "" for the server's own store
    limits: None for ever
    """

    url: str = ""
    limits: Limits | None = None
