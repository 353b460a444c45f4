"""What vehicles ahead do, or carry: for a stretch of road they go along with the car."""

import numpy as np

from scenarios.paint.scene import Kind
from scenarios.paint.sprites import ONE_LAMP
from scenarios.sites import Sites, smooth, thing
from scenarios.slots import Colour, Number, Slots
from scenarios.trips import Floats

HALF_LENGTH_M, HALF_WIDTH_M, TOP_M = 2.3, 0.92, 1.5


def _paint(sites: Sites) -> Colour:
    """From white over grey to a dark blue, red or green."""
    bright = 0.15 + 0.7 * sites.c
    tint = np.mod(7.0 * sites.c, 1.0)
    return bright, bright * (0.75 + 0.25 * tint), bright * (0.7 + 0.3 * np.mod(3.0 * tint, 1.0))


def _vehicle(
    sites: Sites, along: Floats, aside: Floats, *, state: Number = 0.0, traits: str = "",
    when: np.typing.NDArray[np.bool_] | None = None,
) -> Slots:  # fmt: skip
    return thing(
        sites, Kind.VEHICLE, along=along, aside=aside, size=(HALF_LENGTH_M, HALF_WIDTH_M), z=(0.0, TOP_M),
        colour=_paint(sites), roundness=0.985, state=state, traits=traits, when=when, part=0,
    )  # fmt: skip


def _within(sites: Sites, begins: float, ends: float) -> np.typing.NDArray[np.bool_]:
    return (sites.share > begins) & (sites.share < ends)


def _near(sites: Sites) -> Floats:
    """A gap that is short in the middle of the stretch: whoever cuts in does it closely."""
    hump = _hump(sites)
    return np.asarray(sites.along * (1.0 - hump) + np.minimum(sites.along, 10.0 + 5.0 * sites.b) * hump)


def _hump(sites: Sites) -> Floats:
    """1 in the middle of the stretch, 0 at its ends."""
    return np.asarray(smooth((sites.share - 0.3) / 0.12) * (1.0 - smooth((sites.share - 0.62) / 0.12)))


def cut_in(sites: Sites) -> list[Slots]:
    """A vehicle from the next lane comes in closely ahead."""
    moved = smooth((sites.share - 0.46) / 0.06)
    aside = sites.beside + (sites.lane - sites.beside) * moved
    return [_vehicle(sites, _near(sites), aside, traits="cutting_in", when=_within(sites, 0.46, 0.56))]


def drift(sites: Sites) -> list[Slots]:
    """A vehicle in the next lane drifts to the line, and back."""
    lean = 0.22 * smooth((sites.share - 0.46) / 0.05) * (1.0 - smooth((sites.share - 0.53) / 0.05))
    aside = sites.beside + (sites.lane - sites.beside) * lean
    return [_vehicle(sites, _near(sites), aside, traits="drifting", when=_within(sites, 0.46, 0.58))]


def hard_braking_lead(sites: Sites) -> list[Slots]:
    """The vehicle ahead brakes hard: its lights are on and the gap closes."""
    braking = _within(sites, 0.46, 0.52)
    lost = smooth((sites.share - 0.46) / 0.06) * (1.0 - smooth((sites.share - 0.56) / 0.12))
    along = np.maximum(sites.along * (1.0 - 0.55 * lost), 6.0)
    return [_vehicle(sites, along, sites.lane, state=braking, traits="braking_hard", when=braking)]


def brake_tap(sites: Sites) -> list[Slots]:
    """The vehicle ahead shows its brake lights for a moment and keeps its distance."""
    return [_vehicle(sites, sites.along, sites.lane, state=_within(sites, 0.47, 0.50))]


def roof_load(sites: Sites) -> list[Slots]:
    """A vehicle with a mattress or a boat on its roof."""
    load = thing(
        sites, Kind.ROOF_LOAD, along=sites.along, aside=sites.lane, size=(1.5, 0.45 + 0.4 * sites.b),
        z=(TOP_M, TOP_M + 0.3 + 0.3 * sites.a), colour=(0.75, 0.55, 0.25), roundness=0.95, part=1,
    )  # fmt: skip
    return [_vehicle(sites, sites.along, sites.lane), load]


def taxi_sign(sites: Sites) -> list[Slots]:
    """A taxi: a small lit sign on its roof."""
    sign = thing(
        sites, Kind.TAXI_SIGN, along=sites.along, aside=sites.lane, size=(0.14, 0.34), z=(TOP_M, TOP_M + 0.26),
        colour=(0.95, 0.85, 0.25), state=1.0, glow=0.5, part=1,
    )  # fmt: skip
    return [_vehicle(sites, sites.along, sites.lane), sign]


