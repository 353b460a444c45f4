"""Rare things a car meets, each with a near miss that must not be mistaken for it.

caution_light: an amber lamp on a barrier or a pole, flashing; near misses are `balloon` (orange and round, no light)
and `dark_lamp` (the same lamp, out of order). stop_sign: a red octagon on a pole; its near miss is `no_entry` (red and
round).
"""

from typing import get_args

import numpy as np

from scenarios.draws import Draws
from scenarios.exposure import EncounterName, WorldSpec
from scenarios.paint.scene import Kind
from scenarios.roads import CELL_M, Road
from scenarios.slots import Slots, joined, slots
from scenarios.traffic import Cars, thing_number
from scenarios.trips import Floats, Ints

ENCOUNTERS: tuple[EncounterName, ...] = get_args(EncounterName)
"""At most one a cell, in this order along the draw."""

_FLASH_TICKS = 11
_LIT_SHARE = 0.6


def met(spec: WorldSpec, draws: Draws, cars: Cars, road: Road) -> tuple[Ints, tuple[Floats, ...]]:
    """Which encounter each cell holds, (n, cells) index into ENCOUNTERS or -1, and draws for its looks."""
    which, *looks = draws.four("encounter", cars[:, None], road.key)
    edges = np.cumsum([spec.encounters_per_km.get(name, 0.0) * CELL_M / 1000.0 for name in ENCOUNTERS])
    index = np.searchsorted(edges, which, side="right")
    return np.where(index < len(ENCOUNTERS), index, -1), tuple(looks)


def encounters(spec: WorldSpec, draws: Draws, cars: Cars, ticks: Ints, road: Road) -> Slots:
    """The things of all encounters in sight."""
    index, (place, high, phase) = met(spec, draws, cars, road)
    along = road.start + 6.0 + 28.0 * place
    edge = -(road.half[:, None] + 0.55)
    name = {encounter: index == i for i, encounter in enumerate(ENCOUNTERS)}
    lamp = name["caution_light"] | name["dark_lamp"]
    thing = thing_number(road.key, 0, 8)
    flashing = np.mod(ticks[:, None] / _FLASH_TICKS + phase, 1.0) < _LIT_SHARE
    lit = name["caution_light"] & flashing
    on_pole = high > 0.6
    base = np.where(on_pole, 2.1, 1.05)
    lamps = slots(
        lamp, np.where(name["dark_lamp"], int(Kind.DARK_LAMP), int(Kind.CAUTION_LIGHT)), along=along, aside=edge,
        half_length=0.24, half_width=0.24, z0=base, z1=base + 0.48,
        colour=(0.42, 0.26, 0.06), roundness=0.1, state=lit, glow=1.0 * lit, thing=thing,
    )  # fmt: skip
    stands = slots(
        lamp & ~on_pole, Kind.BARRIER, along=along + 0.3, aside=edge, half_length=0.12, half_width=0.85, z0=0.15,
        z1=1.0, colour=(0.90, 0.36, 0.06), roundness=1.0, thing=thing_number(road.key, 1, 8),
    )  # fmt: skip
    poles = slots(
        (lamp & on_pole) | name["stop_sign"] | name["no_entry"], Kind.POLE, along=along + 0.2, aside=edge,
        half_length=0.06, half_width=0.06, z1=np.where(lamp, 2.1, 2.0), colour=(0.45, 0.46, 0.48), roundness=1.0,
    )  # fmt: skip
    signs = slots(
        name["stop_sign"] | name["no_entry"],
        np.where(name["stop_sign"], int(Kind.STOP_SIGN), int(Kind.NO_ENTRY)),
        along=along, aside=edge, turn=np.pi + 0.5 * (phase - 0.5), half_length=0.04, half_width=0.42, z0=1.9, z1=2.74,
        colour=(0.72, 0.08, 0.08), roundness=np.where(name["stop_sign"], 0.62, 0.05), thing=thing,
    )  # fmt: skip
    round_things = slots(
        name["balloon"], Kind.BALLOON, along=along, aside=edge - 1.5 * high, half_length=0.24, half_width=0.24,
        z0=1.0 + high, z1=1.5 + high, colour=(0.98, 0.58, 0.12), roundness=0.05, thing=thing,
    )  # fmt: skip
    cones = slots(
        name["cone"], Kind.CONE, along=along, aside=edge + 0.8, half_length=0.2, half_width=0.2, z1=0.72,
        colour=(0.92, 0.34, 0.06), roundness=0.8, thing=thing,
    )  # fmt: skip
    return joined([lamps, stands, poles, signs, round_things, cones])
