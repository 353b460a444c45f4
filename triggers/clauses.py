"""The gates within a condition: what stands between its outermost `and`s, each with the ways through it, its `or`s."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.language.grammar import Step

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=", "near")

Noted = Sequence[tuple[Any, NDArray[np.bool_]]]
"""What each step of a program came to: its value, for all cars or one for all, and where it is defined, (n,)."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One gate of a condition, for n cars; it holds where one of its ways does.

    text: as written; ways: likewise; through: (ways, n) bool, which hold
    apart: (n,) float64, how far from holding the nearest way is, as a share of the greater side of its comparison; 0
        where one holds, 1 where that cannot be said
    """

    text: str
    ways: tuple[str, ...]
    through: NDArray[np.bool_]
    apart: NDArray[np.float64]

    @property
    def held(self) -> NDArray[np.bool_]:
        """Where it lets through, (n,)."""
        return np.asarray(self.through.any(axis=0))

    def spread(self, rows: NDArray[np.intp], n: int) -> "Clause":
        """Of n cars, of which these rows were looked at, (m,); the others hold nothing."""
        through, apart = np.zeros((len(self.ways), n), np.bool_), np.ones(n)
        through[:, rows], apart[rows] = self.through, self.apart
        return Clause(self.text, self.ways, through, apart)


class Clauses:
    """The gates of a checked program; text: that it was made from."""

    def __init__(self, text: str, program: Sequence[Step]) -> None:
        self._text, self._program = text, program
        self._operands = _operands(program)
        root = len(program) - 1
        self._places = [(place, self._below(place, "or")) for place in self._below(root, "and")]

    @property
    def names(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each as written, and its ways."""
        return [(self._said(place), tuple(map(self._said, ways))) for place, ways in self._places]

    def of(self, noted: Noted, n: int) -> list[Clause]:
        """What each came to for n cars."""
        found = []
        for (text, names), (_, ways) in zip(self.names, self._places, strict=True):
            through = np.array([self._holds(noted, way, n) for way in ways])
            apart = np.where(through.any(axis=0), 0.0, np.min([self._apart(noted, way, n) for way in ways], axis=0))
            found.append(Clause(text, names, through, apart))
        return found

    def _below(self, place: int, op: str) -> list[int]:
        """What an operator joins, through all of its kind that are nested in it, in the order of the text."""
        if self._program[place].op != op:
            return [place]
        return [inner for each in self._operands[place] for inner in self._below(each, op)]

    def _said(self, place: int) -> str:
        return self._text[slice(*self._program[place].written)].strip()

    def _holds(self, noted: Noted, place: int, n: int) -> NDArray[np.bool_]:
        value, defined = noted[place]
        return np.broadcast_to(np.asarray(value, np.bool_) & defined, (n,))

    def _apart(self, noted: Noted, place: int, n: int) -> NDArray[np.float64]:
        step, sides = self._program[place], self._operands[place]
        if step.op not in COMPARISONS:
            return np.ones(n)
        one, other = (np.broadcast_to(np.asarray(noted[each][0], np.float64), (n,)) for each in sides[:2])
        defined = noted[sides[0]][1] & noted[sides[1]][1]
        with np.errstate(all="ignore"):
            share = np.abs(one - other) / np.maximum(np.maximum(np.abs(one), np.abs(other)), 1e-9)
        return np.where(defined & np.isfinite(share), np.minimum(share, 1.0), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """What a condition came to step by step; its gates are told only when somebody asks, so that noting costs little.

    n: cars that it was asked of; rows: which these are of `of` cars, None for all
    """

    clauses: Clauses
    noted: Noted
    n: int
    rows: NDArray[np.intp] | None = None
    of: int = 0

    def told(self) -> list[Clause]:
        """Its gates."""
        found = self.clauses.of(self.noted, self.n)
        return found if self.rows is None else [each.spread(self.rows, self.of) for each in found]


def _operands(program: Sequence[Step]) -> list[tuple[int, ...]]:
    """Of each step the steps that it takes its operands from."""
    stack: list[int] = []
    found: list[tuple[int, ...]] = []
    for place, step in enumerate(program):
        taken = tuple(stack[len(stack) - step.arity :]) if step.arity else ()
        del stack[len(stack) - step.arity :]
        found.append(taken)
        stack.append(place)
    return found
