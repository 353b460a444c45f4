"""A dry run at true rates beside the weighted estimate: what the estimate may have missed, and whether it did.

A weighted estimate knows the modes of false fires that were sampled. One that nobody thought of is not in it, and
nothing in it looks wrong. So alerts are also counted where nothing is forced, without labels; their number bounds
precision from below whatever there is, and where it disagrees with the estimate, an alarm is raised.

Two tests ask whether a mode was missed. The first counts alerts: of a Poisson number whose mean the estimate knows as a
gamma distribution, so many or more. It needs no look at them, and about 70 alerts to tell 30 % more from chance. The
second looks at the few alerts there were: those at nothing that was sampled are strays, a missed mode consists of
them, and an estimate that misses nothing has next to none. Given a alerts it is the exact binomial test that strays are
no more than `NEGLIGIBLE` of them; 14 alerts are enough. Their levels and that of the test for too few add up to 5 %.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from triggers.estimate.figures import foretold_by, ordinary_known
from triggers.estimate.intervals import Interval, garwood
from triggers.estimate.sample import Sample

MORE, STRAYS, FEWER = 0.01, 0.03, 0.01
"""Chances of a false alarm: that more alerts come than were foretold, that too many are strays, that fewer come."""
NEGLIGIBLE = 0.005
"""Share of alerts at nothing that was sampled, up to which nothing is said to be missed."""
MISSED = 0.3
"""Share of the alerts that a missed mode holds, which should be noticed."""
PLENTY = 400  # alerts; of more, three tenths are never taken for a hundredth


@dataclass(frozen=True, slots=True)
class Guard:
    """What a dry run says.

    car_days: how much driving it stands for; alerts: counted; foretold: by the estimate
    strays: alerts at nothing that was sampled, None where ordinary driving is one of the modes that are known
    alarm: "" or what is wrong
    precision_low: whatever was missed, precision is no lower, at 97.5 %
    power: chance that a missed mode with `MISSED` of the alerts raises the alarm; limit: chance that no test of a
        dry run of this length exceeds
    needed: car-days for a power of 0.95
    """

    car_days: float
    alerts: int
    foretold: float
    strays: int | None
    alarm: str
    precision_low: float
    power: float
    limit: float
    needed: float

    @property
    def fewer(self) -> bool:
        """Whether the alarm is that there were too few."""
        return self.alarm.startswith("fewer")

    @property
    def missed(self) -> bool:
        """Whether the alarm is that the estimate misses a mode."""
        return bool(self.alarm) and not self.fewer


def guard_of(sample: Sample, rest: int, *, car_days: float, alerts: int, strays: int) -> Guard:
    """Hold a dry run against a weighted sample; rest: its stratum of ordinary driving; strays: of the alerts."""
    known, surely = (foretold_by(sample, rest, level) for level in (0.95, 0.975))
    apart = None if ordinary_known(sample, rest) else strays
    return judge_dry_run(car_days, alerts, known.fires, surely.right, strays=apart)


def judge_dry_run(
    car_days: float, alerts: int, fires: Interval, right: Interval, *, strays: int | None = None
) -> Guard:
    """Compare a dry run with the estimate; fires: of all alerts a car-day, at 95 %; right: of right ones at 97.5 %."""
    mean, shape = fires.estimate * car_days, _shape(fires)
    at_least, at_most = _tails(alerts, mean, shape)
    astray = 1.0 if strays is None else p_strays(strays, alerts)
    alarm = ""
    if at_least <= MORE:
        alarm = "more alerts than the estimate foretells: it misses a mode of fires"
    elif astray <= STRAYS:
        alarm = "alerts at nothing that was sampled: the estimate misses a mode of fires"
    elif at_most <= FEWER:
        alarm = "fewer alerts than the estimate foretells: it overstates one"
    most, labelled = garwood(alerts, 0.975).high / car_days if car_days > 0 else math.inf, strays is not None
    return Guard(
        car_days, alerts, mean, strays, alarm,
        min(right.low / most, 1.0) if most > 0 else 0.0, power(car_days, fires, labelled=labelled),
        best_power(mean, labelled=labelled), frames_for_power(fires, labelled=labelled),
    )  # fmt: skip


def p_strays(strays: int, alerts: int) -> float:
    """The chance of at least so many strays among the alerts, where `NEGLIGIBLE` of all alerts are."""
    from scipy.special import bdtrc

    return float(bdtrc(strays - 1, alerts, NEGLIGIBLE)) if strays > 0 else 1.0


def power(car_days: float, fires: Interval, missed: float = MISSED, *, labelled: bool = True) -> float:
    """Chance, at least, that the alarm is raised where a missed mode holds this share of all alerts.

    labelled: whether strays are told from other alerts
    """
    mean = fires.estimate * car_days
    if mean <= 0:
        return 0.0
    return max(_power_of_count(mean, _shape(fires), missed), _power_of_strays(mean, missed) if labelled else 0.0)


def best_power(foretold: float, missed: float = MISSED, *, labelled: bool = True, level: float = 0.05) -> float:
    """What no test at this level exceeds, however good, where so many alerts are foretold exactly.

    Of counts alone, by Neyman and Pearson: a Poisson mean against the one that is 1 / (1 - missed) times it, drawing
    lots at the edge. With strays told apart and none where nothing is missed: an alarm at the first stray, and by lot
    where there is none.
    """
    from scipy.special import pdtr, pdtrc, pdtrik

    more = foretold / (1.0 - missed)
    if labelled:
        return 1.0 - (1.0 - level) * math.exp(-missed * more)
    if foretold <= 0:
        return level
    edge = math.ceil(float(pdtrik(1.0 - level, foretold)))  # the least count that as many or fewer are likelier than
    exactly = float(pdtr(edge, foretold) - (pdtr(edge - 1, foretold) if edge > 0 else 0.0))
    lot = min(max((level - float(pdtrc(edge, foretold))) / exactly, 0.0), 1.0)
    at_edge = float(pdtr(edge, more) - (pdtr(edge - 1, more) if edge > 0 else 0.0))
    return float(pdtrc(edge, more)) + lot * at_edge


def frames_for_power(fires: Interval, missed: float = MISSED, wanted: float = 0.95, *, labelled: bool = True) -> float:
    """Car-days after which a missed mode with this share of the alerts is noticed; infinite where it never is."""
    if not fires.estimate > 0:
        return math.inf
    low, high = 1.0 / fires.estimate, 1e5 / fires.estimate
    if power(high, fires, missed, labelled=labelled) < wanted:
        return math.inf
    for _ in range(24):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if power(middle, fires, missed, labelled=labelled) >= wanted else (middle, high)
    return high


def _power_of_count(mean: float, shape: float, missed: float) -> float:
    """Of the test by the number of alerts, so many of which are foretold."""
    from scipy.special import pdtrc

    high = int(mean + 20 * math.sqrt(mean + mean**2 / shape) + 40)
    low = 0
    while low < high:  # the fewest alerts that raise it
        middle = (low + high) // 2
        low, high = (low, middle) if _tails(middle, mean, shape)[0] <= MORE else (middle + 1, high)
    return float(pdtrc(low - 1, mean / (1.0 - missed))) if low > 0 else 1.0


def _power_of_strays(mean: float, missed: float) -> float:
    """Of the test by strays: over all numbers of alerts, the chance that so many are strays as raise it."""
    from scipy.special import bdtrc, pdtr, pdtrc

    total, alerts, least = mean / (1.0 - missed), np.arange(1, PLENTY + 1), _strays_that_alarm()
    chance = np.diff(pdtr(np.arange(PLENTY + 1), total))
    noticed = np.where(least <= alerts, bdtrc(least - 1, alerts, missed), 0.0)
    return float((chance * noticed).sum() + pdtrc(PLENTY, total))


@cache
def _strays_that_alarm() -> NDArray[np.float64]:
    """The fewest among 1 to `PLENTY` alerts, (PLENTY,); more than the alerts where no number does."""
    from scipy.special import bdtrc

    least, alerts = np.ones(PLENTY), np.arange(1, PLENTY + 1)
    while (short := (bdtrc(least - 1, alerts, NEGLIGIBLE) > STRAYS) & (least <= alerts)).any():
        least[short] += 1
    return least


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
