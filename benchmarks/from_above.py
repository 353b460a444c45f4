"""Draws docs/images/top_down.png: moments of a rainy city as the cameras, the truth, the net and the tracker see them.

    python benchmarks/from_above.py [FILE]

A row a moment: two cameras ahead and two to the sides, then the maps, what is ahead on top. The moments are those of a
few hundred at which most is hidden: a vehicle stands near, and less than 40 % of it shows.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.report.pictures import png
from scenarios import CLASSES, World, open_world
from vehicle import Sight, load_network, load_viewer
from vehicle.from_above import held
from vehicle.lookback import Lookback
from vehicle.map_picture import CAR, COLOURS, NOTHING
from vehicle.perceive import perceive
from vehicle.privacy import near_home

VIEWERS = ("bev-v1", "occupancy-v1")
CAMERAS = ("wide", "left_pillar", "right_pillar", "rear")
TICK, CARS, MOMENTS = 702_000, 600, 5
TALL, GAP = 240, 6  # pixels of a row, and between things


def hidden_most(world: World, cars: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The cars beside which most of a near vehicle is hidden, the nearest ones first."""
    truth = world.truth(cars, TICK)
    shows = truth.visible.max(axis=1)
    ahead = (truth.x_m > 4) & (truth.x_m < 24) & (np.abs(truth.y_m) < 12)
    there = truth.valid & ahead & (shows < 0.4) & (shows > 0.05)
    distance = np.where(there, truth.distance_m, np.inf).min(axis=1)
    return cars[np.argsort(distance, kind="stable")[: min(MOMENTS, int(np.isfinite(distance).sum()))]]


def painted(seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One map in its colours, TALL pixels high; the car is white."""
    picture = np.full((*seen.shape[1:], 3), NOTHING, np.uint8)
    for name, cells in zip(CLASSES, seen, strict=True):
        picture[cells] = COLOURS[name]
    picture[51:61, 38:42] = CAR
    zoom = TALL // seen.shape[1]
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def main() -> None:
    """Draw."""
    world = open_world("rainy_city", seed=7, cars=CARS)
    cars = np.arange(CARS, dtype=np.uint32)
    cars = hidden_most(world, cars[~near_home(world, cars, np.full(CARS, TICK))])
    network = load_network("hydranet-v1")
    viewers = tuple(load_viewer(name, world.rig, network.backbone) for name in VIEWERS)
    sight, frames = Sight(viewers), world.frames(cars, TICK)
    (seen,) = perceive([network], frames, viewers)
    maps = next(iter(Lookback(world).fuse(sight, network, frames, seen.looks))).by_viewer
    columns = [world.top_down(cars, TICK).cells, *(held(each, maps[each.name]) for each in viewers)]
    rows = []
    for i in range(len(cars)):
        views = [frames.pixels[i, world.rig.names.index(name)].permute(1, 2, 0).numpy() for name in CAMERAS]
        quad = [view.repeat(2, axis=0).repeat(2, axis=1)[4:-4] for view in views]  # 120 high, two make a row
        both = [np.concatenate([quad[k], np.full((120, GAP, 3), 255, np.uint8), quad[k + 1]], axis=1) for k in (0, 2)]
        tiles = [np.concatenate(both), *(painted(column[i]) for column in columns)]
        gap = np.full((TALL, GAP, 3), 255, np.uint8)
        row = np.concatenate([part for tile in tiles for part in (tile, gap)], axis=1)
        rows += [row, np.full((GAP, row.shape[1], 3), 255, np.uint8)]
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/top_down.png")
    file.write_bytes(png(np.concatenate(rows)))
    print(file)


if __name__ == "__main__":
    main()
