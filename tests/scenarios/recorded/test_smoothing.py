import numpy as np

from scenarios.recorded.smoothing import agent_motion, ego_motion, fit_lines, running_median


def _drive(speed: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(times))])


def _staircase(way: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A 2 Hz log, stamped up to 40 ms off, resampled on a line."""
    off = 0.04 * np.sin(np.arange(len(times[::5])) * 2.1)
    return np.interp(times, times[::5], np.interp(times[::5] + off, times, way))


def test_a_staircase_speed_makes_no_hard_brake() -> None:
    times = np.arange(201) * 0.1
    speed = 10 + 3 * np.sin(times / 3)
    way = _staircase(_drive(speed, times), times)
    assert np.abs(np.diff(way, 2)).max() * 100 > 6  # what a plain difference would say
    told, acceleration, _ = ego_motion(times, way, np.zeros(201), np.zeros(201))
    assert np.abs(acceleration - np.cos(times / 3)).max() < 2
    assert np.abs(told - speed).max() < 1


def test_a_false_jump_in_the_last_half_second_is_no_event() -> None:
    times = np.arange(191) * 0.1
    speed = np.full(191, 10.0)
    way = _drive(speed, times)
    way[-5:] += np.arange(1, 6) * 0.9  # 19 m/s for half a second
    _, acceleration, _ = ego_motion(times, way, np.zeros(191), np.zeros(191))
    assert np.abs(acceleration).max() < 1


def test_single_spikes_of_badly_stamped_poses_are_no_events() -> None:
    times = np.arange(191) * 0.1
    way = _drive(np.full(191, 13.0), times)
    way[np.arange(191) >= 60] += 0.28
    _, acceleration, _ = ego_motion(times, way, np.zeros(191), np.zeros(191))
    assert np.abs(acceleration).max() < 0.5


def test_a_real_full_brake_stays_one() -> None:
    times = np.arange(101) * 0.1
    speed = np.clip(16 - 8 * np.clip(times - 4, 0, None), 0, None)
    _, acceleration, _ = ego_motion(times, _drive(speed, times), np.zeros(101), np.zeros(101))
    assert acceleration.min() < -6.5
    assert acceleration.max() < 0.5


def test_speed_is_negative_in_reverse_and_the_turn_is_to_the_left() -> None:
    times = np.arange(101) * 0.1
    yaw = 3.0 + 0.2 * times  # crosses the seam
    x, y = -np.cumsum(np.cos(yaw)) * 0.1, -np.cumsum(np.sin(yaw)) * 0.1
    speed, _, rate = ego_motion(times, x, y, (yaw + np.pi) % (2 * np.pi) - np.pi)
    assert np.allclose(speed[10:-10], -1, atol=0.02)
    assert np.allclose(rate, 0.2, atol=1e-6)


def test_what_an_agent_did_before_a_gap_does_not_leak_far_beyond_it() -> None:
    times = np.arange(101) * 0.1
    valid = np.ones((101, 1), bool)
    valid[30:70] = False
    x = np.where(times < 5, 0.0, 8 * (times - 5))[:, None] * valid
    speed, acceleration = agent_motion(times, x, np.zeros_like(x), valid)
    assert np.allclose(speed[:30], 0, atol=1e-6)
    assert np.allclose(speed[70:], 8, atol=1e-6)
    assert np.abs(acceleration).max() < 1e-6


def test_a_lone_sample_has_no_slope() -> None:
    times = np.arange(11) * 0.1
    valid = np.zeros((11, 2), bool)
    valid[5, 0] = True
    value, slope = fit_lines(times, times, np.full((11, 2), 4.0), valid)
    assert np.allclose(value[5], [4, 0])
    assert np.all(slope == 0)


def test_a_long_log_is_fitted_the_same_in_blocks() -> None:
    times = np.arange(1000) * 0.1
    values = np.sin(times)[:, None]
    whole = fit_lines(times, times, values, np.ones_like(values, bool))
    part = fit_lines(times[300:303], times, values, np.ones_like(values, bool))
    assert np.allclose(whole[1][300:303], part[1], atol=1e-6)


def test_a_median_window_stops_at_the_ends() -> None:
    assert running_median(np.array([9.0, 1, 2, 3, 9]), 3).tolist() == [2, 2, 2, 3, 3]
    assert running_median(np.array([1.0, 5]), 13).tolist() == [3, 3]
