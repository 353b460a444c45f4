import math

import numpy as np
import pytest
from little_drives import straight_drive

from scenarios.recorded import KIND_NAMES, scene_at

START = np.array([0])


def test_boxes_stand_ahead_and_to_the_left_of_a_turned_ego() -> None:
    drive = straight_drive(agents=[{"x": 0.0, "y": 20.0, "yaw": math.pi / 2}], yaw_rad=math.pi / 2)
    around = scene_at(drive, START)
    assert (around.x_m[0, 0], around.y_m[0, 0]) == pytest.approx((20.0, 0.0))
    assert around.yaw_rad[0, 0] == pytest.approx(0.0)
    assert (around.half_length_m[0, 0], around.z1_m[0, 0]) == (2.25, 1.5)


def test_the_nearest_come_first_and_the_far_ones_not_at_all() -> None:
    drive = straight_drive(agents=[{"x": 79.0, "y": 0.0}, {"x": 81.0, "y": 0.0}, {"x": 0.0, "y": -5.0}])
    around = scene_at(drive, START)
    assert around.agent[0, :3].tolist() == [2, 0, -1]
    assert around.valid[0].sum() == 2
    assert np.all(around.x_m[~around.valid] == 0)


def test_more_agents_than_slots_leave_the_farthest_out() -> None:
    agents = [{"x": 1.0 + number, "y": 0.0} for number in reversed(range(60))]
    around = scene_at(straight_drive(agents=agents), START)
    assert around.valid.shape == (1, 48)
    assert around.valid.all()
    assert around.x_m[0] == pytest.approx(np.arange(1, 49))


def test_a_car_that_is_not_there_yet_is_no_box() -> None:
    drive = straight_drive(agents=[{"x": 30.0, "y": 0.0, "valid": np.arange(21) > 10}])
    assert scene_at(drive, np.array([0, 1_500_000])).valid[:, 0].tolist() == [False, True]


def test_signs_keep_their_height_and_all_else_stands_on_the_road_when_asked() -> None:
    drive = straight_drive(agents=[{"x": 9.0, "y": 3.0, "kind": "sign", "clearance": 2.1}, {"x": 12.0, "y": 0.0}])
    around = scene_at(drive, START, standing="road")
    assert around.z0_m[0, :2].tolist() == [2.1, 0.0]
    assert [KIND_NAMES[kind] for kind in around.kind[0, :2]] == ["sign", "vehicle"]


def test_other_cars_bring_their_speed() -> None:
    around = scene_at(straight_drive(agents=[{"x": 30.0, "y": 0.0, "speed": 7.0}]), np.array([900_000]))
    assert around.speed_mps[0, 0] == pytest.approx(7.0, abs=1e-6)


def test_a_moment_has_the_same_scene_in_any_company() -> None:
    drive = straight_drive(
        agents=[{"x": 3.0 * number, "y": number % 7, "speed": number % 5} for number in range(1, 60)]
    )
    times = np.arange(0, 2_000_000, 77_777)
    many = scene_at(drive, times)
    for row in (0, 11, 25):
        one = scene_at(drive, times[[row]])
        for name in ("x_m", "yaw_rad", "agent", "speed_mps"):
            assert np.array_equal(getattr(one, name)[0], getattr(many, name)[row])


def test_a_drive_alone_on_the_road_and_no_moments_at_all_are_fine() -> None:
    assert not scene_at(straight_drive(agents=[]), np.array([0, 1])).valid.any()
    assert scene_at(straight_drive(agents=[{"x": 1.0, "y": 1.0}]), np.array([], np.int64)).x_m.shape == (0, 48)
