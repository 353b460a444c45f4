"""The cases of a suite, `NAME.cases.jsonl`: one recipe a line, each with the hash of the line before it.

The file is only appended to, and a line that was changed or taken away breaks the chain at the line after it. What the
chain cannot tell, lines taken away from the end, its head tells: `head` of two versions of a file.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fleet.errors import BrokenChain, CannotWrite

FIRST = "0" * 64
APART_TICKS = 36_000
"""An hour: by then a car is on another trip."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which frame: the world as it is opened, and a car at a tick."""

    world: str
    options: Mapping[str, Any]
    seed: int
    cars: int
    car: int
    tick: int

    @property
    def opening(self) -> str:
        """What must be equal so that two frames are of the same world, as text."""
        return json.dumps([self.world, self.options, self.seed, self.cars], sort_keys=True)


@dataclass(frozen=True, slots=True)
class Case:
    """One encounter in one picture.

    slice: whose it is
    recipe: which frame
    expected: whether it shows what the task asks for, as the labeller said
    camera: which one shows it; None = all of them together
    encounter: the thing's number in truth; 0 = nobody counts it
    facts: about thing and moment, for people
    pixels: sha256 of all cameras' pixels, painted plainly; world_print: the world's fingerprint
    added: UTC, when
    source: where it comes from: `sampler` with its seed, or `clip` with its id and run
    """

    slice: str
    recipe: Recipe
    expected: bool
    camera: str | None
    encounter: int
    facts: Mapping[str, Any]
    pixels: str = ""
    world_print: str = ""
    added: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)


def depends(case: Case, others: Iterable[Case]) -> bool:
    """Whether one of the others is of the same encounter, or of the same car within an hour."""
    ours = case.recipe
    for other in others:
        theirs = other.recipe
        same_car = (ours.world, ours.seed, ours.car) == (theirs.world, theirs.seed, theirs.car)
        same_thing = case.encounter != 0 and case.encounter == other.encounter
        if same_car and (same_thing or abs(ours.tick - theirs.tick) < APART_TICKS):
            return True
    return False


def pixels_hash(pixels: bytes) -> str:
    """What a case remembers of its pictures."""
    return hashlib.sha256(pixels).hexdigest()


def read_cases(file: Path) -> list[Case]:
    """All cases, the oldest first; BrokenChain where one was changed or taken away, none where there is no file."""
    if not file.is_file():
        return []
    return _unchained(file, file.read_bytes())[0]


def head(file: Path) -> str:
    """The hash of the last line, that is of everything in the file."""
    return _unchained(file, file.read_bytes())[1] if file.is_file() else FIRST


def append_cases(file: Path, cases: Sequence[Case]) -> None:
    """Add cases at the end, on disk when this returns; BrokenChain, CannotWrite."""
    try:
        with file.open("a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # two that grow one suite at once take turns
            stream.seek(0)
            _, last = _unchained(file, stream.read())
            for case in cases:
                line = _line(case, last)
                last = hashlib.sha256(line).hexdigest()
                stream.write(line + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise CannotWrite(file, error) from error


def _line(case: Case, before: str) -> bytes:
    told = asdict(case)
    recipe = told.pop("recipe")
    return json.dumps({"slice": told.pop("slice"), **recipe, **told, "before": before}).encode()


def _unchained(file: Path, content: bytes) -> tuple[list[Case], str]:
    cases, last = [], FIRST
    lines = content.split(b"\n")
    if lines.pop():
        raise BrokenChain(file, len(lines) + 1, "the last line is cut short")
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            before = told.pop("before")
            recipe = Recipe(**{name: told.pop(name) for name in Recipe.__dataclass_fields__})
            case = Case(recipe=recipe, **told)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BrokenChain(file, number, "this is no case") from None
        if before != last:
            raise BrokenChain(file, number, "it does not follow the line before, which was changed or taken away")
        cases.append(case)
        last = hashlib.sha256(line).hexdigest()
    return cases, last
