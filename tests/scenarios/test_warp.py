"""Cameras that are tilted and distort: what is painted, what is counted and what is projected are one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import scene_of

from scenarios.cameras import EIGHT_CAMERAS, Camera, Rig, load_rig
from scenarios.errors import NotLevel
from scenarios.paint.painter import Painter
from scenarios.paint.scene import Kind
from scenarios.paint.silhouettes import outlines, silhouettes
from scenarios.paint.warp import warp_of

SIX = load_rig("six_tilted")
PLACES = [(14.0, 0.5), (9.0, 5.0), (7.0, -9.0), (-5.0, 8.0), (-11.0, -0.5), (24.0, 2.0)]
EDGES = np.array(
    [(x, y, z) for x in np.linspace(-1, 1, 9) for y in np.linspace(-1, 1, 9) for z in np.linspace(0, 1, 9)]
)


def painted(rig: Rig, things: list[dict[str, float]]) -> np.ndarray:
    """(cameras, 3, h, w): one car's pictures."""
    scene = scene_of([things])
    clear = replace(scene, covered=np.zeros((1, len(rig.cameras)), np.float32))
    return Painter(rig, compiled=False, chunk=1).paint(clear)[0].numpy()


def test_the_usual_rig_is_painted_directly() -> None:
    assert warp_of(EIGHT_CAMERAS, "cpu") is None
    assert warp_of(EIGHT_CAMERAS.resized(3), "cpu") is None


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_pixels_that_change_when_a_thing_appears_are_those_of_its_silhouette(place: tuple[float, float]) -> None:
    thing = {"x": place[0], "y": place[1], "kind": Kind.BOX, "red": 1.0}
    differs = (painted(SIX, [thing]) != painted(SIX, [{"kind": Kind.NONE}])).any(axis=1)  # (cameras, h, w)
    seen = silhouettes(torch.from_numpy(scene_of([[thing]]).objects), SIX)
    assert differs.sum() > 50
    assert seen.pixels[0, :, 0].tolist() == differs.sum(axis=(1, 2)).tolist()
    assert torch.equal(seen.whole, seen.pixels)
    for camera, mask in enumerate(differs):
        if mask.any():
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            assert seen.box[0, camera, 0].tolist() == edges


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_silhouette_reaches_as_far_as_the_projected_thing(place: tuple[float, float]) -> None:
    thing = {"x": place[0], "y": place[1]}
    boxes = silhouettes(torch.from_numpy(scene_of([[thing]]).objects), SIX).box[0, :, 0].numpy()
    points = EDGES * (2.2, 0.9, 1.5) + (*place, 0.0)
    shown = 0
    for camera, box in zip(SIX.cameras, boxes, strict=True):
        column, row, depth = camera.project(points).T
        whole = (depth > 0.5) & (column > 0) & (row > 0) & (column < camera.width) & (row < camera.height)
        if whole.all():
            shown += 1
            assert box == pytest.approx([column.min(), row.min(), column.max(), row.max()], abs=1.5)
    assert shown > 0


def test_what_hides_is_hidden_alike_in_picture_and_count() -> None:
    near, far = {"x": 10.0, "y": 0.4}, {"x": 18.0, "y": -0.6, "z1": 3.0}
    seen = silhouettes(torch.from_numpy(scene_of([[near, far]]).objects), SIX)
    without = painted(SIX, [near]) != painted(SIX, [near, far | {"blue": 1.0}])
    assert seen.pixels[0, :, 1].tolist() == without.any(axis=1).sum(axis=(1, 2)).tolist()
    assert 0 < seen.pixels[0, 0, 1] < seen.whole[0, 0, 1]


def test_a_smaller_image_lies_in_the_upper_left_corner_and_the_rest_is_black() -> None:
    pictures, index = painted(SIX, [{"kind": Kind.NONE}]), SIX.names.index("front_tall")
    tall = SIX.cameras[index]
    assert pictures.shape[2:] == (SIX.height, SIX.width)
    assert (pictures[index, :, :, tall.width :] == 0).all()
    assert (pictures[index, :, : tall.height, : tall.width].max(axis=0) > 0).all()


def test_a_turn_that_comes_to_nothing_changes_no_colour() -> None:
    """Through the level view and past it: the same things in the same colours, within a pixel."""
    thing = {"x": 12.0, "y": -1.0, "red": 1.0, "kind": Kind.BOX}
    plain, turned = (
        painted(rig, [thing]).astype(float) for rig in (EIGHT_CAMERAS, EIGHT_CAMERAS.miscalibrated(1e-7, 1))
    )
    assert np.median(np.abs(plain - turned)) <= 6.0  # the sensor's noise, which is another one
    assert plain.mean(axis=(2, 3)) == pytest.approx(turned.mean(axis=(2, 3)), abs=2.0)


def test_a_lens_bends_straight_lines_and_its_silhouettes_with_them() -> None:
    straight = Camera("main", 0.0, 0.0, 1.5, 0.0, 90.0, height=200, width=300, horizon=0.5)
    pole = torch.from_numpy(
        scene_of([[{"x": 3.0, "y": 2.0, "half_length": 0.1, "half_width": 0.1, "z1": 4.0}]]).objects
    )
    widths = [
        (box := silhouettes(pole, Rig((replace(straight, distortion=(k1, 0.0, 0.0)),))).box[0, 0, 0])[2] - box[0]
        for k1 in (1e-9, -0.2)
    ]
    assert widths[1] > widths[0] + 3.0


def test_what_stands_in_image_columns_is_told_of_level_cameras_only() -> None:
    with pytest.raises(NotLevel, match="needs a rig of level cameras"):
        outlines(torch.from_numpy(scene_of([[{"x": 9.0}]]).objects), SIX)


@pytest.mark.parametrize("layers", [2, 3])
def test_a_rig_shows_as_many_things_behind_each_other_as_it_says(layers: int) -> None:
    row = [{"x": 8.0, "z1": 0.4}, {"x": 14.0, "z1": 0.6}, {"x": 20.0, "z1": 3.0}]
    rig = replace(EIGHT_CAMERAS, cameras=EIGHT_CAMERAS.cameras[:1], layers=layers)
    differs = (painted(rig, row) != painted(rig, row[:2])).any(axis=1)
    seen = silhouettes(torch.from_numpy(scene_of([row]).objects), rig).pixels[0, 0, 2]
    assert (differs.sum() > 100) == (layers == 3)
    assert float(seen) == pytest.approx(differs.sum(), abs=2.0)


def test_a_rig_shows_as_many_things_as_it_says() -> None:
    people = [{"x": 12.0 + i, "y": 4.0 - 0.8 * i, "half_length": 0.2, "half_width": 0.2} for i in range(10)]
    few = replace(EIGHT_CAMERAS, things=4)
    counted = [
        silhouettes(torch.from_numpy(scene_of([people]).objects), rig).pixels[0, 0] for rig in (few, EIGHT_CAMERAS)
    ]
    assert [(pixels > 0).sum().item() for pixels in counted] == [4, 10]
