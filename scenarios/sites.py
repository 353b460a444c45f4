"""Where a car meets something rare, and how a thing is put there.

An encounter is a function from sites to things: it says what stands (or moves) at m places, each on the road of some
car at some moment, and knows nothing else of that car.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind
from scenarios.slots import Colour, Number, Slots, slots
from scenarios.trips import Floats, Ints
from scenarios.truth import TRAITS

THINGS = 4
"""At most so many things at a site."""


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """m sites; lengths in m in the frame (along from the car, aside left of the road's middle), each (m,) float64.

    along: to where the site is; for a stretch, the gap that a vehicle ahead keeps there
    edge: aside, the right kerb (below zero); lane, beside: middles of the car's own lane and of the next one
    half: from the middle to the kerb; lane_width
    share: 0..1 of a stretch that is behind the car; 0.5 for a cell
    travelled_m: since the stretch began; 0 for a cell
    seconds: simulated time
    a, b, c: draws in [0, 1), one site's own
    number: int64, of the site; what a thing's number is made from
    """

    along: Floats
    edge: Floats
    lane: Floats
    beside: Floats
    half: Floats
    lane_width: Floats
    share: Floats
    travelled_m: Floats
    seconds: Floats
    a: Floats
    b: Floats
    c: Floats
    number: Ints

    def __len__(self) -> int:
        return len(self.number)

    def at(self, rows: tuple[NDArray[np.intp], ...]) -> "Sites":
        """The sites at some rows."""
        return Sites(*(getattr(self, field.name)[rows] for field in fields(self)))


Place = Callable[[Sites], list[Slots]]


@dataclass(frozen=True, slots=True)
class Encounter:
    """Something rare on the road, or what must not be mistaken for it.

    says: one line for people
    place: m sites to at most `THINGS` lists of things (m, 1), see `thing`; must treat each site apart
    near_miss_of: names of encounters, or of things on the road, that this only resembles
    on: a cell of 40 m of road, or a stretch in which a vehicle (or a cyclist) goes along with the car
    lanes: a direction, that the road must have at least
    per_km: where no catalogue has its rate: how often it is met on every road
    """

    says: str
    place: Place
    near_miss_of: tuple[str, ...] = ()
    on: Literal["cell", "stretch"] = "cell"
    lanes: int = 1
    per_km: float = 0.0


def thing(  # noqa: PLR0913 - a thing has this many sides
    sites: Sites, kind: Kind, *, along: Number, aside: Number, size: tuple[Number, Number], z: tuple[Number, Number],
    colour: Colour, roundness: float = 1.0, turn: Number = 0.0, state: Number = 0.0, glow: Number = 0.0,
    part: int | None = None, traits: str = "", when: NDArray[np.bool_] | None = None, tilt: Number = 0.0,
) -> Slots:  # fmt: skip
    """One thing at every site, (m, 1).

    size: half its length and half its width, m; z: bottom and top, m; colour: 0..1; part: its number at the site for
    things that somebody counts; traits: by name, a space between; when: (m,) bool, where it has them
    """

    def column(value: Number) -> Number:
        return value[:, None] if isinstance(value, np.ndarray) else value

    red, green, blue = colour
    bits = sum(1 << TRAITS.index(trait) for trait in traits.split())
    held = np.full(len(sites), bits) if when is None else np.where(when, bits, 0)
    number = 0 if part is None else ((sites.number * 8 + part) * 16 + 9)[:, None]
    return slots(
        np.ones((len(sites), 1), np.bool_), kind, along=column(along), aside=column(aside),
        half_length=column(size[0]), half_width=column(size[1]), z0=column(z[0]), z1=column(z[1]),
        colour=(column(red), column(green), column(blue)), roundness=roundness, turn=column(turn),
        state=column(state), glow=column(glow), thing=number, traits=held[:, None], tilt=column(tilt),
    )  # fmt: skip


def smooth(share: Floats) -> Floats:
    """0 below 0, 1 above 1, and a smooth step between."""
    clipped = np.clip(share, 0.0, 1.0)
    return np.asarray(clipped * clipped * (3.0 - 2.0 * clipped))


def to_and_fro(seconds: Floats, speed_mps: Floats, width_m: Floats, start: Floats, *, wait: float = 0.3) -> Floats:
    """Where somebody is who crosses a road back and forth and waits at its sides: 0 right kerb to 1 left kerb."""
    swing = np.abs(np.mod(seconds * speed_mps / width_m / (1.0 + wait) + 2.0 * start, 2.0) - 1.0)
    return np.clip(swing * (1.0 + wait) - wait / 2.0, 0.0, 1.0)
