"""What every viewer must hold to, over all that ship."""

from typing import Any

import numpy as np
import pytest

from scenarios import CLASSES, GRID
from scenarios.cameras import EIGHT_CAMERAS
from vehicle import Viewer, load_network, load_viewer
from vehicle.networks.folder import VIEWERS
from vehicle.perceive import CHUNK

every_viewer = pytest.mark.parametrize("name", VIEWERS)


def chance(*shape: int) -> Any:
    """Numbers that look like chance and are always the same."""
    numbers = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
    return (numbers % np.uint64(1000) / 1000).reshape(shape)


@pytest.fixture(scope="module")
def features() -> dict[str, Any]:
    """What production's backbone makes of a chunk of pictures."""
    pixels = (255 * chance(CHUNK, 8, 3, EIGHT_CAMERAS.height, EIGHT_CAMERAS.width)).astype(np.uint8)
    return load_network("hydranet-v1").see(pixels)[1]


def looked(name: str, features: dict[str, Any]) -> tuple[Viewer, Any, Any, Any, Any]:
    """A viewer, its looks at these features, and earlier looks that are the same in another order."""
    viewer = load_viewer(name, EIGHT_CAMERAS)
    now = viewer.look(features)
    earlier = np.stack([np.roll(now, k + 1, axis=0) for k in range(viewer.looks)] or [now[:, :0]], axis=1)
    earlier = earlier[:, : viewer.looks].reshape(CHUNK, viewer.looks, *viewer.shape)
    moved = (chance(CHUNK, viewer.looks, 3) - 0.5) * (20, 2, 0.2)
    return viewer, now, earlier, moved, chance(CHUNK, viewer.looks) > 0.3


@every_viewer
def test_a_look_is_as_the_viewer_says(name: str, features: dict[str, Any]) -> None:
    viewer, now, *_ = looked(name, features)
    assert (now.shape, now.dtype) == ((CHUNK, *viewer.shape), viewer.dtype)
    assert viewer.looks * now[0].nbytes <= 160 * 1024
    assert set(viewer.card["thresholds"]) == set(CLASSES)


@every_viewer
def test_a_map_is_of_probabilities_on_the_grid(name: str, features: dict[str, Any]) -> None:
    viewer, *given = looked(name, features)
    maps = viewer.fuse(*given)
    assert (maps.shape, maps.dtype) == ((CHUNK, len(CLASSES), GRID.rows, GRID.columns), np.float32)
    assert ((maps >= 0) & (maps <= 1)).all()


@every_viewer
def test_a_car_is_seen_the_same_in_any_company(name: str, features: dict[str, Any]) -> None:
    viewer, *given = looked(name, features)
    maps, look = viewer.fuse(*given), given[0]
    order = [3, 0, 7, 1, 2, 6, 5, 4]
    cameras = np.concatenate([np.arange(8) + 8 * car for car in order])
    assert np.array_equal(viewer.look({n: each[cameras] for n, each in features.items()}), look[order])
    assert np.array_equal(viewer.fuse(*(each[order] for each in given)), maps[order])
    alone = [np.concatenate([each[:1], np.zeros_like(each[1:])]) for each in given]
    assert np.array_equal(viewer.fuse(*alone)[0], maps[0])


@every_viewer
def test_what_is_given_is_left_alone(name: str, features: dict[str, Any]) -> None:
    viewer, *given = looked(name, features)
    before = [each.copy() for each in given]
    viewer.fuse(*given)
    assert all(np.array_equal(*each) for each in zip(before, given, strict=True))
