import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from scenarios.cameras import EIGHT_CAMERAS, Camera, load_rig
from scenarios.cameras.camera import angles_deg
from scenarios.paint.columns import rays_of

SIX = load_rig("six_tilted")
every_camera = pytest.mark.parametrize("camera", EIGHT_CAMERAS.cameras, ids=lambda camera: camera.name)
any_camera = pytest.mark.parametrize("camera", EIGHT_CAMERAS.cameras + SIX.cameras, ids=lambda camera: camera.name)
ANGLES = [(0.0, 0.0, 0.0), (30.0, -10.0, 5.0), (-170.0, 60.0, -120.0), (90.0, -80.0, 179.0)]
every_turn = pytest.mark.parametrize("angles", ANGLES, ids=str)


def test_a_point_is_projected_as_by_hand() -> None:
    camera = Camera("main", 1.6, 0.0, 1.45, 0.0, 90.0)  # 48 pixels of focal length
    column, row, depth = camera.project(np.array([11.6, 2.0, 0.45]))
    assert (column, row, depth) == pytest.approx((48.0 - 48.0 * 2.0 / 10.0, 28.8 + 48.0 * 1.0 / 10.0, 10.0))


def test_a_distorted_point_is_projected_as_by_hand() -> None:
    camera = Camera("main", 0.0, 0.0, 1.0, 0.0, 90.0, middle=0.25, stretch=2.0, distortion=(-0.2, 0.1, 0.05))
    column, row, depth = camera.project(np.array([10.0, -3.0, -3.0]))  # 0.3 right and 0.4 down, a radius of 0.5
    grown = 1 - 0.2 * 0.25 + 0.1 * 0.0625 + 0.05 * 0.015625
    assert (column, row, depth) == pytest.approx((24 + 48 * 0.3 * grown, 28.8 + 24 * 0.4 * grown, 10.0))


def test_a_camera_that_looks_up_shows_the_horizon_low_and_one_that_leans_right_shows_it_climbing_to_the_right() -> None:
    level = Camera("main", 0.0, 0.0, 1.0, 0.0, 60.0)
    far = np.array([[1e6, 2e5, 1.0], [1e6, -2e5, 1.0]])  # left, right
    up, leaning = replace(level, pitch_deg=5.0).project(far), replace(level, roll_deg=5.0).project(far)
    assert (up[:, 1] > level.cy + 5).all()
    assert leaning[1, 1] < level.cy - 1 < level.cy + 1 < leaning[0, 1]


@every_turn
def test_axes_stand_upright_on_each_other_and_tell_the_angles_they_were_made_of(
    angles: tuple[float, float, float],
) -> None:
    yaw, pitch, roll = angles
    camera = Camera("main", 0.0, 0.0, 1.0, yaw, 60.0, pitch_deg=pitch, roll_deg=roll)
    assert camera.rotation @ camera.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1.0)
    assert angles_deg(camera.rotation) == pytest.approx(angles)


@any_camera
def test_what_lies_on_the_axis_of_a_camera_is_at_its_principal_point(camera: Camera) -> None:
    assert camera.project(camera.place + 7.0 * camera.rotation[:, 0]) == pytest.approx([camera.cx, camera.cy, 7.0])


@any_camera
def test_every_pixel_is_where_its_ray_is_projected_to(camera: Camera) -> None:
    pixels = camera.grid()
    there = camera.project(camera.place + 3.0 * camera.rays(pixels))
    assert there[..., :2] == pytest.approx(pixels, abs=1e-6)
    assert there[..., 2] == pytest.approx(3.0)


@every_camera
def test_the_edge_of_the_image_is_half_the_field_of_view_away(camera: Camera) -> None:
    edge = math.radians(camera.yaw_deg - camera.fov_deg / 2)
    right = np.array([camera.x_m + 9 * math.cos(edge), camera.y_m + 9 * math.sin(edge), camera.z_m])
    assert camera.project(right)[0] == pytest.approx(camera.width)


