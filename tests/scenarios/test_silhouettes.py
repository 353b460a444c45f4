"""What is counted against what is painted."""

import numpy as np
import torch
from scenes import drawn, scene_of

from scenarios.cameras import EIGHT_CAMERAS
from scenarios.paint import columns, shade
from scenarios.paint.scene import Kind
from scenarios.paint.silhouettes import outlines, silhouettes

LARGE = EIGHT_CAMERAS.resized(4)
OBJECTS = torch.from_numpy(drawn("all_weather").scene(np.arange(6), 19 * 36_000).objects)


def painted(objects: torch.Tensor) -> torch.Tensor:
    """(n, C, K): how many pixels the painter gives each thing, by its own choice of layers."""
    rays = columns.rays_of(EIGHT_CAMERAS, "cpu")
    kept, index = columns.nearest(objects, rays)
    keys = columns.layer_keys(kept, rays)  # (n, C, L, W)
    found = columns.layers(kept, keys, rays)
    cars, cameras = found.shape[:2]
    values = found.reshape(cars * cameras, -1, EIGHT_CAMERAS.width)
    covers, _ = shade.choose(shade.Sheet(values, (torch.arange(64) + 0.5)[:, None]))
    counted = torch.zeros((cars, cameras, objects.shape[1]))
    hidden = torch.zeros_like(covers[0])
    for layer, cover in enumerate(covers):
        pixels = (cover & ~hidden).sum(dim=1).reshape(cars, cameras, -1).float()  # (n, C, W)
        hidden |= cover
        who = torch.gather(index, 2, (keys[:, :, layer] & (columns.KEPT - 1)).long())
        counted.scatter_add_(2, who, pixels)
    return counted


def test_visible_pixels_are_the_ones_that_are_painted() -> None:
    counted, shown = silhouettes(OBJECTS, EIGHT_CAMERAS).pixels, painted(OBJECTS)
    assert shown.sum() > 10_000
    assert ((counted - shown).abs() <= 1.0 + 0.02 * shown).all()
    assert torch.equal(counted > 0, shown > 0) or (counted - shown).abs().sum() < 0.002 * shown.sum()


def test_what_stands_alone_is_seen_whole() -> None:
    alone = torch.from_numpy(scene_of([[{"x": 12.0}], [{"x": 7.0, "y": 6.0}], [{"x": -9.0}]]).objects)
    seen = silhouettes(alone, LARGE)
    assert seen.whole.max(dim=1).values.min() > 200
    assert torch.allclose(seen.pixels, seen.whole, rtol=0.05, atol=40.0)


def test_a_box_goes_from_edge_to_edge() -> None:
    thing = {"x": 14.0, "y": 0.0, "half_length": 1.0, "half_width": 1.0, "z1": 1.0}
    left, top, right, bottom = silhouettes(torch.from_numpy(scene_of([[thing]]).objects), LARGE).box[0, 0, 0].tolist()
    camera = LARGE.cameras[0]
    near_left, near_right = camera.project(np.array([[13.0, 1.0, 0.0], [13.0, -1.0, 0.0]]))
    far_top = camera.project(np.array([15.0, 0.0, 1.0]))
    assert abs(left - near_left[0]) <= 1.0
    assert abs(right - near_right[0]) <= 1.0
    assert abs(bottom - near_left[1]) < 0.1
    assert abs(top - far_top[1]) < 0.1


def test_things_out_of_sight_have_no_silhouette() -> None:
    behind = torch.from_numpy(scene_of([[{"x": -20.0}]]).objects)
    seen = silhouettes(behind, LARGE)
    forward = [LARGE.names.index(name) for name in ("main", "narrow", "wide")]
    assert seen.whole[0, forward].max() == 0
    assert seen.box[0, forward].abs().max() == 0


def test_a_column_names_the_nearer_thing_first_and_knows_where_it_stands() -> None:
    near, far = {"x": 12.0, "kind": Kind.VEHICLE, "z1": 1.0}, {"x": 20.0, "kind": Kind.TRUCK, "z1": 3.0}
    found = outlines(torch.from_numpy(scene_of([[far, near]]).objects), LARGE)
    middle = LARGE.width // 2
    assert found.kind[0, 0, :, middle].tolist() == [Kind.VEHICLE, Kind.TRUCK]
    for layer, x_m in enumerate((12.0, 20.0)):
        _, row, _ = LARGE.cameras[0].project(np.array([x_m - 2.2, 0.0, 0.0]))  # its front end
        assert abs(float(found.foot[0, 0, layer, middle]) - row) < 0.2
    assert float(found.shown[0, 0, 1, middle]) > 0  # the truck looks over the car
    assert float(found.top[0, 0, 1, middle]) < float(found.top[0, 0, 0, middle])


def test_a_column_that_shows_only_the_street_names_nothing() -> None:
    found = outlines(torch.from_numpy(scene_of([[{"x": -20.0}]]).objects), LARGE)
    assert found.kind[0, LARGE.names.index("main")].max() == 0


def test_outlines_show_as_many_pixels_as_silhouettes() -> None:
    rows = outlines(OBJECTS, EIGHT_CAMERAS).shown.sum(dim=(2, 3))
    assert torch.allclose(rows, silhouettes(OBJECTS, EIGHT_CAMERAS).pixels.sum(dim=2))
