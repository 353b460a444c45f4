"""Scenes made by hand, and worlds that paint without a compiler."""

from functools import cache
from typing import Any

import numpy as np

from scenarios.conditions import CONDITIONS
from scenarios.exposure import load_world
from scenarios.paint.scene import LIGHT, OBJECT, POSE, ROAD, Kind, Scene
from scenarios.world import DrawnWorld

BOX = {"cos": 1.0, "half_length": 2.2, "half_width": 0.9, "z1": 1.5, "kind": Kind.BOX, "round": 1.0}
MEADOW = {
    "cos": 1.0, "facade": 1e6, "junction": 1e4, "crossing": 1e4, "crossing_behind": -1e4, "lane_width": 3.5,
    "roof": 1e4, "roof_end": 1e4,
}  # fmt: skip


def scene_of(objects: list[list[dict[str, float]]], **road: float) -> Scene:
    """A clear day; objects: for each car its things, by the names in OBJECT, else as in BOX; on grass unless told."""
    slots = max(map(len, objects))
    things = np.zeros((len(objects), slots, len(OBJECT)), np.float32)
    for row, those in enumerate(objects):
        for slot, thing in enumerate(those):
            things[row, slot] = [(BOX | thing).get(name, 0.0) for name in OBJECT]
    ground = [(MEADOW | road).get(name, 0.0) for name in ROAD]
    n = len(objects)
    return Scene(
        objects=things,
        lights=np.zeros((n, 5, len(LIGHT)), np.float32),
        road=np.tile(np.array(ground, np.float32), (n, 1)),
        weather=np.zeros((n, len(CONDITIONS)), np.float32),
        noise=np.zeros(n, np.float32),
        pose=np.zeros((n, len(POSE)), np.float32),
        covered=np.zeros((n, 8), np.float32),
    )


@cache
def drawn(name: str = "rainy_city", seed: int = 7) -> DrawnWorld:
    """A shipped world, painted without a compiler."""
    return changed(name, seed)


def changed(name: str, seed: int = 7, **changes: Any) -> DrawnWorld:
    """The same with some fields of its file replaced."""
    return DrawnWorld(load_world(name, changes), seed=seed, compiled=False)
