"""What the triggers of a cohort remember of its cars, through a change of loadout and through a checkpoint."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.errors import ForeignMemory
from triggers.gating import NEVER, Latch, Reason
from triggers.language.past import Past


class Memory:
    """What the triggers of a cohort remember, by name, so that it outlives a change of loadout; row i is car first + i.

    Shared by all evaluators of the cohort; saved with `state`, brought back with `restore`.
    """

    def __init__(self, first_car: int, cars: int) -> None:
        self.first_car, self.cars = first_car, cars
        self.seen_tick: NDArray[np.int64] = np.full(cars, NEVER, np.int64)
        self.closed: set[str] = set()
        self.suspended: set[str] = set()
        self._latches: dict[str, Latch] = {}
        self._counts: dict[str, NDArray[np.uint32]] = {}
        self._pasts: dict[str, Past] = {}

    def latch(self, trigger: str) -> Latch:
        """What the trigger of this name remembers."""
        if trigger not in self._latches:
            self._latches[trigger] = Latch.fresh(self.cars)
        return self._latches[trigger]

    def past(self, trigger: str, version: int) -> Past:
        """What the windows of this version of a trigger remember."""
        return self._pasts.setdefault(f"{trigger}/{version}", Past(self.cars))

    def rows(self, cars: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Rows of these cars, (n,). Raises ValueError unless they ascend and belong to the cohort."""
        rows = cars.astype(np.intp) - self.first_car
        if len(rows) and not (rows[0] >= 0 and rows[-1] < self.cars and (rows[1:] > rows[:-1]).all()):
            raise ValueError(f"cars must ascend within {self.first_car} … {self.first_car + self.cars - 1}")
        return rows

    def count(self, trigger: str, rows: NDArray[np.intp], reasons: NDArray[np.uint8]) -> None:
        """Count a reason for each of these cars."""
        if trigger not in self._counts:
            self._counts[trigger] = np.zeros((self.cars, len(Reason)), np.uint32)
        self._counts[trigger][rows, reasons] += 1

    def amend(self, trigger: str, cars: NDArray[np.uint32], was: Reason, now: Reason) -> None:
        """Count another reason for these cars after all: a fire, say, whose clip turned out to be PRIVATE."""
        rows = self.rows(cars)
        self._counts[trigger][rows, was] -= np.uint32(1)
        self._counts[trigger][rows, now] += np.uint32(1)

    def take_counts(self) -> dict[str, NDArray[np.uint32]]:
        """Trigger → (cars, reasons) uint32, how often each reason was given since the last take."""
        counts, self._counts = self._counts, {}
        return counts

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, as plain arrays under flat names."""
        out: dict[str, NDArray[Any]] = {"cohort": np.array([self.first_car, self.cars], np.int64)}
        out["seen_tick"] = self.seen_tick.copy()
        for name in ("closed", "suspended"):
            out[name] = np.array(sorted(getattr(self, name)), np.str_)
        for name, latch in self._latches.items():
            out |= {f"{name}/{each.name}": getattr(latch, each.name).copy() for each in fields(Latch)}
        for name, past in self._pasts.items():
            out |= {f"{name}/past/{key}": values for key, values in past.state().items()}
        return out | {f"{name}/counts": counts.copy() for name, counts in self._counts.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Back to a saved state. Raises ForeignMemory if it is of other cars."""
        first_car, cars = (int(each) for each in state["cohort"])
        if (first_car, cars) != (self.first_car, self.cars):
            raise ForeignMemory((first_car, cars), (self.first_car, self.cars))
        self.seen_tick = state["seen_tick"].copy()
        self.closed, self.suspended = ({str(each) for each in state[name]} for name in ("closed", "suspended"))
        names = sorted({key.partition("/")[0] for key in state if key.endswith("/held")})
        self._latches = {
            name: Latch(**{each.name: state[f"{name}/{each.name}"].copy() for each in fields(Latch)}) for name in names
        }
        self._pasts = _pasts_of(state, cars)
        counted = [key for key in state if key.endswith("/counts")]
        self._counts = {key.removesuffix("/counts"): state[key].copy() for key in counted}


def _pasts_of(state: Mapping[str, NDArray[Any]], cars: int) -> dict[str, Past]:
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    for key, values in state.items():
        name, found, cell = key.partition("/past/")
        if found:
            parts.setdefault(name, {})[cell] = values
    return {name: Past.of(cars, each) for name, each in parts.items()}
