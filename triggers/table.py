"""The only thing a trigger may look at: named columns, one row per car."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triggers.errors import UnknownSignal

Column = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class SignalTable:
    """What n cars know at one tick; row i is car `cars[i]`.

    cars:      (n,) uint32, ascending
    tick:      camera tick since simulated midnight
    columns:   name → (n,) float32 or bool (integers for exact codes); VSS names and units, network outputs
    embedding: (n, d) float32, features of the production backbone
    valid:     name → (n,) bool; absent: all valid. NaN and infinity never are
    backbone:  sha256 of the backbone that made the embedding, in hex
    """

    cars: NDArray[np.uint32]
    tick: int
    columns: Mapping[str, Column]
    embedding: NDArray[np.float32]
    valid: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    backbone: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cars)

    def __getitem__(self, name: str) -> Column:
        """The column of this name, (n,). Raises UnknownSignal."""
        try:
            return self.columns[name]
        except KeyError:
            raise UnknownSignal(name, self.columns) from None

    def defined(self, name: str) -> NDArray[np.bool_]:
        """Where the column holds a value: marked valid, and finite; (n,) bool. Raises UnknownSignal."""
        column, valid = self[name], self.valid.get(name)
        finite: NDArray[np.bool_] = np.isfinite(column) if column.dtype.kind == "f" else np.ones(len(column), np.bool_)
        return finite if valid is None else finite & valid

    def select(self, rows: NDArray[np.intp]) -> "SignalTable":
        """These rows only; rows: (m,) indices. Columns are taken when they are read."""
        return SignalTable(
            cars=self.cars[rows],
            tick=self.tick,
            columns=_Taken(self.columns, rows),
            embedding=self.embedding[rows],
            valid=_Taken(self.valid, rows),
            backbone=self.backbone,
            units=self.units,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Taken(Mapping[str, Column]):
    """Columns narrowed to some rows, each when it is read."""

    columns: Mapping[str, Column]
    rows: NDArray[np.intp]

    def __getitem__(self, name: str) -> Column:
        taken: Column = self.columns[name][self.rows]
        return taken

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.columns
