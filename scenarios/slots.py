"""Things on the road as they are gathered, before they become a scene or a truth."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind
from scenarios.trips import Floats, Ints


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


def slots(valid: NDArray[np.bool_], kind: Kind | Ints, **values: object) -> Slots:
    """Slots from what is known; everything broadcasts against `valid` (n, k), and what is not said is 0."""

    def full(name: str, dtype: type) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(values.pop(name, 0), dtype), valid.shape)

    colour = values.pop("colour", None)
    if colour is not None:
        values["red"], values["green"], values["blue"] = colour  # type: ignore[misc]
    kinds = np.broadcast_to(np.asarray(kind, np.int64), valid.shape)
    named = {
        field.name: full(field.name, np.int64 if field.name == "thing" else np.float64)
        for field in fields(Slots)
        if field.name not in ("valid", "kind")
    }
    if values:
        message = f"slots have no {', '.join(sorted(values))}"
        raise TypeError(message)
    return Slots(valid, kinds, **named)  # type: ignore[arg-type]


def joined(parts: list[Slots]) -> Slots:
    """Slots side by side."""
    return Slots(*(np.concatenate([getattr(part, field.name) for part in parts], axis=1) for field in fields(Slots)))


def first(things: Slots, count: int) -> Slots:
    """The first places of each car."""
    return Slots(*(getattr(things, field.name)[:, :count] for field in fields(Slots)))


def flat(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, cells, places) to (n, cells * places)."""
    return values.reshape(len(values), -1)
