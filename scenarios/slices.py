"""Names for parts of the world, used the same way by reports, quotas, suites and exams.

A slice is a function from columns, (n,) each, to who is in it, (n,) bool; slices may overlap. Columns of a moment are
the severity of every condition, `road` and `tunnel`; a thing has `visible`, `distance_m`, `tilt_deg`, `state` and its
traits besides. What is asked decides what a slice is of: `SLICES["wet night"] = lambda of: (of["rain"] > 0.2) &
(of["night"] > 0.5)` is of both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]

WET, DARK = 0.05, 0.5
HEAVY = 0.6
FAR_M, TILTED_DEG = 30.0, 20.0


def _dry(of: Columns) -> NDArray[np.bool_]:
    return np.asarray((of["rain"] < WET) & (of["fog"] < WET) & (of["snow"] < WET))


SLICES: dict[str, Callable[[Columns], NDArray[np.bool_]]] = {
    "dry day": lambda of: _dry(of) & (of["night"] < DARK),
    "dry night": lambda of: _dry(of) & (of["night"] >= DARK),
    "night": lambda of: of["night"] >= DARK,
    "rain": lambda of: (of["rain"] >= WET) & (of["night"] < DARK),
    "rainy night": lambda of: (of["rain"] >= WET) & (of["night"] >= DARK),
    "heavy rain": lambda of: of["rain"] >= HEAVY,
    "snow": lambda of: of["snow"] >= WET,
    "fog": lambda of: of["fog"] >= WET,
    "glare": lambda of: of["glare"] >= 0.3,
    "dirty lens": lambda of: of["dirty_lens"] >= 0.3,
    "tunnel": lambda of: of["tunnel"] > 0.5,
    "motorway": lambda of: of["road"] == "motorway",
    "urban": lambda of: of["road"] == "urban",
    "residential": lambda of: of["road"] == "residential",
    "parking lot": lambda of: of["road"] == "parking_lot",
    "occluded": lambda of: of["visible"] < 0.5,
    "tilted": lambda of: np.abs(of["tilt_deg"]) > TILTED_DEG,
    "far": lambda of: of["distance_m"] >= FAR_M,
    "held": lambda of: of["held"],
    "on tree": lambda of: of["on_tree"],
    "on gate": lambda of: of["on_gate"],
    "with plate": lambda of: of["with_plate"],
    "behind foliage": lambda of: of["behind_foliage"],
    "on bus": lambda of: of["on_bus"],
    "on barrier": lambda of: of["on_barrier"],
    "crossing": lambda of: of["crossing"],
}


def slices_of(columns: Columns) -> dict[str, NDArray[np.bool_]]:
    """Every slice that these columns can tell, in the order of SLICES; one that asks for another column is left out."""
    found: dict[str, NDArray[np.bool_]] = {}
    for name, holds in SLICES.items():
        try:
            found[name] = np.asarray(holds(columns), np.bool_)
        except KeyError:
            continue
    return found
