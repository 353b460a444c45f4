"""What can go wrong in a car, by what one can do about it.

VehicleError
├── UnknownNetwork        no shipped network and no folder of that name: correct the name
├── UnknownViewer         no shipped viewer and no folder of that name, or of a sort nobody knows: correct the name
├── MissingWeights        a network's folder lacks a file: train or copy it
├── TamperedWeights       a file is not the one its card describes: fetch it again
├── ForeignBackbone       heads, viewers or triggers made for another backbone: retrain them, or load theirs
├── NoViewer              a trigger asks for what is seen from above, and nobody looks: name a viewer
├── ForeignRig            a network or viewer made for other pictures than the car's cameras give: take another
├── UnknownTask           a network has a head for a task nobody defines: correct it, or name the plugin
├── ForeignTask           a head and its task disagree about the outputs: retrain the head
├── BadTask               a task's file does not say what it must: mend the fields it names
├── OldNetwork            a network of another release: train it again
└── MissingExtra          an optional part is not installed: install it
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


def hint(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` where a known name is near, else a list of what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(names)}" if names else "; there are none"


class VehicleError(Exception):
    """Root of everything that a car's software refuses."""


class UnknownNetwork(VehicleError):
    """Neither a shipped network nor a folder."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"unknown network {name!r}{hint(name, known)}")


class UnknownViewer(VehicleError):
    """Neither a shipped viewer nor a folder, or one of a sort that nobody knows."""

    def __init__(self, name: str, known: Iterable[str], what: str = "viewer") -> None:
        self.name = name
        super().__init__(f"unknown {what} {name!r}{hint(name, known)}")


class MissingWeights(VehicleError):
    """A network's folder lacks a file."""

    def __init__(self, folder: Path, file: str) -> None:
        self.folder, self.file = folder, file
        super().__init__(
            f"{folder} has no {file}; `outrider train hydranet --out {folder}` makes all of a network's files"
        )


class TamperedWeights(VehicleError):
    """A file's bytes are not the ones that its card describes."""

    def __init__(self, file: Path, *, expected: str, found: str) -> None:
        self.file = file
        super().__init__(
            f"{file} is not the file its card describes: sha256 {found[:12]}…, the card says {expected[:12]}…"
        )


class ForeignBackbone(VehicleError):
    """Something made for one backbone meets another."""

    def __init__(self, what: str, *, needs: str, found: str) -> None:
        self.what, self.needs, self.found = what, needs, found
        super().__init__(f"{what} was made for backbone {needs[:12]}… but meets {found[:12]}…")


class NoViewer(VehicleError):
    """A trigger reads a map, and the loadout has no viewer."""

    def __init__(self, why: object) -> None:
        super().__init__(
            f"{why}\nnothing in this loadout looks from above: name a viewer, such as `loadout.top_down: bev-v1`"
        )


class ForeignRig(VehicleError):
    """A network or a viewer meets cameras that it was not made for."""

    def __init__(self, name: str, *, needs: Mapping[str, int], found: Mapping[str, int]) -> None:
        self.name = name
        wants, gives = (", ".join(f"{name} {value}" for name, value in each.items()) for each in (needs, found))
        super().__init__(
            f"{name!r} was made for {wants}; this car has {gives}: take `eight_cameras`, or train for this rig"
        )


class UnknownTask(VehicleError):
    """A head for a task that nobody defines."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"unknown task {name!r}{hint(name, known)}")


class ForeignTask(VehicleError):
    """A head was trained for other outputs than its task now names."""

    def __init__(self, task: str, *, head: Iterable[str], now: Iterable[str]) -> None:
        self.task = task
        super().__init__(
            f"the head of task {task!r} gives ({', '.join(head)}), the task now asks for ({', '.join(now)})"
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a task's file: line (from 1, 0 = none), field (dotted), text (what was expected)."""

    line: int
    field: str
    text: str


class BadTask(VehicleError):
    """A task that does not hold; file: where it stands, problems: all that is wrong with it."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file, self.problems = file, tuple(problems)
        super().__init__("\n".join(self._said(each) for each in self.problems))

    def _said(self, problem: Problem) -> str:
        place = f"{self.file}:{problem.line}" if problem.line else self.file
        return f"{place}: {problem.field + ': ' if problem.field else ''}{problem.text}"


class OldNetwork(VehicleError):
    """A network's card is of another sort than this release reads."""

    def __init__(self, folder: Path, *, found: object, needs: int) -> None:
        self.folder = folder
        super().__init__(f"{folder}: its card has schema {found}, this release reads {needs}; train the network again")


class MissingExtra(VehicleError):
    """An optional dependency is absent."""

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} needs the extra {extra!r}: pip install 'outrider-fleet[{extra}]'")
