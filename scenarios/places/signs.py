"""Signs, however they are put up, and what only looks like one."""

import numpy as np

from scenarios.paint.scene import Kind
from scenarios.places.lamps import METAL, pole, verge
from scenarios.places.people import CLOTHES, person
from scenarios.sites import Sites, thing
from scenarios.slots import Colour, Number, Slots
from scenarios.trips import Floats

RED: Colour = (0.72, 0.08, 0.08)
_BARK: Colour = (0.30, 0.22, 0.16)
_OCTAGON, _DISC = 0.62, 0.05  # roundness
_LEAN_DEG = 27.0


def _stop(
    sites: Sites, aside: Floats, middle_m: float, radius_m: float, *, traits: str = "", state: Number = 0.0,
    tilt: Number = 0.0,
) -> Slots:  # fmt: skip
    """The octagon, facing the traffic, turned by up to 14 degrees."""
    return thing(
        sites, Kind.STOP_SIGN, along=sites.along, aside=aside, size=(0.04, radius_m),
        z=(middle_m - radius_m, middle_m + radius_m), colour=RED, roundness=_OCTAGON,
        turn=np.pi + 0.5 * (sites.c - 0.5), part=0, traits=traits, state=state, tilt=tilt,
    )  # fmt: skip


def stop_sign(sites: Sites) -> list[Slots]:
    """A stop sign on a pole."""
    return [_stop(sites, verge(sites), 2.32, 0.42), pole(sites, verge(sites), 2.0)]


def stop_sign_with_plate(sites: Sites) -> list[Slots]:
    """With a plate under it: except right turn."""
    plate = thing(
        sites, Kind.PLATE, along=sites.along, aside=verge(sites), size=(0.03, 0.40), z=(1.48, 1.84),
        colour=(0.92, 0.92, 0.90), turn=np.pi, part=1,
    )  # fmt: skip
    return [_stop(sites, verge(sites), 2.32, 0.42, traits="with_plate"), plate, pole(sites, verge(sites), 2.0)]


def stop_sign_held(sites: Sites) -> list[Slots]:
    """Held out over the road by a person in a safety vest."""
    aside = sites.edge + 0.3
    guard = person(sites, aside - 0.55, colour=(0.86, 0.82, 0.10), height=1.78, part=1)
    return [_stop(sites, aside, 1.75, 0.30, traits="held"), guard, _stick(sites, aside)]


def _stick(sites: Sites, aside: Floats) -> Slots:
    return thing(
        sites, Kind.POLE, along=sites.along + 0.05, aside=aside - 0.12, size=(0.03, 0.16), z=(1.12, 1.22),
        colour=(0.80, 0.66, 0.5),
    )  # fmt: skip


def stop_sign_on_tree(sites: Sites) -> list[Slots]:
    """Nailed to the trunk of a tree."""
    aside = sites.edge - 1.1
    trunk = thing(
        sites, Kind.POLE, along=sites.along + 0.45, aside=aside, size=(0.30, 0.30), z=(0.0, 3.2), colour=_BARK
    )
    crown = thing(
        sites, Kind.TREE, along=sites.along + 0.6, aside=aside, size=(1.9, 1.9), z=(2.6, 6.5),
        colour=(0.20, 0.38, 0.14), roundness=0.35,
    )  # fmt: skip
    return [_stop(sites, aside, 1.85, 0.38, traits="on_tree"), trunk, crown]


def stop_sign_on_gate(sites: Sites) -> list[Slots]:
    """On the gate of a drive that meets the road."""
    aside = sites.edge - 2.2
    gate = thing(
        sites, Kind.GATE, along=sites.along + 0.15, aside=aside, size=(0.06, 1.9), z=(0.1, 1.35),
        colour=(0.62, 0.60, 0.56), part=1,
    )  # fmt: skip
    return [_stop(sites, aside, 0.85, 0.36, traits="on_gate"), gate]


def stop_sign_behind_foliage(sites: Sites) -> list[Slots]:
    """Grown over: leaves hide one side of it, a third to nine tenths."""
    shift = 0.42 - 0.5 * sites.b  # of the leaves' edge against the sign's right one
    leaves = thing(
        sites, Kind.FOLIAGE, along=sites.along - 0.9, aside=verge(sites) - 0.42 - shift, size=(0.5, 0.62),
        z=(0.0, 2.95), colour=(0.17, 0.36, 0.13), roundness=0.6,
    )  # fmt: skip
    return [_stop(sites, verge(sites), 2.32, 0.42, traits="behind_foliage"), leaves, pole(sites, verge(sites), 2.0)]


def stop_sign_tilted(sites: Sites) -> list[Slots]:
    """Knocked askew: it leans by 27 degrees, to one side or the other."""
    side = np.where(sites.a > 0.5, 1.0, -1.0)  # to the right as seen
    foot, head = verge(sites), verge(sites) - 0.75 * side
    mid = thing(
        sites,
        Kind.POLE,
        along=sites.along + 0.2,
        aside=(foot + head) / 2,
        size=(0.06, 0.18),
        z=(0.75, 1.6),
        colour=METAL,
    )
    low = thing(sites, Kind.POLE, along=sites.along + 0.2, aside=foot, size=(0.06, 0.12), z=(0.0, 0.8), colour=METAL)
    sign = _stop(sites, head, 1.95, 0.42, traits="tilted", state=np.where(side > 0, 1.0, 2.0), tilt=_LEAN_DEG * side)
    return [sign, mid, low]


def no_entry(sites: Sites) -> list[Slots]:
    """Red and round, with a white bar."""
    disc = thing(
        sites, Kind.NO_ENTRY, along=sites.along, aside=verge(sites), size=(0.04, 0.42), z=(1.9, 2.74), colour=RED,
        roundness=_DISC, turn=np.pi + 0.5 * (sites.c - 0.5), part=0,
    )  # fmt: skip
    return [disc, pole(sites, verge(sites), 2.0)]


def stop_advert(sites: Sites) -> list[Slots]:
    """A poster that shows a stop sign, on two legs."""
    aside = sites.edge - 2.0
    poster = thing(
        sites, Kind.ADVERT, along=sites.along, aside=aside, size=(0.06, 0.95), z=(0.7, 2.6), colour=(0.93, 0.86, 0.55),
        turn=np.pi, part=0,
    )  # fmt: skip
    legs = thing(
        sites, Kind.POLE, along=sites.along + 0.1, aside=aside, size=(0.05, 0.7), z=(0.0, 0.7), colour=(0.3, 0.3, 0.32)
    )
    return [poster, legs]


def round_bag(sites: Sites) -> list[Slots]:
    """Somebody at the kerb with a round red bag held up."""
    aside = sites.edge - 0.2
    bag = thing(
        sites, Kind.BAG, along=sites.along, aside=aside, size=(0.12, 0.26), z=(1.05, 1.57), colour=(0.70, 0.10, 0.12),
        roundness=_DISC, part=0,
    )  # fmt: skip
    return [bag, person(sites, aside - 0.5, colour=CLOTHES[1], height=1.74, part=1)]


def speed_sign(sites: Sites) -> list[Slots]:
    """A speed limit: 30, 50, 80 or 120 km/h."""
    disc = thing(
        sites, Kind.SPEED_SIGN, along=sites.along, aside=verge(sites), size=(0.04, 0.40), z=(1.9, 2.7),
        colour=(0.94, 0.94, 0.92), roundness=_DISC, turn=np.pi + 0.4 * (sites.c - 0.5), part=0,
        state=np.floor(4.0 * sites.a),
    )  # fmt: skip
    return [disc, pole(sites, verge(sites), 1.95)]
