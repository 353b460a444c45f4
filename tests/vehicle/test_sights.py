"""Inverse perspective mapping against the camera's own projection."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios import GRID, Rig
from scenarios.cameras import EIGHT_CAMERAS
from vehicle.networks.sights import ANSWERS, COLUMNS, FEATURE, ROWS, Reach, Sights, first_row, rays_of, sights_of

REACH = Reach(length_m=3.0, width_m=2.0, girth_m=0.5, margin_m=(0.25, 0.25))
MAIN = EIGHT_CAMERAS.cameras[0]
TILTED = Rig((replace(MAIN, pitch_deg=-8.0, roll_deg=3.0, yaw_deg=20.0),))
rigs = pytest.mark.parametrize("rig", [EIGHT_CAMERAS, TILTED], ids=["level", "tilted"])


def answered(rig: Rig) -> tuple[int, int, int]:
    """First pixel row, rows and columns of answers."""
    first = first_row(rig) * ROWS
    return first, rig.height - first, rig.width // COLUMNS


def chosen(rig: Rig, sights: Sights) -> np.ndarray:
    """Which camera each cell asks, (g,)."""
    _, rows, columns = answered(rig)
    return sights.middle.first[0] // (rows * columns)


@rigs
def test_a_cell_is_looked_for_where_the_camera_shows_it(rig: Rig) -> None:
    sights, (first, rows, columns) = sights_of(rig, REACH), answered(rig)
    place = np.stack(np.meshgrid(np.arange(rows) + first + 0.5, (np.arange(columns) + 0.5) * COLUMNS, indexing="ij"), 2)
    table = np.tile(place.astype(np.float32), (len(rig.cameras), 1, 1, 1)).reshape(-1, 2)
    row, column = sights.middle.read(table)[0].T
    cells = np.concatenate([GRID.middles().reshape(-1, 2), np.zeros((GRID.rows * GRID.columns, 1))], axis=1)
    asked = chosen(rig, sights)
    for number, camera in enumerate(rig.cameras):
        here = sights.seen[0] & (asked == number)
        shown = camera.project(cells[here])
        inner = np.clip(shown[:, 1], first + 0.5, rig.height - 0.5)
        assert here.sum() > 30
        assert np.abs(row[here] - inner).max() < 1e-3
        assert np.abs(column[here] - shown[:, 0]).max() <= COLUMNS / 2 + 1e-6


@rigs
def test_what_is_seen_comes_back_to_the_ground_where_it_lies(rig: Rig) -> None:
    sights, (first, rows, columns) = sights_of(rig, REACH), answered(rig)
    pixels = np.stack(np.meshgrid((np.arange(columns) + 0.5) * COLUMNS, np.arange(rows) + first + 0.5), axis=2)
    rays = np.stack([camera.rays(pixels) for camera in rig.cameras])
    heights = np.array([camera.z_m for camera in rig.cameras])[:, None, None]
    ahead = np.array([camera.x_m for camera in rig.cameras])[:, None, None] + rays[..., 0] * heights / np.maximum(
        -rays[..., 2], 1e-3
    )
    said = sights.middle.read(ahead.astype(np.float32).reshape(-1, 1))[0, :, 0].reshape(GRID.rows, GRID.columns)
    x, y = GRID.middles()[..., 0], GRID.middles()[..., 1]
    near = sights.seen[0].reshape(x.shape) & (np.hypot(x, y) < 9.0) & (x > 4.0)
    assert near.sum() > 50
    assert np.abs(said - x)[near].max() < 0.75


def test_every_cell_but_those_beneath_the_car_is_seen() -> None:
    seen = sights_of(EIGHT_CAMERAS, REACH).seen[0].reshape(GRID.rows, GRID.columns)
    away = np.hypot(*np.moveaxis(GRID.middles(), -1, 0))
    assert seen[away > 3.5].all()
    assert not seen[away < 0.6].any()


def test_each_cell_asks_the_camera_that_sees_it_sharpest() -> None:
    names = np.array(EIGHT_CAMERAS.names)[chosen(EIGHT_CAMERAS, sights_of(EIGHT_CAMERAS, REACH))]
    at = {(float(x), float(y)): name for (x, y), name in zip(GRID.middles().reshape(-1, 2), names, strict=True)}
    assert at[25.25, 0.25] == "narrow"
    assert at[8.25, 3.25] == "main"
    assert at[-10.25, 0.25] == "rear"
    assert at[0.25, 10.25] == "left_pillar"


def test_rays_say_how_near_the_ground_is_and_how_large_things_appear() -> None:
    rays = rays_of(EIGHT_CAMERAS)
    first = first_row(EIGHT_CAMERAS)
    row, column = (first + 8.5) * FEATURE, 12.5 * FEATURE
    depth = MAIN.focal * MAIN.z_m / (row - MAIN.cy)
    assert rays.shape == (8, 3, EIGHT_CAMERAS.height // FEATURE - first, EIGHT_CAMERAS.width // FEATURE)
    assert rays[0, :2, 8, 12] == pytest.approx([10 / depth, (MAIN.cx - column) / MAIN.focal], rel=1e-5)
    assert rays[1, 2, 0, 0] > rays[0, 2, 0, 0] > rays[2, 2, 0, 0]  # narrow, main, wide
    assert len(ANSWERS) == 6
