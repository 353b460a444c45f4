"""What can be wrong with a question about a run.

FleetError
├── RunFolderError
│   └── NotARun          (fleet.errors) point at a run folder
└── ReportError
    ├── UnknownName      correct the table, column, clip, trigger or slice
    ├── QueryRefused     correct the query
    ├── UnreadableClip   the clip's file is missing or damaged: fetch it again
    └── NothingToPreview take a drawn world
"""

from collections.abc import Iterable
from pathlib import Path

from fleet.errors import FleetError, hint


class ReportError(FleetError):
    """A question about a run that has no answer."""


class UnknownName(ReportError):
    """A table, column, clip, trigger or slice that the run does not have."""

    def __init__(self, sort: str, name: str, known: Iterable[str]) -> None:
        self.sort, self.name = sort, name
        super().__init__(f"unknown {sort} {name!r}{hint(name, known)}")


class QueryRefused(ReportError):
    """The database does not understand the query; `said` is its own message."""

    def __init__(self, said: str) -> None:
        self.said = said
        lines = [line.rstrip() for line in said.splitlines() if line.strip()]
        super().__init__("the query was refused: " + "\n".join(lines[:12]))


class UnreadableClip(ReportError):
    """A clip's file is missing or damaged."""

    def __init__(self, file: Path, why: str) -> None:
        self.file = file
        super().__init__(f"cannot read the clip {file}: {why}")


class NothingToPreview(ReportError):
    """A world whose encounters are not drawn, so that none can be made frequent."""

    def __init__(self, world: str) -> None:
        self.world = world
        super().__init__(f"the world {world!r} shows what was recorded; previews are made of drawn worlds")
