import math

import numpy as np
import pytest
from little_drives import straight_drive

from scenarios.errors import ScenarioError
from scenarios.recorded.drive import Blend


def test_a_drive_starts_at_its_own_origin_and_keeps_where_that_is() -> None:
    drive = straight_drive(agents=[])
    assert (drive.x_m[0], drive.y_m[0], drive.timestamps_us[0]) == (0.0, 0.0, 0)
    assert drive.georeferenced
    assert drive.latitude == pytest.approx(48.0 + 900 / 111_319.5, abs=1e-6)
    assert drive.longitude == pytest.approx(11.0 + 500 / (111_319.5 * math.cos(math.radians(48))), abs=1e-6)


def test_places_between_moments_lie_on_a_line() -> None:
    drive = straight_drive(agents=[{"x": 30.0, "y": 2.0, "speed": 5.0}])
    state = drive.at(np.array([0, 50_000, 1_234_567]))
    assert state.x_m == pytest.approx([0.0, 0.5, 12.34567])
    assert state.agent_x_m[:, 0] == pytest.approx([30.0, 30.25, 30 + 5 * 1.234567])


def test_times_outside_a_drive_give_its_ends() -> None:
    drive = straight_drive(agents=[])
    state = drive.at(np.array([-5, 10**9]))
    assert state.x_m == pytest.approx([0.0, 20.0])
    assert state.t_us.tolist() == [0, 2_000_000]


@pytest.mark.parametrize(
    ("low", "high", "half"), [(3.0, -3.0, math.pi), (-3.0, 3.0, math.pi), (0.1, 0.3, 0.2), (6.2, 0.2, 0.05840734641)]
)
def test_yaw_turns_the_shorter_way(low: float, high: float, half: float) -> None:
    blend = Blend(np.array([0]), np.array([0.5]))
    assert abs(blend.angle(np.array([low, high]))[0]) == pytest.approx(half, abs=1e-9)


def test_an_agent_is_there_only_between_moments_that_both_have_it() -> None:
    seen = np.arange(21) >= 10
    seen[15] = False
    drive = straight_drive(agents=[{"x": 10.0, "y": 0.0, "valid": seen}])
    times = np.array([950_000, 999_999, 1_000_000, 1_050_000, 1_400_000, 1_450_000, 1_500_000, 1_600_000, 2_000_000])
    state = drive.at(times)
    assert state.agent_valid[:, 0].tolist() == [False, False, True, True, True, False, False, True, True]
    assert np.all(state.agent_x_m[~state.agent_valid] == 0)


def test_a_moment_is_the_same_in_any_company() -> None:
    drive = straight_drive(agents=[{"x": 30.0, "y": 2.0, "speed": 5.0}])
    many, one = drive.at(np.arange(0, 2_000_000, 33_333)), drive.at(np.array([33_333 * 7]))
    assert many.agent_x_m[7, 0] == one.agent_x_m[0, 0]
    assert many.yaw_rad[7] == one.yaw_rad[0]


def test_the_errors_of_recorded_drives_are_scenario_errors() -> None:
    from scenarios.errors import CorruptDrive, NoDrives

    assert issubclass(CorruptDrive, ScenarioError)
    assert issubclass(NoDrives, ScenarioError)
