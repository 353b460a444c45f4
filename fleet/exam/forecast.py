"""What a fleet of so many cars will send, from rates a car-day: as intervals, with cooldown and limits counted in."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from triggers import TriggerSpec, estimate


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes, as intervals.

    cars: in the fleet; kept: of the alerts, what cooldown and limits leave, 0..1
    fires, mb: of the fleet a day; mb_per_car_day; per_second: that a server takes at the busiest hour
    first: hours to so many right fires; wanted: how many these are
    """

    cars: int
    kept: float
    fires: estimate.Interval
    mb: estimate.Interval
    mb_per_car_day: estimate.Interval
    per_second: estimate.Interval
    first: estimate.Interval
    wanted: int


def forecast(
    spec: TriggerSpec, figures: estimate.Figures, *, cars: int, wanted: int, driven_s: float, clip_mb: float,
    busiest: float,
) -> Forecast:  # fmt: skip
    """driven_s: seconds a car drives in a day; clip_mb: of a clip; busiest: share of driving in the busiest hour."""

    def left(rate: float) -> float:
        return kept(rate, spec, driven_s)

    a_car = _through(figures.fires, left)
    right = _through(
        figures.right, lambda _: left(figures.fires.estimate) / max(figures.fires.estimate, 1e-300), by=True
    )
    fleet = a_car.times(cars)
    return Forecast(
        cars=cars,
        kept=left(figures.fires.estimate) / figures.fires.estimate if figures.fires.estimate > 0 else 1.0,
        fires=fleet,
        mb=fleet.times(clip_mb),
        mb_per_car_day=a_car.times(clip_mb),
        per_second=fleet.times(busiest / 3600.0),
        first=hours_to(wanted, right.times(cars)),
        wanted=wanted,
    )


def kept(rate: float, spec: TriggerSpec, driven_s: float) -> float:
    """Fires a car-day that cooldown and the daily limit leave of so many alerts.

    A cooldown is a dead time: of alerts at rate r while driving, r / (1 + r c) fire; of a Poisson number of these with
    mean m no more than the limit L are kept, E min(N, L).
    """
    if rate <= 0:
        return 0.0
    each_s = rate / max(driven_s, 1.0)
    free = rate / (1.0 + each_s * spec.fire.cooldown_s)
    return _at_most(free, spec.limits.per_car_day) if spec.limits.per_car_day else free


def hours_to(wanted: int, a_day: estimate.Interval) -> estimate.Interval:
    """Hours until so many have come: at the middle rate, and with both the rate and the draw of luck unkind or kind."""
    from scipy.special import gammaincinv

    def hours(rate: float, share: float) -> float:
        return float(gammaincinv(wanted, share)) / rate * 24.0 if rate > 0 else math.inf

    return estimate.Interval(
        wanted / a_day.estimate * 24.0 if a_day.estimate > 0 else math.inf,
        hours(a_day.high, 0.025),
        hours(a_day.low, 0.975),
    )


def _at_most(mean: float, limit: int) -> float:
    """E min(N, limit) of a Poisson number: the sum over k < limit of P(N > k)."""
    from scipy.special import pdtrc

    return float(sum(pdtrc(k, mean) for k in range(limit)))


def _through(interval: estimate.Interval, function: Callable[[float], float], *, by: bool = False) -> estimate.Interval:
    """A rising function of an interval's ends; by: times it instead."""
    ends = (interval.estimate, interval.low, interval.high)
    return estimate.Interval(
        *((end * function(end) if by else function(end)) if math.isfinite(end) else end for end in ends)
    )
