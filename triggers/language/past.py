"""What conditions remember of cars: samples within a window, and since when something holds.

Everything is an array with one row a car, so a car's answers do not depend on which other cars are there: rings grow
with whoever looks most often, and nothing that is read from them depends on their size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

EMPTY = -(2**31)
_SMALLEST = 4  # samples a ring begins with

Rows = NDArray[np.intp]
Numbers = NDArray[Any]
Flags = NDArray[np.bool_]


class Ring:
    """The samples of a window.

    ticks:  (n, size) int32, when each was taken, EMPTY where there is none
    values: (n, size) float64, exact for every signal; NaN is a sample that was undefined
    next:   (n,) int64, how many have been taken; the newest is in slot (next - 1) % size
    """

    def __init__(self, cars: int) -> None:
        self.ticks = np.full((cars, _SMALLEST), EMPTY, np.int32)
        self.values = np.zeros((cars, _SMALLEST))
        self.next = np.zeros(cars, np.int64)

    def forget(self, rows: Rows) -> None:
        """As if these cars had never been looked at."""
        self.ticks[rows] = EMPTY
        self.next[rows] = 0

    def add(self, rows: Rows, values: Numbers, tick: int, span: int) -> None:
        """A sample for each of these cars; span: how many ticks back a sample is needed, and the one before those."""
        size = self.ticks.shape[1]
        oldest, second = (self.ticks[rows, (self.next[rows] + i) % size] for i in (0, 1))
        if ((oldest != EMPTY) & (second > tick - span)).any():
            self._grow()
            size *= 2
        slots = self.next[rows] % size
        self.ticks[rows, slots], self.values[rows, slots] = tick, values
        self.next[rows] += 1

    def since(self, rows: Rows, first_tick: int) -> tuple[Numbers, Flags]:
        """Values (m, size) and which of them were taken since a tick, both ends included."""
        return self.values[rows], self.ticks[rows] >= first_tick

    def newest(self, rows: Rows, last_tick: int) -> tuple[Numbers, Flags]:
        """The newest value taken by a tick, (m,), and whether there is one."""
        ticks = self.ticks[rows]
        slots = np.where(ticks <= last_tick, ticks, EMPTY).argmax(axis=1, keepdims=True)
        found = np.take_along_axis(ticks, slots, 1)[:, 0]
        values = np.take_along_axis(self.values[rows], slots, 1)[:, 0]
        return values, (found != EMPTY) & (found <= last_tick)

    def by_age(self, rows: Rows) -> tuple[Numbers, Numbers]:
        """Values and ticks, (m, size) each, newest first: an order that does not depend on the size."""
        size = self.ticks.shape[1]
        slots = (self.next[rows][:, None] - 1 - np.arange(size)) % size
        return np.take_along_axis(self.values[rows], slots, 1), np.take_along_axis(self.ticks[rows], slots, 1)

    def _grow(self) -> None:
        everyone = np.arange(len(self.next))
        values, ticks = (each[:, ::-1] for each in self.by_age(everyone))
        self.values = np.concatenate([values, np.zeros_like(values)], axis=1)
        self.ticks = np.concatenate([ticks, np.full_like(ticks, EMPTY)], axis=1)
        self.next = np.full_like(self.next, values.shape[1])

    def state(self) -> dict[str, Numbers]:
        """As plain arrays, for a checkpoint."""
        return {"ticks": self.ticks.copy(), "values": self.values.copy(), "next": self.next.copy()}

    @classmethod
    def of(cls, state: Mapping[str, Numbers]) -> Self:
        """Back from a checkpoint."""
        ring = cls(0)
        ring.ticks, ring.values, ring.next = (state[each].copy() for each in ("ticks", "values", "next"))
        return ring


class Mark:
    """One tick a car: since when something holds, or when it last did. ticks: (n,) int64, EMPTY where never."""

    def __init__(self, cars: int) -> None:
        self.ticks = np.full(cars, EMPTY, np.int64)

    def forget(self, rows: Rows) -> None:
        """As if these cars had never been looked at."""
        self.ticks[rows] = EMPTY

    def state(self) -> dict[str, Numbers]:
        """As plain arrays, for a checkpoint."""
        return {"mark": self.ticks.copy()}

    @classmethod
    def of(cls, state: Mapping[str, Numbers]) -> Self:
        """Back from a checkpoint."""
        mark = cls(0)
        mark.ticks = state["mark"].copy()
        return mark


class Past:
    """What the windows of one trigger remember, for all cars of a cohort; cells are made when they are first asked."""

    def __init__(self, cars: int) -> None:
        self.cars = cars
        self.cells: dict[str, Ring | Mark] = {}

    def ring(self, name: str) -> Ring:
        """The ring of this name."""
        cell = self.cells.setdefault(name, Ring(self.cars)) if name not in self.cells else self.cells[name]
        return cast("Ring", cell)

    def mark(self, name: str) -> Mark:
        """The mark of this name."""
        cell = self.cells.setdefault(name, Mark(self.cars)) if name not in self.cells else self.cells[name]
        return cast("Mark", cell)

    def forget(self, rows: Rows) -> None:
        """As if these cars had never been looked at."""
        for cell in self.cells.values():
            cell.forget(rows)

    def state(self) -> dict[str, Numbers]:
        """As plain arrays, for a checkpoint."""
        return {f"{name}/{part}": v for name, cell in self.cells.items() for part, v in cell.state().items()}

    @classmethod
    def of(cls, cars: int, state: Mapping[str, Numbers]) -> Self:
        """Back from a checkpoint."""
        past = cls(cars)
        for name in dict.fromkeys(key.rpartition("/")[0] for key in state):
            parts = {key.rpartition("/")[2]: v for key, v in state.items() if key.rpartition("/")[0] == name}
            past.cells[name] = Mark.of(parts) if "mark" in parts else Ring.of(parts)
        return past


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The past of some cars as seen from a tick, to which what they look at now is added.

    rows: (m,) rows of the cohort, in the order of the table's; place: whose cells, where one trigger has several
    """

    past: Past
    rows: Rows
    tick: int
    tick_us: int
    place: str = ""

    def at(self, place: str) -> "Moment":
        """The same moment for another expression of the trigger."""
        return replace(self, place=place)

    def ring(self, name: str) -> Ring:
        """The samples of the window of this name."""
        return self.past.ring(f"{self.place}.{name}")

    def mark(self, name: str) -> Mark:
        """The tick that a state of this name remembers."""
        return self.past.mark(f"{self.place}.{name}")

    def ticks_in(self, span_us: int) -> int:
        """How many whole ticks there are in a time."""
        return span_us // self.tick_us
