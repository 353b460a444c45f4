"""What can go wrong with a trigger, named for what the caller can do about it.

TriggerError
├── UnknownName           a name nobody knows: correct the spelling
│   ├── UnknownSignal     … of a column of the signal table
│   ├── UnknownKind       … of a sort of trigger
│   └── UnknownTrigger    … of a trigger
├── BadSpec               a spec that does not hold: correct the file, at the line given
├── BadExpression         a condition that does not parse or type-check: correct it at the caret
├── BadKind               a kind that breaks the contract of kinds: correct its code
├── WeightsError          a probe that cannot be used
│   ├── MissingWeights    no such file: train it, or correct the path
│   ├── BadWeights        not a probe's file: train it again
│   └── ForeignBackbone   fitted to another network: train it on this one
├── TooFewEncounters      training data too thin: collect more
├── BadRequirement        what a trigger must be is not written as it must: correct it at the caret
└── ForeignMemory         a checkpoint of other cars: restore the right one
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def hint(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'X'?` for the nearest known name, or what there is when few, or nothing."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:
        folded = {each.lower(): each for each in names}
        near = [folded[each] for each in difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)]
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there is {', '.join(names)}" if 0 < len(names) <= 8 else ""


class TriggerError(Exception):
    """Anything that is wrong with a trigger; the message is meant for its author."""


class UnknownName(TriggerError):
    """A name nobody knows.

    name: what was written; known: the names there are; where: the field that says it, or "".
    """

    what = "name"

    def __init__(self, name: str, known: Iterable[str], where: str = "") -> None:
        self.name, self.known, self.where = name, tuple(known), where
        super().__init__(f"{where + ': ' if where else ''}unknown {self.what} '{name}'{hint(name, self.known)}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.name, self.known, self.where)


class UnknownSignal(UnknownName):
    """A column that the signal table does not have."""

    what = "signal"


class UnknownKind(UnknownName):
    """A sort of trigger that is not in `KINDS`."""

    what = "trigger kind"


class UnknownTrigger(UnknownName):
    """A trigger that neither ships nor is a file, or that an evaluator does not hold."""

    what = "trigger"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: line (from 1, 0 = unknown), field (dotted path), text (what was expected)."""

    line: int
    field: str
    text: str

    @property
    def at(self) -> str:
        """`:12`, or nothing where the line is unknown."""
        return f":{self.line}" if self.line else ""


class BadSpec(TriggerError):
    """A spec that does not hold; file: where it stands, problems: all that is wrong with it."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file, self.problems = file, tuple(problems)
        lines = (f"{file}{p.at}: {p.field + ': ' if p.field else ''}{p.text}" for p in self.problems)
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.file, self.problems)


class BadExpression(TriggerError):
    """A condition that does not parse or type-check.

    text: the expression; position: index of the offending character; problem: what is wrong; where: the field, or "".
    """

    def __init__(self, text: str, position: int, problem: str, where: str = "") -> None:
        self.text, self.position, self.problem, self.where = text, position, problem, where
        start = text.rfind("\n", 0, position) + 1
        line = text[start:].split("\n", 1)[0]
        caret = " " * (position - start) + "^"
        super().__init__(f"{where + ': ' if where else ''}{problem}\n  {line}\n  {caret}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.text, self.position, self.problem, self.where)


class BadKind(TriggerError):
    """A kind that breaks the contract of kinds; where: the trigger and kind, problem: which promise."""

    def __init__(self, where: str, problem: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(f"{where}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.where, self.problem)


class WeightsError(TriggerError):
    """A probe that cannot be used; file: its weights, problem: why."""

    def __init__(self, file: Path | str, problem: str) -> None:
        self.file, self.problem = str(file), problem
        super().__init__(f"{self.file}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.file, self.problem)


class MissingWeights(WeightsError):
    """No such file."""

    def __init__(self, file: Path | str, problem: str = "no such weights; train it, or correct the path") -> None:
        super().__init__(file, problem)


class BadWeights(WeightsError):
    """Not a probe's file, or a damaged one."""


class ForeignBackbone(WeightsError):
    """Fitted to the features of another backbone, so its scores would mean nothing."""


class TooFewEncounters(TriggerError):
    """Training data too thin; need, have: how many encounters of which sort (what)."""

    def __init__(self, what: str, need: int, have: int) -> None:
        self.what, self.need, self.have = what, need, have
        super().__init__(f"too few {what} to train on: {have} where {need} are needed")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.what, self.need, self.have)


class UnknownSort(TriggerError):
    """No such sort of classifier; sort: as asked for, known: those that there are."""

    def __init__(self, sort: str, known: Iterable[str]) -> None:
        self.sort, self.known = sort, tuple(known)
        super().__init__(f"unknown sort of probe '{sort}'{hint(sort, self.known)}; there are {', '.join(self.known)}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.sort, self.known)


class ForeignMemory(TriggerError):
    """A checkpoint of other cars; saved, mine: (first car, number of cars)."""

    def __init__(self, saved: tuple[int, int], mine: tuple[int, int]) -> None:
        self.saved, self.mine = saved, mine
        super().__init__(f"this checkpoint remembers {_span(*saved)}, not {_span(*mine)}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.saved, self.mine)


def _span(first: int, cars: int) -> str:
    return f"cars {first} to {first + cars - 1}" if cars else "no cars"


class BadRequirement(TriggerError):
    """A requirement that does not hold; text: as written, position: of the mistake, problem: what is wrong."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        self.text, self.position, self.problem = text, position, problem
        super().__init__(f"{problem}\n  {text}\n  {' ' * position}^")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.text, self.position, self.problem)
