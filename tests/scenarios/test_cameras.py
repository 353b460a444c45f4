import math

import numpy as np
import pytest
import torch

from scenarios.cameras import EIGHT_CAMERAS, Camera
from scenarios.paint.columns import rays_of

every_camera = pytest.mark.parametrize("camera", EIGHT_CAMERAS.cameras, ids=lambda camera: camera.name)


def test_a_point_is_projected_as_by_hand() -> None:
    camera = Camera("main", 1.6, 0.0, 1.45, 0.0, 90.0)  # 48 pixels of focal length
    column, row, depth = camera.project(np.array([11.6, 2.0, 0.45]))
    assert (column, row, depth) == pytest.approx((48.0 - 48.0 * 2.0 / 10.0, 28.8 + 48.0 * 1.0 / 10.0, 10.0))


@every_camera
def test_what_lies_on_the_axis_of_a_camera_is_in_its_middle_column_on_the_horizon(camera: Camera) -> None:
    yaw = math.radians(camera.yaw_deg)
    ahead = np.array([camera.x_m + 7 * math.cos(yaw), camera.y_m + 7 * math.sin(yaw), camera.z_m])
    assert camera.project(ahead) == pytest.approx([camera.cx, camera.cy, 7.0])


@every_camera
def test_the_edge_of_the_image_is_half_the_field_of_view_away(camera: Camera) -> None:
    edge = math.radians(camera.yaw_deg - camera.fov_deg / 2)
    right = np.array([camera.x_m + 9 * math.cos(edge), camera.y_m + 9 * math.sin(edge), camera.z_m])
    assert camera.project(right)[0] == pytest.approx(camera.width)


@every_camera
def test_what_is_behind_a_camera_has_no_positive_depth(camera: Camera) -> None:
    yaw = math.radians(camera.yaw_deg)
    behind = np.array([[camera.x_m - 3 * math.cos(yaw), camera.y_m - 3 * math.sin(yaw), 1.0]])
    assert camera.project(behind)[0, 2] < 0


def test_the_painters_rays_go_through_the_middles_of_the_columns() -> None:
    rays = rays_of(EIGHT_CAMERAS, "cpu")
    for number, camera in enumerate(EIGHT_CAMERAS.cameras):
        x, y = rays.x[number] + 5.0 * rays.dx[number], rays.y[number] + 5.0 * rays.dy[number]
        places = torch.stack([x, y, torch.zeros_like(x)], dim=1).double().numpy()
        column, _, depth = camera.project(places).T
        assert column == pytest.approx(np.arange(96) + 0.5, abs=1e-3)
        assert depth == pytest.approx(5.0, abs=1e-5)


def test_a_larger_rig_sees_the_same_in_more_pixels() -> None:
    large = EIGHT_CAMERAS.resized(4)
    assert (large.height, large.width, large.names) == (256, 384, EIGHT_CAMERAS.names)
    point = np.array([12.0, 1.0, 0.5])
    small, big = EIGHT_CAMERAS.cameras[0].project(point), large.cameras[0].project(point)
    assert big == pytest.approx([4 * small[0], 4 * small[1], small[2]])
