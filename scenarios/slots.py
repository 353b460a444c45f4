"""Things on the road as they are gathered, before they become a scene or a truth."""

import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind
from scenarios.trips import Floats, Ints

Number = Floats | NDArray[np.bool_] | float
Colour = tuple[Number, Number, Number]
"""Red, green, blue, 0..1."""

_Scalar = TypeVar("_Scalar", bound=np.generic)
_DTYPES: dict[str, type] = {"valid": np.bool_, "kind": np.int64, "thing": np.int64, "traits": np.int64}


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """k places per car that may hold a thing each; (n, k).

    valid: bool
    kind: int64, a `Kind`
    along, aside: m, along the road from the car, left of the road's middle
    turn: rad against the road
    half_length, half_width, z0, z1: m
    red, green, blue: 0..1
    roundness: 1 a box, 0 an ellipse as seen
    state: 1 = a lamp lit, brake lights on
    glow: power of the thing's own light, 0 = none
    thing: int64, one physical thing keeps its number from tick to tick; 0 = nobody counts it
    traits: int64, a bit for each of `TRAITS`
    tilt: degrees, clockwise as seen
    """

    valid: NDArray[np.bool_]
    kind: Ints
    along: Floats
    aside: Floats
    turn: Floats
    half_length: Floats
    half_width: Floats
    z0: Floats
    z1: Floats
    red: Floats
    green: Floats
    blue: Floats
    roundness: Floats
    state: Floats
    glow: Floats
    thing: Ints
    traits: Ints
    tilt: Floats


def slots(  # noqa: PLR0913 - a thing has this many sides
    valid: NDArray[np.bool_], kind: Kind | Ints, *, along: Number, aside: Number, half_length: Number,
    half_width: Number, z1: Number, colour: Colour, roundness: Number, z0: Number = 0.0, turn: Number = 0.0,
    state: Number = 0.0, glow: Number = 0.0, thing: Ints | int = 0, traits: Ints | int = 0, tilt: Number = 0.0,
) -> Slots:  # fmt: skip
    """Slots from what is known; everything broadcasts against `valid` (n, k)."""

    def numbers(values: Number) -> Floats:
        return np.broadcast_to(np.asarray(values, np.float64), valid.shape)

    def whole(values: Ints | int) -> Ints:
        return np.broadcast_to(np.asarray(values, np.int64), valid.shape)

    red, green, blue = (numbers(values) for values in colour)
    return Slots(
        valid=valid, kind=whole(kind), along=numbers(along), aside=numbers(aside), turn=numbers(turn),
        half_length=numbers(half_length), half_width=numbers(half_width), z0=numbers(z0), z1=numbers(z1),
        red=red, green=green, blue=blue, roundness=numbers(roundness), state=numbers(state), glow=numbers(glow),
        thing=whole(thing), traits=whole(traits), tilt=numbers(tilt),
    )  # fmt: skip


def joined(parts: list[Slots]) -> Slots:
    """Slots side by side."""
    return Slots(*(np.concatenate([getattr(part, field.name) for part in parts], axis=1) for field in fields(Slots)))


def first(things: Slots, count: int) -> Slots:
    """The first places of each car."""
    return Slots(*(getattr(things, field.name)[:, :count] for field in fields(Slots)))


def scattered(parts: list[tuple[Ints, Slots]], rows: int, places: int) -> Slots:
    """Slots (rows, places) that hold each part's (m, k) in the rows it names, from the first place on; empty elsewhere.

    No row may be named twice, and no part be wider than `places`.
    """
    names = [field.name for field in fields(Slots)]
    out: dict[str, NDArray[Any]] = {name: np.zeros((rows, places), _DTYPES.get(name, np.float64)) for name in names}
    for at, things in parts:
        for name, whole in out.items():
            values = getattr(things, name)
            whole[at, : values.shape[1]] = values
    return Slots(**out)


def folded(things: Slots, rows: int, cells: int) -> Slots:
    """Slots (rows * cells, places) as (rows, cells * places)."""
    wide = (rows, cells * things.valid.shape[1])
    return Slots(*(getattr(things, field.name).reshape(wide) for field in fields(Slots)))


def flat(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """(n, cells, places) to (n, cells * places)."""
    return values.reshape(len(values), math.prod(values.shape[1:]))
