"""From a scene to the truth about it, the same for drawn and for recorded worlds."""

from collections.abc import Collection
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from scenarios.cameras import Rig
from scenarios.paint.painter import CHUNK
from scenarios.paint.scene import OBJECT, Scene
from scenarios.paint.silhouettes import Outlines, outlines, silhouettes
from scenarios.trips import Floats, Ints
from scenarios.truth import KINDS, Truth

REACH_M = 70.0


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What no picture says of the things of n cars, each (n, K).

    thing: int64, their numbers; traits: int64, a bit for each of TRAITS; tilt: float64, degrees
    """

    thing: Ints
    traits: Ints
    tilt: Floats


def paired(cars: ArrayLike, ticks: ArrayLike) -> tuple[NDArray[np.uint32], Ints]:
    """Cars (n,) and a tick for each of them."""
    who = np.atleast_1d(np.asarray(cars)).astype(np.uint32)
    return who, np.ascontiguousarray(np.broadcast_to(np.asarray(ticks, np.int64), who.shape))


def in_reach(scene: Scene, kinds: Collection[str]) -> NDArray[np.bool_]:
    """Whether a thing of these kinds stands within 70 m ahead of each car, (n,) bool; cheap, asks for no picture."""
    at = {name: scene.objects[:, :, OBJECT.index(name)] for name in ("x", "y", "kind")}
    sought = np.isin(at["kind"], [KINDS.index(kind) for kind in kinds])
    return np.asarray((sought & (at["x"] > 0.0) & (at["x"] < REACH_M) & (np.abs(at["y"]) < REACH_M)).any(axis=1))


def outlined(scene: Scene, rig: Rig) -> Outlines:
    """What stands in each image column of level cameras; in chunks, for the sake of memory."""
    starts = range(0, max(len(scene), 1), CHUNK)
    parts = [outlines(torch.from_numpy(scene.objects[i : i + CHUNK]), rig) for i in starts]
    return Outlines(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Outlines)))


def told(  # noqa: PLR0913 - a truth is made of this much
    cars: NDArray[np.uint32], ticks: Ints, scene: Scene, rig: Rig, known: Known,
    weather: dict[str, NDArray[np.float32]], *, road: NDArray[np.integer], tunnel: NDArray[np.bool_], **lane: Floats,
) -> Truth:  # fmt: skip
    """The truth of a scene: the painter's own silhouettes, with what is known of the things.

    road: (n,) into ROADS; lane: what else `Truth` says of the road, by name
    """
    objects = scene.objects
    parts = [silhouettes(torch.from_numpy(objects[i : i + CHUNK]), rig) for i in range(0, len(cars), CHUNK)]
    slots, cameras = objects.shape[1], len(rig.cameras)

    def gathered(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return np.concatenate([getattr(part, name).numpy() for part in parts]) if parts else np.zeros(shape, np.float32)

    pixels = gathered("pixels", (0, cameras, slots))
    whole = gathered("whole", (0, cameras, slots))
    x, y, kind, state = (objects[:, :, OBJECT.index(name)] for name in ("x", "y", "kind", "state"))
    return Truth(
        cars=cars, ticks=ticks, kind=kind.astype(np.uint8), valid=kind > 0,
        encounter=np.where(kind > 0, known.thing, 0),
        distance_m=np.hypot(x, y), x_m=x, y_m=y, state=state, traits=np.where(kind > 0, known.traits, 0),
        tilt_deg=known.tilt.astype(np.float32), pixels=pixels,
        visible=np.clip(pixels / np.maximum(whole, 1.0), 0.0, 1.0), box=gathered("box", (0, cameras, slots, 4)),
        road=road.astype(np.uint8), tunnel=tunnel.astype(np.float32), covered=scene.covered, severities=weather,
        **{name: values.astype(np.float32) for name, values in lane.items()},
    )  # fmt: skip
