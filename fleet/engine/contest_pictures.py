"""A few moments of a contest side by side: what the camera ahead showed, what was there, and what each viewer held."""

import numpy as np
from numpy.typing import NDArray

from fleet.engine.contest import held_by
from fleet.engine.sampling import Sampler
from fleet.report.pictures import png
from scenarios import CLASSES, GRID
from vehicle import Network, Sight, maps_of

COLOURS = np.array(
    [(32, 36, 40), (88, 97, 110), (244, 241, 222), (111, 177, 214), (240, 140, 30), (230, 57, 70)], np.uint8
)  # nothing, then CLASSES; the last that holds is the one that shows
ZOOM, GAP, PAPER = 3, 6, 255
LOOKED_THROUGH = 48  # moments, for those with the most to see


def contest_picture(sampler: Sampler, network: Network, sight: Sight, *, rows: int = 6) -> bytes:
    """A PNG with a row a moment: camera, truth, and the viewers in their order; moments that have the most in them."""
    cars, ticks = sampler.moments(0, LOOKED_THROUGH)
    truth = sampler.world.top_down(cars, ticks).cells
    busy = truth[:, CLASSES.index("vehicle") :].sum(axis=(1, 2, 3)) + 2 * truth[:, CLASSES.index("crosswalk")].sum(
        (1, 2)
    )
    chosen = np.sort(np.argsort(-busy, kind="stable")[:rows])
    cars, ticks, truth = cars[chosen], ticks[chosen], truth[chosen]
    maps = maps_of(sampler.world, network, sight, cars, ticks)
    cells = [truth, *(held_by(viewer, maps[viewer.name]) for viewer in sight.viewers)]
    ahead = sampler.world.frames(cars, ticks).pixels[:, 0].permute(0, 2, 3, 1).numpy()
    lines = [_line([_photograph(ahead[i]), *(_drawn(each[i]) for each in cells)]) for i in range(len(cars))]
    return png(np.concatenate(lines))


def _drawn(held: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A map (classes, rows, columns) in colours, ahead on top."""
    last = (held * np.arange(1, len(CLASSES) + 1)[:, None, None]).max(axis=0)
    return np.asarray(COLOURS[last].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1), np.uint8)


def _photograph(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (h, w, 3), as high as a map."""
    zoom = GRID.rows * ZOOM // pixels.shape[0]
    grown = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    sheet = np.full((GRID.rows * ZOOM, grown.shape[1], 3), PAPER, np.uint8)
    top = (len(sheet) - len(grown)) // 2
    sheet[top : top + len(grown)] = grown
    return sheet


def _line(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    framed = [np.pad(tile, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=PAPER) for tile in tiles]
    return np.concatenate(framed, axis=1)
