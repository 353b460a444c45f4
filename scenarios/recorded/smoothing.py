"""Speeds and accelerations from logged positions, without the hard brakes that interpolation invents.

Logs resampled from 2 Hz have speeds like a staircase; poses stamped a few milliseconds off give a spike in one step.
Differences of either look like a full brake. So a speed is first a median over a second, which no spike survives and
which leaves steady braking as it is, and then a line fitted through its neighbours, whose slope is the acceleration.
"""

import numpy as np
from numpy.typing import NDArray

MEDIAN_S = 1.2
"""Span of the median: outlasts one bad interval of a log that was annotated at 2 Hz."""

WIDTH_S = 0.45
"""Standard deviation of the line fit's weights; about 1.6 s of log count."""

_REACH = 6  # standard deviations after which a weight is nothing
_BLOCK = 256  # rows fitted at once

Floats = NDArray[np.float64]


def fit_lines(
    at_s: Floats, times_s: Floats, values: Floats, valid: NDArray[np.bool_], width_s: float = WIDTH_S
) -> tuple[Floats, Floats]:
    """Value and slope of a weighted line through the samples around each moment.

    at_s: (M,) moments, ascending
    times_s: (T,) when the samples were taken, ascending
    values, valid: (T, A); invalid samples carry no weight
    Two (M, A) arrays; a moment with one sample near has slope 0, one with none has value 0.
    """
    fitted, slopes = np.zeros((len(at_s), values.shape[1])), np.zeros((len(at_s), values.shape[1]))
    for start in range(0, len(at_s), _BLOCK):
        rows = slice(start, start + _BLOCK)
        low, high = np.searchsorted(times_s, [at_s[rows][0] - _REACH * width_s, at_s[rows][-1] + _REACH * width_s])
        near = slice(int(low), int(high))
        fitted[rows], slopes[rows] = _fit(at_s[rows], times_s[near], values[near], valid[near], width_s)
    return fitted, slopes


def _fit(
    at_s: Floats, times_s: Floats, values: Floats, valid: NDArray[np.bool_], width_s: float
) -> tuple[Floats, Floats]:
    offset = times_s[None, :] - at_s[:, None]  # (M, T)
    weight = np.exp(-0.5 * (offset / width_s) ** 2) * (np.abs(offset) < _REACH * width_s)
    there = valid.astype(np.float64)
    count = there.sum(0)
    middle = (values * there).sum(0) / np.maximum(count, 1)  # fewer digits are lost near zero
    moved = (values - middle) * there
    s0, s1, s2 = weight @ there, (weight * offset) @ there, (weight * offset**2) @ there
    y0, y1 = weight @ moved, (weight * offset) @ moved
    spread = s0 * s2 - s1 * s1
    line = spread > 1e-9 * s0 * s0
    safe = np.where(line, spread, 1.0)
    value = np.where(line, (s2 * y0 - s1 * y1) / safe, y0 / np.where(s0 > 0, s0, 1.0))
    return np.where(s0 > 0, value + middle, 0.0), np.where(line, (s0 * y1 - s1 * y0) / safe, 0.0)


def running_median(values: Floats, span: int) -> Floats:
    """(T,) medians over `span` neighbours; near an end the window stops at the end and does not shrink."""
    span = min(span, len(values))
    windows = np.median(np.lib.stride_tricks.sliding_window_view(values, span), axis=1)
    starts = np.clip(np.arange(len(values)) - span // 2, 0, len(windows) - 1)
    return np.asarray(windows[starts], np.float64)


def ego_motion(times_s: Floats, x_m: Floats, y_m: Floats, yaw_rad: Floats) -> tuple[Floats, Floats, Floats]:
    """Speed along the heading (m/s, negative in reverse), acceleration (m/s^2), yaw rate (rad/s, left positive).

    All arrays (T,), T at least 2, times ascending.
    """
    steps = np.diff(times_s)
    turned = np.unwrap(yaw_rad)
    heading = (turned[1:] + turned[:-1]) / 2
    raw = (np.diff(x_m) * np.cos(heading) + np.diff(y_m) * np.sin(heading)) / steps  # (T - 1,)
    span = max(1, round(MEDIAN_S / float(np.median(steps)))) | 1
    steady = running_median(raw, span)[:, None]
    middles = (times_s[1:] + times_s[:-1]) / 2
    speed, acceleration = fit_lines(times_s, middles, steady, np.ones_like(steady, bool))
    _, rate = fit_lines(times_s, times_s, turned[:, None], np.ones((len(turned), 1), bool))
    return speed[:, 0], acceleration[:, 0], rate[:, 0]


def agent_motion(times_s: Floats, x_m: Floats, y_m: Floats, valid: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Speed (m/s, never negative) and its rate of change (m/s^2) of A agents: two (T, A) arrays, 0 where not valid."""
    _, east = fit_lines(times_s, times_s, x_m, valid)
    _, north = fit_lines(times_s, times_s, y_m, valid)
    speed, acceleration = fit_lines(times_s, times_s, np.hypot(east, north), valid)
    return np.where(valid, np.maximum(speed, 0.0), 0.0), np.where(valid, acceleration, 0.0)
