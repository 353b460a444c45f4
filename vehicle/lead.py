"""What geometry makes of the box around the vehicle ahead: how far it is and where, if it is as wide as a car.

The same question that the network answers by itself (`lead_distance`), asked in a second way; where the two disagree,
one of them is wrong, or the vehicle is not as wide as a car.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from scenarios import Rig

Column = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAD, BOX = "lead", "lead_box"
SURE = 0.5  # probability of a lead, from which on its box means anything
CAR_WIDTH_M = 1.84
NARROWEST_PX = 1.0
CAMERA = "main"
DISTANCE, ASIDE = f"{BOX}.distance_m", f"{BOX}.aside_m"


def measured_by(tasks: Collection[str]) -> tuple[str, ...]:
    """The columns that `measure_lead` adds where a network has these tasks."""
    return (DISTANCE, ASIDE) if {LEAD, BOX} <= set(tasks) else ()


def measure_lead(answers: Mapping[str, Column], rig: Rig) -> tuple[dict[str, Column], dict[str, Mask]]:
    """Distance and place left of the car's own axis, m, of the lead by its box, (n,), and where there is one, (n,).

    answers: column to (n,) of what production says. Nothing, where it has not been taught to draw the box. The box's
    own sides are valid only there, too: nobody has taught a network what to say of a vehicle that is not ahead.
    """
    sides = [f"{BOX}.{side}" for side in ("left", "top", "right", "bottom")]
    if LEAD not in answers or sides[0] not in answers:
        return {}, {}
    camera = next(each for each in rig.cameras if each.name == CAMERA)
    left, right = answers[sides[0]], answers[sides[2]]
    width = np.maximum(right - left, np.float32(NARROWEST_PX))
    depth = np.float32(camera.focal * CAR_WIDTH_M) / width
    aside = (
        np.float32(camera.y_m)
        - (np.float32(0.5) * (left + right) - np.float32(camera.cx)) / np.float32(camera.focal) * depth
    )
    there = np.asarray(answers[LEAD] > SURE)
    found = {DISTANCE: depth + np.float32(camera.x_m), ASIDE: aside}
    return found, dict.fromkeys([*sides, DISTANCE, ASIDE], there)
