"""What a fleet of so many cars will send, from rates a car-day: as intervals, with cooldown and limits counted in."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass

from triggers import TriggerSpec, estimate

BUSIEST = 0.1
"""Of a day's driving, at most, falls into one hour of a fleet."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes, as intervals.

    cars: in the fleet; driven_s: seconds a car drives in a day; kept: of the alerts, what cooldown and limits leave
    fires, mb: of the fleet a day; mb_per_car_day; per_second: that a server takes at the busiest hour
    first: hours to so many right fires, infinite where the fleet's total or the last day comes before
    never: why so many never come, "" where they do
    wanted: how many these are; days: until the spec expires, None where it does not, or nobody said from when
    full: hours until the fleet's total is reached, None without one
    """

    cars: int
    driven_s: float
    kept: float
    fires: estimate.Interval
    mb: estimate.Interval
    mb_per_car_day: estimate.Interval
    per_second: estimate.Interval
    first: estimate.Interval
    never: str
    wanted: int
    days: float | None
    full: estimate.Interval | None


def forecast(
    spec: TriggerSpec, figures: estimate.Figures, *, cars: int, wanted: int, driven_s: float, clip_mb: float,
    days: float | None = None,
) -> Forecast:  # fmt: skip
    """driven_s: seconds a car drives in a day; clip_mb: of a clip; days: until the spec expires."""

    def left(rate: float) -> float:
        return kept(rate, spec, driven_s, clip_mb)

    a_car = through(figures.fires, left)
    right = through(
        figures.right, lambda _: left(figures.fires.estimate) / max(figures.fires.estimate, 1e-300), by=True
    )
    fleet = a_car.times(cars)
    most = spec.limits.fleet_total
    first = hours_within(spec, wanted, right.times(cars), fleet, days)
    full = None if most is None else hours_to(most, fleet)
    return Forecast(
        cars=cars,
        driven_s=driven_s,
        kept=left(figures.fires.estimate) / figures.fires.estimate if figures.fires.estimate > 0 else 1.0,
        fires=fleet,
        mb=fleet.times(clip_mb),
        mb_per_car_day=a_car.times(clip_mb),
        per_second=fleet.times(BUSIEST / 3600.0),
        first=first,
        never="" if math.isfinite(first.estimate) else _never(spec, right, a_car, full, days),
        wanted=wanted,
        days=days,
        full=full,
    )


def _never(
    spec: TriggerSpec, right: estimate.Interval, fires: estimate.Interval, full: estimate.Interval | None,
    days: float | None,
) -> str:  # fmt: skip
    """Which limit of the spec cuts them off."""
    if right.estimate <= 0:
        return "no right fire was seen"
    most = spec.limits.fleet_total
    if full is not None and most is not None and (days is None or full.estimate <= 24.0 * days):
        share = right.estimate / fires.estimate
        return f"fleet_total {most:,} is reached after {full.estimate:,.0f} h, with about {most * share:,.0f} right"
    return f"it expires after {days:g} days"


def days_left(spec: TriggerSpec, start: dt.date | None) -> float | None:
    """Days from the first to the last on which it fires, both included; None where it does not expire."""
    if spec.limits.expires is None or start is None:
        return None
    return max(float((spec.limits.expires - start).days + 1), 0.0)


def kept(rate: float, spec: TriggerSpec, driven_s: float, clip_mb: float = 0.0) -> float:
    """Fires a car-day that cooldown and the daily limits leave of so many alerts.

    A cooldown is a dead time: of alerts at rate r while driving, r / (1 + r c) fire; of a Poisson number of these with
    mean m no more than the limit L are kept, E min(N, L). A limit in megabytes is one of so many clips.
    """
    if rate <= 0:
        return 0.0
    each_s = rate / max(driven_s, 1.0)
    free = rate / (1.0 + each_s * spec.fire.cooldown_s)
    limits = [spec.limits.per_car_day] if spec.limits.per_car_day else []
    if spec.limits.mb_per_car_day and clip_mb > 0:
        limits.append(int(spec.limits.mb_per_car_day / clip_mb))
    return _at_most(free, min(limits)) if limits else free


def hours_within(
    spec: TriggerSpec, wanted: int, right: estimate.Interval, fires: estimate.Interval, days: float | None
) -> estimate.Interval:
    """Hours to so many right fires, infinite where they never come: the fleet's total or the last day comes before.

    right, fires: of the fleet a day
    """
    hours, most = hours_to(wanted, right), spec.limits.fleet_total
    share = right.estimate / fires.estimate if fires.estimate > 0 else 0.0
    end = math.inf if days is None else days * 24.0
    if most is not None and wanted > most * share:
        end = 0.0
    return by(hours, end)


def by(hours: estimate.Interval, end: float) -> estimate.Interval:
    """Hours, infinite where they lie past the end."""
    return estimate.Interval(*(each if each <= end else math.inf for each in (hours.estimate, hours.low, hours.high)))


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


def through(interval: estimate.Interval, function: Callable[[float], float], *, by: bool = False) -> estimate.Interval:
    """A rising function of an interval's ends; by: times it instead."""
    ends = (interval.estimate, interval.low, interval.high)
    return estimate.Interval(
        *((end * function(end) if by else function(end)) if math.isfinite(end) else end for end in ends)
    )


def _at_most(mean: float, limit: int) -> float:
    """E min(N, limit) of a Poisson number: the sum over k < limit of P(N > k)."""
    from scipy.special import pdtrc

    return float(sum(pdtrc(k, mean) for k in range(limit)))
