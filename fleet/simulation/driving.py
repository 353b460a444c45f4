"""Trips and links as they come and go: what the world says of every car, once a second."""

import numpy as np
from numpy.typing import NDArray

from fleet.simulation.state import FleetState
from scenarios import TICK_US, World


def drive(state: FleetState, world: World, now_us: int) -> NDArray[np.uint32]:
    """Set who drives and what link each car has; the cars that have another link now, (n,)."""
    tick = now_us // TICK_US
    was = state.link.copy()
    state.driving[:] = world.motion(state.cars, tick).driving
    state.link[:] = world.links(state.cars, tick)
    linked: NDArray[np.uint32] = state.cars[(was != state.link) & (state.link != 0)]
    return linked
