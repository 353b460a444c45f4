"""A dry run at true rates beside the weighted estimate: what the estimate may have missed, and whether it did.

A weighted estimate knows the modes of false fires that were sampled. One that nobody thought of is not in it, and
nothing in it looks wrong. So alerts are also counted, without labels, where nothing is forced; their number bounds
precision from below whatever there is, and where it disagrees with the estimate, an alarm is raised.
"""

import math
from dataclasses import dataclass

from triggers.estimate.intervals import Interval, garwood

MORE, FEWER = 0.025, 0.0125
"""Chances of a false alarm: that more alerts come than were foretold, that fewer do."""
MISSED = 0.3
"""Share of the alerts that a missed mode holds, which should be noticed."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a dry run says.

    car_days: how much driving it stands for; alerts: counted, without labels; foretold: by the estimate
    alarm: "" or what is wrong; p: chance of at least, and of at most, so many alerts if the estimate is right
    precision_low: whatever was missed, precision is no lower, at 97.5 %
    power: chance that a missed mode with `MISSED` of the alerts raises the alarm
    needed: car-days for a power of 0.95
    """

    car_days: float
    alerts: int
    foretold: float
    alarm: str
    p: tuple[float, float]
    precision_low: float
    power: float
    needed: float

    @property
    def fewer(self) -> bool:
        """Whether the alarm is that there were too few."""
        return self.alarm.startswith("fewer")


def judge_dry_run(car_days: float, alerts: int, fires: Interval, right: Interval) -> Guard:
    """Compare a dry run with the estimate; fires: of all alerts a car-day, at 95 %; right: of right ones at 97.5 %."""
    mean, shape = fires.estimate * car_days, _shape(fires)
    at_least, at_most = _tails(alerts, mean, shape)
    alarm = ""
    if at_least <= MORE:
        alarm = "more alerts than the estimate foretells: it misses a mode of fires"
    elif at_most <= FEWER:
        alarm = "fewer alerts than the estimate foretells: it overstates one"
    most = garwood(alerts, 0.975).high / car_days if car_days > 0 else math.inf
    return Guard(
        car_days, alerts, mean, alarm, (at_least, at_most), min(right.low / most, 1.0) if most > 0 else 0.0,
        power(car_days, fires), frames_for_power(fires),
    )  # fmt: skip


def power(car_days: float, fires: Interval, missed: float = MISSED) -> float:
    """Chance that the alarm is raised where a missed mode holds this share of all alerts."""
    from scipy.special import pdtrc

    mean, shape = fires.estimate * car_days, _shape(fires)
    if mean <= 0:
        return 0.0
    high = int(mean + 20 * math.sqrt(mean + mean**2 / shape) + 40)
    low = 0
    while low < high:  # the fewest alerts that raise it
        middle = (low + high) // 2
        low, high = (low, middle) if _tails(middle, mean, shape)[0] <= MORE else (middle + 1, high)
    return float(pdtrc(low - 1, mean / (1.0 - missed))) if low > 0 else 1.0


def frames_for_power(fires: Interval, missed: float = MISSED, wanted: float = 0.95) -> float:
    """Car-days after which a missed mode with this share of the alerts is noticed; infinite where it never is."""
    if not fires.estimate > 0:
        return math.inf
    low, high = 1.0 / fires.estimate, 1e5 / fires.estimate
    if power(high, fires, missed) < wanted:
        return math.inf
    for _ in range(24):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if power(middle, fires, missed) >= wanted else (middle, high)
    return high


def _shape(fires: Interval) -> float:
    """The shape of the gamma distribution that says how well the rate is known; infinite for exactly."""
    if not (fires.estimate > 0 and fires.low > 0 and math.isfinite(fires.high)):
        return 1.0
    spread = math.log(fires.high / fires.low) / (2 * 1.96)
    return 1.0 / max(math.expm1(spread**2), 1e-9)


def _tails(count: int, mean: float, shape: float) -> tuple[float, float]:
    """Chances of at least and of at most so many, of a Poisson count whose mean is known so well (gamma-Poisson)."""
    from scipy.special import betainc

    if mean <= 0:
        return (1.0, 1.0) if count == 0 else (0.0, 1.0)
    stays = shape / (shape + mean)
    at_least = float(betainc(count, shape, 1 - stays)) if count > 0 else 1.0
    return at_least, float(betainc(shape, count + 1, stays))