@any_camera
def test_what_is_behind_a_camera_is_outside_its_image_with_no_positive_depth(camera: Camera) -> None:
    aside = np.array([[-3.0, 0.4, -0.3], [-0.1, -2.0, 0.0], [0.0, 5.0, 5.0]])
    column, row, depth = camera.project(camera.place + aside @ camera.rotation.T).T
    assert (depth < 1e-9).all()
    assert ((column < 0) | (column > camera.width) | (row < 0) | (row > camera.height)).all()


def test_what_lies_far_aside_of_a_lens_that_folds_back_is_not_shown_a_second_time() -> None:
    camera = Camera("main", 0.0, 0.0, 0.0, 0.0, 80.0, distortion=(-0.35, 0.0, 0.0))
    angles = np.radians(np.linspace(0.0, 89.0, 400))
    columns = camera.project(np.stack([np.cos(angles), -np.sin(angles), np.zeros_like(angles)], axis=1))[:, 0]
    assert (np.diff(columns) > 0).all()


def test_the_painters_rays_go_through_the_middles_of_the_columns() -> None:
    rays = rays_of(EIGHT_CAMERAS, "cpu")
    for number, camera in enumerate(EIGHT_CAMERAS.cameras):
        x, y = rays.x[number] + 5.0 * rays.dx[number], rays.y[number] + 5.0 * rays.dy[number]
        places = torch.stack([x, y, torch.zeros_like(x)], dim=1).double().numpy()
        column, _, depth = camera.project(places).T
        assert column == pytest.approx(np.arange(96) + 0.5, abs=1e-3)
        assert depth == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize("scale", [4, 0.5])
def test_a_resized_rig_sees_the_same_in_more_or_fewer_pixels(scale: float) -> None:
    for rig in (EIGHT_CAMERAS, SIX):
        other = rig.resized(scale)
        assert (other.height, other.width, other.names) == (rig.height * scale, rig.width * scale, rig.names)
        for camera, sized in zip(rig.cameras, other.cameras, strict=True):
            point = camera.place + camera.rotation @ (12.0, 1.0, 0.5)
            before, after = camera.project(point), sized.project(point)
            assert after == pytest.approx([scale * before[0], scale * before[1], before[2]])


@pytest.mark.parametrize("degrees", [1.0, 2.0])
def test_a_miscalibrated_rig_has_every_camera_turned_by_so_many_degrees_in_its_place(degrees: float) -> None:
    for rig in (EIGHT_CAMERAS, SIX):
        for camera, really in zip(rig.cameras, rig.miscalibrated(degrees, 3).cameras, strict=True):
            assert (really.name, really.place.tolist()) == (camera.name, camera.place.tolist())
            cosine = (np.trace(really.rotation @ camera.rotation.T) - 1) / 2
            assert math.degrees(math.acos(cosine)) == pytest.approx(degrees)


def test_a_calibration_error_is_another_one_for_another_seed_and_none_for_no_degrees() -> None:
    wrong = [EIGHT_CAMERAS.miscalibrated(1.0, seed) for seed in (1, 1, 2)]
    assert wrong[0] == wrong[1] != wrong[2]
    assert EIGHT_CAMERAS.miscalibrated(0.0, 1) == EIGHT_CAMERAS


def test_calibration_errors_have_no_preferred_axis() -> None:
    errors = [
        really.rotation.T @ camera.rotation
        for seed in range(60)
        for camera, really in zip(EIGHT_CAMERAS.cameras, EIGHT_CAMERAS.miscalibrated(1.0, seed).cameras, strict=True)
    ]
    axes = np.array([(e[2, 1] - e[1, 2], e[0, 2] - e[2, 0], e[1, 0] - e[0, 1]) for e in errors])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    assert np.abs(axes.mean(axis=0)) == pytest.approx(0.0, abs=0.1)
    assert (axes**2).mean(axis=0) == pytest.approx(1 / 3, abs=0.06)