def speed_sticker(sites: Sites) -> list[Slots]:
    """A lorry ahead with the number of its own speed limit on the back."""
    lorry = thing(
        sites, Kind.TRUCK, along=sites.along + 1.5, aside=sites.lane, size=(3.8, 1.2), z=(0.25, 3.3),
        colour=(0.82, 0.82, 0.84), roundness=0.99, part=0,
    )  # fmt: skip
    disc = thing(
        sites, Kind.STICKER, along=sites.along - 2.4, aside=sites.lane - 0.65, size=(0.03, 0.2), z=(1.0, 1.4),
        colour=(0.94, 0.94, 0.92), roundness=0.05, turn=np.pi, state=2.0, part=1,
    )  # fmt: skip
    return [lorry, disc]


def cut_out(sites: Sites) -> list[Slots]:
    """The vehicle ahead leaves the own lane, closely ahead."""
    moved = smooth((sites.share - 0.46) / 0.06)
    aside = sites.lane + (sites.beside - sites.lane) * moved
    return [_vehicle(sites, _near(sites), aside, traits="cutting_out", when=_within(sites, 0.46, 0.53))]


def swerving_lead(sites: Sites) -> list[Slots]:
    """The vehicle ahead swerves around something, quickly, and comes back."""
    swing = 0.95 * smooth((sites.share - 0.46) / 0.02) * (1.0 - smooth((sites.share - 0.50) / 0.02))
    side = np.where(sites.a > 0.5, 1.0, -1.0)
    return [
        _vehicle(sites, _near(sites), sites.lane + side * swing, traits="swerving", when=_within(sites, 0.46, 0.53))
    ]


def vehicle_beside(sites: Sites) -> list[Slots]:
    """A vehicle stays beside the own bonnet, in the next lane, where only a wide view shows it."""
    away = 1.0 - _hump(sites)
    return [_vehicle(sites, 10.5 + 1.0 * sites.b + away * (sites.along + 20.0), sites.beside)]


def weaving_vehicle(sites: Sites) -> list[Slots]:
    """A vehicle weaves over the line, in and out of the own lane, again and again."""
    swing = 0.5 - 0.5 * np.cos(np.pi * np.clip((sites.share - 0.42) / 0.02, 0.0, 10.0))
    aside = sites.beside + (sites.lane - sites.beside) * (0.25 + 0.6 * swing)
    return [_vehicle(sites, _near(sites), aside, traits="weaving", when=_within(sites, 0.42, 0.62))]


def stuck_brake_lights(sites: Sites) -> list[Slots]:
    """The vehicle ahead draws away, and its brake lights stay on."""
    away = smooth((sites.share - 0.46) / 0.12)
    leaving = _within(sites, 0.46, 0.58)
    along = _near(sites) + 24.0 * away
    return [_vehicle(sites, along, sites.lane, state=1.0, traits="pulling_away", when=leaving)]


def loose_tarpaulin(sites: Sites) -> list[Slots]:
    """A pick-up whose tarpaulin billows: now it is as high as a lorry, now as a car."""
    along = np.minimum(_near(sites), 22.0)
    blown = 0.5 + 0.5 * np.sin(2.0 * np.pi * (0.8 + 0.3 * sites.a) * sites.seconds + 6.283 * sites.c)
    sheet = thing(
        sites, Kind.TRUCK, along=along - 1.0, aside=sites.lane, size=(1.3, 0.95 + 0.25 * blown),
        z=(0.9, 1.55 + 1.5 * blown), colour=(0.30, 0.42, 0.34), roundness=0.9, traits="billowing", part=1,
    )  # fmt: skip
    return [_vehicle(sites, along, sites.lane), sheet]


def wide_load(sites: Sites) -> list[Slots]:
    """Half a house on a low loader, nearly two lanes wide."""
    house = thing(
        sites, Kind.TRUCK, along=sites.along + 1.5, aside=sites.lane, size=(4.5, 1.85 + 0.2 * sites.a), z=(0.6, 3.9),
        colour=(0.70, 0.66, 0.58), roundness=0.99, traits="wide", part=0,
    )  # fmt: skip
    return [house]


def motorcycle(sites: Sites) -> list[Slots]:
    """A motorcycle ahead, with its tail light on."""
    rider = thing(
        sites, Kind.MOTORCYCLE, along=_near(sites), aside=sites.lane + 0.6 * (sites.b - 0.5), size=(1.05, 0.38),
        z=(0.0, 1.62), colour=(0.12 + 0.3 * sites.c, 0.12, 0.14), roundness=0.75, state=1.0, part=0,
    )  # fmt: skip
    return [rider]


def one_lamp_vehicle(sites: Sites) -> list[Slots]:
    """A car ahead, one of its tail lamps out of order."""
    return [_vehicle(sites, _near(sites), sites.lane, state=float(ONE_LAMP))]
