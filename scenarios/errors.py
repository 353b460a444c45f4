"""What can go wrong with a world, by what one can do about it.

ScenarioError
├── CorruptDrive    a recorded drive is not what its format promises: replace or remove the file
└── NoDrives        nothing recorded was found where one looked: point somewhere else
"""

from collections.abc import Sequence
from pathlib import Path


class ScenarioError(Exception):
    """Root of what the world refuses."""


class CorruptDrive(ScenarioError):
    """A file that should hold a recorded drive and does not."""

    def __init__(self, file: Path, problem: str, expected: str) -> None:
        self.file, self.problem, self.expected = file, problem, expected
        super().__init__(f"{file}: {problem}; expected {expected}")


class NoDrives(ScenarioError):
    """A place without recorded drives."""

    def __init__(self, place: Path, formats: Sequence[str]) -> None:
        self.place, self.formats = place, tuple(formats)
        what = "no recorded drives in" if place.exists() else "there is no file or folder"
        super().__init__(f"{what} {place}; looked for:\n" + "\n".join(f"  - {line}" for line in formats))
