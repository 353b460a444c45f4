"""People, animals and what is low on the road: cones, hydrants, rubbish, stripes, plates."""

import numpy as np

from scenarios.paint.scene import Kind
from scenarios.sites import Sites, thing, to_and_fro
from scenarios.slots import Colour, Number, Slots
from scenarios.trips import Floats

CLOTHES: tuple[Colour, ...] = ((0.55, 0.20, 0.20), (0.20, 0.30, 0.55), (0.65, 0.62, 0.30))


def person(
    sites: Sites, aside: Floats, *, colour: Colour, height: Number, part: int, traits: str = "",
    on_road: np.typing.NDArray[np.bool_] | None = None,
) -> Slots:  # fmt: skip
    """Somebody on foot."""
    return thing(
        sites, Kind.PEDESTRIAN, along=sites.along, aside=aside, size=(0.26, 0.26), z=(0.0, height), colour=colour,
        roundness=0.55, part=part, traits=traits, when=on_road,
    )  # fmt: skip


def _over_the_road(sites: Sites, speed_mps: Floats) -> tuple[Floats, np.typing.NDArray[np.bool_]]:
    """Aside of something that crosses back and forth, and whether it is on the carriageway."""
    width = 2.0 * sites.half + 2.4
    share = to_and_fro(sites.seconds, speed_mps, width, sites.b)
    aside = (share - 0.5) * width
    return aside, np.abs(aside) < sites.half


def jaywalker(sites: Sites) -> list[Slots]:
    """Somebody who crosses where no crosswalk is."""
    aside, on_road = _over_the_road(sites, 1.2 + 0.8 * sites.a)
    clothes = np.array(CLOTHES)[np.floor(3.0 * sites.c).astype(np.int64)]
    colour = (clothes[:, 0], clothes[:, 1], clothes[:, 2])
    return [
        person(sites, aside, colour=colour, height=1.6 + 0.25 * sites.c, part=0, traits="crossing", on_road=on_road)
    ]


def statue(sites: Sites) -> list[Slots]:
    """A statue on a plinth beside the road."""
    aside = sites.edge - 1.2
    plinth = thing(
        sites, Kind.BOX, along=sites.along + 0.05, aside=aside, size=(0.4, 0.4), z=(0.0, 0.7), colour=(0.55, 0.54, 0.50)
    )
    figure = thing(
        sites, Kind.STATUE, along=sites.along, aside=aside, size=(0.27, 0.27), z=(0.7, 2.5), colour=(0.70, 0.70, 0.66),
        roundness=0.55, part=0,
    )  # fmt: skip
    return [figure, plinth]


def cyclist(sites: Sites) -> list[Slots]:
    """Somebody on a bicycle at the right edge, slower than the car, which passes."""
    ahead = 75.0 - 0.6 * sites.travelled_m + 90.0 * sites.a
    clothes = np.array(CLOTHES)[np.floor(3.0 * sites.b).astype(np.int64)]
    rider = thing(
        sites, Kind.CYCLIST, along=ahead, aside=sites.edge + 0.45, size=(0.85, 0.28), z=(0.0, 1.78),
        colour=(clothes[:, 0], clothes[:, 1], clothes[:, 2]), roundness=0.75, part=0,
    )  # fmt: skip
    return [rider]


def parked_bicycle(sites: Sites) -> list[Slots]:
    """A bicycle at a stand, with nobody on it."""
    bicycle = thing(
        sites, Kind.BICYCLE, along=sites.along, aside=sites.edge - 0.9, size=(0.85, 0.12), z=(0.0, 1.05),
        colour=(0.16, 0.22, 0.32), turn=0.5 * (sites.a - 0.5), part=0,
    )  # fmt: skip
    return [bicycle]


def animal(sites: Sites) -> list[Slots]:
    """A deer, or a dog, over the road."""
    deer = sites.a > 0.5
    aside, on_road = _over_the_road(sites, np.where(deer, 2.6, 1.8))
    scale = np.where(deer, 1.0, 0.55)
    beast = thing(
        sites, Kind.ANIMAL, along=sites.along, aside=aside, size=(0.78 * scale, 0.22 * scale), z=(0.0, 1.35 * scale),
        colour=(0.46, 0.32, 0.18), turn=np.pi / 2 + 0.3 * (sites.c - 0.5), part=0, traits="crossing", when=on_road,
    )  # fmt: skip
    return [beast]


def rubbish(sites: Sites) -> list[Slots]:
    """A pale bag that the wind blows over the road."""
    aside, _ = _over_the_road(sites, 0.8 + 1.2 * sites.a)
    height = 0.15 + 0.12 * np.sin(1.7 * sites.seconds + 6.283 * sites.c)
    bag = thing(
        sites, Kind.RUBBISH, along=sites.along, aside=aside, size=(0.3, 0.3), z=(height, height + 0.55),
        colour=(0.86, 0.86, 0.84), roundness=0.3, part=0,
    )  # fmt: skip
    return [bag]


def cone(sites: Sites) -> list[Slots]:
    """A traffic cone near the kerb, on the road."""
    one = thing(
        sites, Kind.CONE, along=sites.along, aside=sites.edge + 0.3, size=(0.2, 0.2), z=(0.0, 0.72),
        colour=(0.92, 0.34, 0.06), roundness=0.8, part=0,
    )  # fmt: skip
    return [one]


def hydrant(sites: Sites) -> list[Slots]:
    """A red fire hydrant on the pavement."""
    one = thing(
        sites, Kind.HYDRANT, along=sites.along, aside=sites.edge - 0.6, size=(0.17, 0.17), z=(0.0, 0.78),
        colour=(0.70, 0.10, 0.08), roundness=0.9, part=0,
    )  # fmt: skip
    return [one]


def striped_hump(sites: Sites) -> list[Slots]:
    """A hump across the road with yellow and black stripes."""
    one = thing(
        sites, Kind.HUMP, along=sites.along, aside=0.0 * sites.half, size=(0.45, sites.half), z=(0.0, 0.09),
        colour=(0.92, 0.76, 0.10), part=0,
    )  # fmt: skip
    return [one]


def steel_plate(sites: Sites) -> list[Slots]:
    """A steel plate over a trench, flat on the own lane; cars drive over it."""
    one = thing(
        sites, Kind.STEEL_PLATE, along=sites.along, aside=sites.lane, size=(1.2, 1.2), z=(0.0, 0.03),
        colour=(0.24, 0.24, 0.25), part=0,
    )  # fmt: skip
    return [one]
