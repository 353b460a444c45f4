"""Active safety: warnings that a car gives whether or not anybody has asked it to drive.

What they are made of is all that this module is told: production's answers and the car's own speed. Whether the driver
has engaged self-driving is not among it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

WARNING = "Vehicle.ADAS.ObstacleDetection.Front.Center.IsWarning"
SEEN_BY = "path_pedestrian"
"""The task that asks whether somebody is in the car's way, or about to be."""

SURE = 0.5  # probability
WALKING_MPS = 2.0  # a car this slow stops within a step


def pedestrian_warning(
    answers: Mapping[str, NDArray[np.float32]], speed_mps: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each car warns of somebody in its way, (n,), and whether it can tell, (n,).

    answers: column to (n,) of what production says; a network that was not taught to look for it can never tell.
    """
    somebody = answers.get(SEEN_BY)
    able = np.full(len(speed_mps), somebody is not None)
    if somebody is None:
        return np.zeros(len(speed_mps), np.bool_), able
    return np.asarray((somebody > SURE) & (speed_mps > WALKING_MPS)), able
