"""Threshold, cooldown, limit and quotas that keep an upload budget, with a stated chance of exceeding it.

At each threshold the exam gives an upper limit of fires a car-day that is too low with a chance of `RISK` at most. The
walk goes from the strictest threshold to the loosest and stops before the first whose limit breaks the budget: then
looking at many thresholds costs no more risk than one ("learn then test" by a fixed sequence; Angelopoulos et al.,
2021). What cooldown and daily limit leave of a rate follows from the rate, so they bring no risk of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.exam.exam import Exam
from fleet.exam.findings import Rows
from fleet.exam.forecast import hours_to, kept
from fleet.exam.grounds import CONDITIONS
from triggers import TriggerSpec, estimate

RISK = 0.1
OFFERS = 24
COOLDOWNS_S = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0)
LIMITS = (20, 10, 5, 3, 2, 1)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Offer:
    """One threshold: what it catches, how right it is, and what it uploads, MB a car-day; most_mb: at the risk."""

    threshold: float
    recall: estimate.Interval
    precision: estimate.Interval
    mb: estimate.Interval
    most_mb: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What keeps the budget.

    offers: the frontier, strictest first; chosen: index, -1 where nothing keeps it
    cooldown_s, per_car_day: the spec's own, or what had to be tightened
    used: share of the budget that is expected to be used; hours: to so many right fires
    quotas: slice to right fires, together as many as wanted
    """

    mb_per_car_day: float
    offers: tuple[Offer, ...]
    chosen: int
    cooldown_s: float
    per_car_day: int | None
    used: float
    hours: estimate.Interval
    quotas: Mapping[str, int]


def budget(  # noqa: PLR0913 -- what a budget hangs on
    spec: TriggerSpec, rows: Rows, rest: int, *, mb_per_car_day: float, clip_mb: float, driven_s: float,
    cars: int, wanted: int, conditions: Mapping[str, NDArray[np.bool_]],
) -> Budget:  # fmt: skip
    """conditions: parts of the world that share the wanted fires evenly, as far as they have them; (n,) bool each."""
    offers = frontier(spec, rows, rest, clip_mb=clip_mb, driven_s=driven_s)
    chosen = walk(offers, mb_per_car_day)
    tight = spec
    if chosen < 0 and offers:
        tight = tightened(spec, offers[0].most_mb, rows, rest, mb_per_car_day, clip_mb, driven_s)
        offers = frontier(tight, rows, rest, clip_mb=clip_mb, driven_s=driven_s)
        chosen = walk(offers, mb_per_car_day)
    if chosen < 0:
        return Budget(
            mb_per_car_day, tuple(offers), -1, tight.fire.cooldown_s, tight.limits.per_car_day, 0.0, _NEVER, {}
        )
    offer = offers[chosen]
    right = _at(rows, offer.threshold, rest)
    return Budget(
        mb_per_car_day, tuple(offers), chosen, tight.fire.cooldown_s, tight.limits.per_car_day,
        offer.mb.estimate / mb_per_car_day, hours_to(wanted, right.right.times(cars)),
        quotas(wanted, {name: _share(rows, offer.threshold, inside) for name, inside in conditions.items()}),
    )  # fmt: skip


def budget_of(exam: Exam, mb_per_car_day: float) -> Budget:
    """The budget of a trigger that was examined; wanted and cars are those of the exam's order."""
    names = np.array([name.partition(", ")[2] for name, *_ in exam.strata])
    condition = names[exam.rows.sample.stratum]
    return budget(
        exam.spec, exam.rows, exam.rest, mb_per_car_day=mb_per_car_day, clip_mb=exam.clip_mb,
        driven_s=exam.cost["looks_per_car_day"] * exam.order.every_s, cars=exam.order.cars, wanted=exam.order.wanted,
        conditions={name: condition == name for name in CONDITIONS},
    )  # fmt: skip


_NEVER = estimate.Interval(float("inf"), float("inf"), float("inf"))


def frontier(spec: TriggerSpec, rows: Rows, rest: int, *, clip_mb: float, driven_s: float) -> list[Offer]:
    """Offers from the strictest threshold to the loosest; one alone where there is nothing to move."""
    known = rows.score[np.isfinite(rows.score)]
    places = np.quantile(known[known >= np.quantile(known, 0.3)], np.linspace(0, 1, OFFERS)) if len(known) else [0.5]
    values = np.unique(places)[::-1] if len(np.unique(known)) > 2 else np.array([0.5])

    def mb(interval: estimate.Interval) -> estimate.Interval:
        ends = (interval.estimate, interval.low, interval.high)
        return estimate.Interval(*(kept(each, spec, driven_s) * clip_mb for each in ends))

    offers = []
    for threshold in values.tolist():
        figures, risky = _at(rows, threshold, rest), _at(rows, threshold, rest, level=1.0 - 2.0 * RISK, sure=True)
        most = mb(risky.fires).high
        offers.append(Offer(threshold, figures.recall, figures.precision, mb(figures.fires), most))
    return offers


def walk(offers: Sequence[Offer], mb_per_car_day: float) -> int:
    """The loosest offer before the first that may break the budget; -1 where even the strictest may."""
    chosen = -1
    for i, offer in enumerate(offers):
        if offer.most_mb > mb_per_car_day:
            break
        chosen = i
    return chosen


def tightened(
    spec: TriggerSpec, most_mb: float, rows: Rows, rest: int, mb_per_car_day: float, clip_mb: float, driven_s: float
) -> TriggerSpec:
    """The spec with the shortest cooldown, or else the highest daily limit, with which the strictest threshold fits."""
    if most_mb <= mb_per_car_day:
        return spec
    longer = [each for each in COOLDOWNS_S if each > spec.fire.cooldown_s]
    fewer = [each for each in LIMITS if spec.limits.per_car_day is None or each < spec.limits.per_car_day]
    candidates = [
        spec.model_copy(update={"fire": spec.fire.model_copy(update={"cooldown_s": each})}) for each in longer
    ]
    last = candidates[-1] if candidates else spec
    candidates += [last.model_copy(update={"limits": last.limits.model_copy(update={"per_car_day": n})}) for n in fewer]
    for candidate in candidates:
        if walk(frontier(candidate, rows, rest, clip_mb=clip_mb, driven_s=driven_s), mb_per_car_day) >= 0:
            return candidate
    return candidates[-1] if candidates else spec


def quotas(wanted: int, shares: Mapping[str, float]) -> dict[str, int]:
    """So many fires over parts that come at these rates: evenly, but none more than twice what comes of itself.

    What one part may not take, the others share.
    """
    total = sum(shares.values())
    left, open_ = float(wanted), {name: 2.0 * share / total * wanted for name, share in shares.items() if share > 0}
    given: dict[str, int] = {}
    for name, most in sorted(open_.items(), key=lambda each: each[1]):
        even = left / (len(open_) - len(given))
        given[name] = round(min(even, most))
        left -= given[name]
    return given


def _at(
    rows: Rows, threshold: float, rest: int, level: float = estimate.LEVEL, *, sure: bool = False
) -> estimate.Figures:
    reaches = np.nan_to_num(rows.score, nan=-np.inf) >= threshold
    event = rows.sample.event
    sample = replace(rows.sample, right=event & reaches, wrong=(reaches & ~event).astype(np.float64))
    return estimate.figures_of(sample, rest=rest, level=level, sure=sure)


def _share(rows: Rows, threshold: float, inside: NDArray[np.bool_]) -> float:
    reaches = np.nan_to_num(rows.score, nan=-np.inf) >= threshold
    return float(rows.sample.weight[reaches & rows.sample.event & inside].sum())
