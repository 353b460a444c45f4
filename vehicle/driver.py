"""What the driver does with hands and feet, as pedals and steering wheel tell it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COASTING_MPS2 = 0.3  # what a car loses with both feet up
HARDEST_MPS2, STRONGEST_MPS2 = 9.0, 4.0  # with the one pedal down, and with the other
WHEELBASE_M, STEERING_RATIO = 2.8, 15.0


def driver_at(
    speed_mps: Floats, acceleration_mps2: Floats, yaw_rate_dps: Floats, by_hand: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Brake and accelerator pedal, percent, and the angle of the steering wheel, degrees, left positive; (n,) each.

    by_hand: (n,) whose driver drives
    """
    pull = acceleration_mps2 + COASTING_MPS2 * (speed_mps > 0.1)
    brake, accelerator = (
        100.0 * np.clip(asked, 0.0, 1.0) * by_hand for asked in (-pull / HARDEST_MPS2, pull / STRONGEST_MPS2)
    )
    bend_1pm = np.radians(yaw_rate_dps) / np.maximum(speed_mps, 1.0)
    return brake, accelerator, STEERING_RATIO * np.degrees(np.arctan(WHEELBASE_M * bend_1pm)) * by_hand
