"""What can go wrong with a world, by what one can do about it.

ScenarioError
├── UnknownWorld    no world of that name ships: take one that does
├── UnknownRig      no rig of that name ships: take one that does, or make a file of it
├── UnknownRegion   no base rates of that region: take one that has
├── TiltedCamera    a camera looks so far up or down that it can't be painted: tilt it less
├── NotLevel        something is told by image columns, and the rig has tilted cameras: take a level one
├── BadWorld        a world's or a rig's file does not say what it must: mend the named field
├── TooOften        encounters are asked for more often than there is room: lower a rate
├── BadHours        a file of weather hours does not say what it must: mend the named line
├── NotDrawn        encounters cannot be put into recorded drives: take a drawn world
├── NoDrivesNamed   the recorded world was not told where its drives are: name a folder
├── CorruptDrive    a recorded drive is not what its format promises: replace or remove the file
├── NoCalibration   nothing that says where cameras are was found where one looked: point somewhere else
└── NoDrives        nothing recorded was found where one looked: point somewhere else
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path


def nearest(name: str, known: Sequence[str]) -> str:
    """What was probably meant by an unknown name, as the end of a message."""
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"


class ScenarioError(Exception):
    """Root of what the world refuses."""


class UnknownWorld(ScenarioError):
    """A world that does not ship."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"unknown world {name!r}; {nearest(name, self.known)}")


class UnknownRig(ScenarioError):
    """A rig that does not ship."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(
            f"unknown rig {name!r}; {nearest(name, self.known)}; a YAML file is named with its .yaml, and "
            "`outrider world rig import PLACE` makes one of a recording's calibration"
        )


class TiltedCamera(ScenarioError):
    """A camera that sees what a level view cannot hold."""

    def __init__(self, name: str, most_deg: float) -> None:
        self.name = name
        super().__init__(
            f"camera {name!r} sees further than {most_deg:.0f} degrees up, down or aside of the level line along its "
            "yaw; painting can't show that: tilt it less, or narrow its view"
        )


class NotLevel(ScenarioError):
    """A rig whose image columns are no upright planes, where they must be."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} needs a rig of level cameras of one size, such as `eight_cameras`")


class UnknownRegion(ScenarioError):
    """A region without base rates."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"unknown region {name!r}; {nearest(name, self.known)}")


class BadWorld(ScenarioError):
    """A world's or a rig's file that does not say what it must; line 0 where the problem is not in the file."""

    def __init__(self, file: Path, line: int, field: str, problem: str) -> None:
        self.file, self.line, self.field, self.problem = file, line, field, problem
        place = f"{file}:{line}" if line else f"{file}"
        super().__init__(f"{place}: {field + ': ' if field else ''}{problem}")


class TooOften(ScenarioError):
    """Rates that add up to more than one encounter a site."""

    def __init__(self, on: str, length_m: float, found: float) -> None:
        self.on, self.length_m, self.found = on, length_m, found
        most = 1000.0 / length_m
        super().__init__(
            f"encounters_per_km: those on a {on} add up to {found * most:.3g} per km; there is room for one every "
            f"{length_m:.0f} m, that is {most:.3g} per km"
        )


class BadHours(ScenarioError):
    """A CSV file of weather hours that does not say what it must; line 0 where the whole file is meant."""

    def __init__(self, file: Path, line: int, problem: str, expected: str) -> None:
        self.file, self.line, self.problem, self.expected = file, line, problem, expected
        place = f"{file}:{line}" if line else f"{file}"
        super().__init__(f"{place}: {problem}; expected {expected}")


class NoDrivesNamed(ScenarioError):
    """The recorded world without a place to look for drives."""

    def __init__(self) -> None:
        super().__init__("the world 'recorded' needs to know where its drives are: world.drives=FOLDER")


class CorruptDrive(ScenarioError):
    """A file that should hold a recorded drive and does not."""

    def __init__(self, file: Path, problem: str, expected: str) -> None:
        self.file, self.problem, self.expected = file, problem, expected
        super().__init__(f"{file}: {problem}; expected {expected}")


class NoCalibration(ScenarioError):
    """A place without a calibration of cameras."""

    def __init__(self, place: Path, formats: Sequence[str]) -> None:
        self.place, self.formats = place, tuple(formats)
        what = "no calibration of cameras in" if place.exists() else "there is no file or folder"
        super().__init__(f"{what} {place}; looked for:\n" + "\n".join(f"  - {line}" for line in formats))


class NoDrives(ScenarioError):
    """A place without recorded drives."""

    def __init__(self, place: Path, formats: Sequence[str]) -> None:
        self.place, self.formats = place, tuple(formats)
        what = "no recorded drives in" if place.exists() else "there is no file or folder"
        super().__init__(f"{what} {place}; looked for:\n" + "\n".join(f"  - {line}" for line in formats))


class NotDrawn(ScenarioError):
    """A world that is not drawn from rates, where one is needed."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the world {name!r} is not drawn from rates, so nothing can be put on its roads; take a drawn one"
        )
