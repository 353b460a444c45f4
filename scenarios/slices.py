"""Names for parts of the world, used the same way by reports, quotas, suites and exams."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Severities = Mapping[str, NDArray[np.float32]]

SLICES: dict[str, Callable[[Severities], NDArray[np.bool_]]] = {
    "dry day": lambda severity: (severity["rain"] < 0.05) & (severity["night"] < 0.5) & (severity["fog"] < 0.05),
    "dry night": lambda severity: (severity["rain"] < 0.05) & (severity["night"] >= 0.5) & (severity["fog"] < 0.05),
    "rain": lambda severity: (severity["rain"] >= 0.05) & (severity["night"] < 0.5),
    "rainy night": lambda severity: (severity["rain"] >= 0.05) & (severity["night"] >= 0.5),
    "heavy rain": lambda severity: severity["rain"] >= 0.6,
    "fog": lambda severity: severity["fog"] >= 0.05,
}
"""A slice is a function from severities, each (n,), to who is in it, (n,) bool; slices may overlap."""
