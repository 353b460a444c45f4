"""What a fleet remembers about its cars between events, one row per car of a shard."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]
Columns = dict[str, list[Any]]


@dataclass(slots=True, eq=False)
class FleetState:
    """Row i is car `first + i`; n cars.

    first:          number of the first car
    driving:        (n,) bool, on a trip
    link:           (n,) uint8, a telemetry.Link
    loadout:        (n,) uint16, which software the car runs
    uploaded_bytes: (n,) float64, sent since the run began
    """

    first: int
    driving: NDArray[np.bool_]
    link: NDArray[np.uint8]
    loadout: NDArray[np.uint16]
    uploaded_bytes: NDArray[np.float64]

    @classmethod
    def parked(cls, first: int, cars: int) -> Self:
        """A fleet before its first event."""
        return cls(
            first=first,
            driving=np.zeros(cars, np.bool_),
            link=np.zeros(cars, np.uint8),
            loadout=np.zeros(cars, np.uint16),
            uploaded_bytes=np.zeros(cars),
        )

    @property
    def cars(self) -> NDArray[np.uint32]:
        """(n,) the cars' numbers."""
        return np.arange(self.first, self.first + len(self.driving), dtype=np.uint32)

    def arrays(self) -> Arrays:
        """Everything that a checkpoint needs."""
        return {name: getattr(self, name).copy() for name in ("driving", "link", "loadout", "uploaded_bytes")}

    def restore(self, arrays: Arrays) -> None:
        """Take over what `arrays` gave."""
        for name, values in arrays.items():
            getattr(self, name)[:] = values
