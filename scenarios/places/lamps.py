"""Things with lamps: caution lights, traffic lights, and what only shines or looks like them."""

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind
from scenarios.sites import Sites, thing
from scenarios.slots import Colour, Slots
from scenarios.trips import Floats

METAL: Colour = (0.45, 0.46, 0.48)
ORANGE: Colour = (0.90, 0.36, 0.06)
_DARK_LENS: Colour = (0.42, 0.26, 0.06)
_FLASH_S, _LIT_SHARE = 1.1, 0.6
_GREEN_S, _AMBER_S, _CYCLE_S = 13.0, 3.0, 30.0
RED, AMBER, GREEN = 1, 2, 3
_CLEAR_M = 0.55  # from the kerb


def flashing(sites: Sites) -> NDArray[np.bool_]:
    """Whether a flashing lamp is lit now, (m,)."""
    return np.asarray(np.mod(sites.seconds / _FLASH_S + sites.c, 1.0) < _LIT_SHARE)


def verge(sites: Sites) -> Floats:
    """Beside the kerb, where signs and lamps stand."""
    return np.asarray(sites.edge - _CLEAR_M)


def pole(sites: Sites, aside: Floats, top: Floats | float, *, behind: float = 0.2) -> Slots:
    """A thin pole that nobody counts, a little behind what it carries."""
    return thing(
        sites, Kind.POLE, along=sites.along + behind, aside=aside, size=(0.06, 0.06), z=(0.0, top), colour=METAL
    )


def _lamp(sites: Sites, kind: Kind, base: float, *, lit: bool, traits: str = "") -> Slots:
    on = flashing(sites) & lit
    return thing(
        sites, kind, along=sites.along, aside=verge(sites), size=(0.24, 0.24), z=(base, base + 0.48),
        colour=_DARK_LENS, roundness=0.1, state=on, glow=on, part=0, traits=traits,
    )  # fmt: skip


def caution_light(sites: Sites) -> list[Slots]:
    """A flashing amber lamp on a pole."""
    return [_lamp(sites, Kind.CAUTION_LIGHT, 2.1, lit=True, traits="flashing"), pole(sites, verge(sites), 2.1)]


def dark_lamp(sites: Sites) -> list[Slots]:
    """The same lamp, out of order."""
    return [_lamp(sites, Kind.DARK_LAMP, 2.1, lit=False), pole(sites, verge(sites), 2.1)]


def caution_light_on_barrier(sites: Sites) -> list[Slots]:
    """A flashing amber lamp on a striped barrier."""
    stand = thing(
        sites, Kind.BARRIER, along=sites.along + 0.3, aside=verge(sites), size=(0.12, 0.85), z=(0.15, 1.0),
        colour=ORANGE, part=1,
    )  # fmt: skip
    return [_lamp(sites, Kind.CAUTION_LIGHT, 1.05, lit=True, traits="flashing on_barrier"), stand]


def caution_light_on_bus(sites: Sites) -> list[Slots]:
    """A school bus at the kerb, its two amber lamps flashing in turn."""
    aside = sites.edge + 1.45
    bus = thing(
        sites, Kind.SCHOOL_BUS, along=sites.along + 5.0, aside=aside, size=(5.0, 1.25), z=(0.25, 3.1),
        colour=(0.93, 0.66, 0.06), roundness=0.99, part=1,
    )  # fmt: skip
    flash = flashing(sites)
    left, right = (
        _bus_lamp(sites, aside + side, on, part) for side, on, part in ((0.85, flash, 0), (-0.85, ~flash, 2))
    )
    return [left, right, bus]


def _bus_lamp(sites: Sites, aside: Floats, on: NDArray[np.bool_], part: int) -> Slots:
    return thing(
        sites, Kind.CAUTION_LIGHT, along=sites.along - 0.15, aside=aside, size=(0.14, 0.17), z=(2.62, 2.96),
        colour=_DARK_LENS, roundness=0.1, state=on, glow=on, part=part, traits="flashing on_bus",
    )  # fmt: skip


def balloon(sites: Sites) -> list[Slots]:
    """An orange balloon on a string."""
    low = 1.3 + 0.9 * sites.b
    aside = verge(sites) - 1.2 * sites.a
    string = thing(
        sites, Kind.POLE, along=sites.along + 0.1, aside=aside, size=(0.015, 0.015), z=(0.0, low),
        colour=(0.8, 0.8, 0.78),
    )  # fmt: skip
    ball = thing(
        sites, Kind.BALLOON, along=sites.along, aside=aside, size=(0.24, 0.24), z=(low, low + 0.56),
        colour=(0.98, 0.58, 0.12), roundness=0.05, part=0,
    )  # fmt: skip
    return [ball, string]


def light_phase(sites: Sites) -> Floats:
    """What a traffic light shows: 3 green, then 2 amber, then 1 red."""
    now = np.mod(sites.seconds + _CYCLE_S * sites.c, _CYCLE_S)
    return np.where(now < _GREEN_S, GREEN, np.where(now < _GREEN_S + _AMBER_S, AMBER, RED)).astype(np.float64)


def traffic_light(sites: Sites) -> list[Slots]:
    """A traffic light on a pole, in its cycle."""
    head = thing(
        sites, Kind.TRAFFIC_LIGHT, along=sites.along, aside=verge(sites), size=(0.16, 0.22), z=(2.2, 3.25),
        colour=(0.07, 0.07, 0.08), state=light_phase(sites), glow=0.8, part=0,
    )  # fmt: skip
    return [head, pole(sites, verge(sites), 2.2, behind=0.25)]


def lamp_sign(sites: Sites) -> list[Slots]:
    """A chemist's green cross, lit, on an arm from the wall."""
    cross = thing(
        sites, Kind.LAMP_SIGN, along=sites.along, aside=sites.edge - 2.6, size=(0.08, 0.42), z=(2.7, 3.54),
        colour=(0.05, 0.30, 0.12), state=1.0, glow=0.8, part=0,
    )  # fmt: skip
    arm = thing(
        sites, Kind.POLE, along=sites.along + 0.15, aside=sites.edge - 3.2, size=(0.05, 0.45), z=(3.05, 3.15),
        colour=METAL,
    )  # fmt: skip
    return [cross, arm]
