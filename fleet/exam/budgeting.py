"""Threshold, cooldown, limit and quotas that keep an upload budget, with a stated chance of exceeding it.

At each threshold the exam gives an upper limit of fires a car-day that is too low with a chance of `RISK` at most. The
walk goes from the strictest threshold to the loosest and stops before the first whose limit breaks the budget: then
looking at many thresholds costs no more risk than one ("learn then test" by a fixed sequence; Angelopoulos et al.,
2021). What cooldown and daily limit leave of a rate follows from the rate, so they bring no risk of their own. The draw
of luck of so many car-days does: it is counted in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet.errors import hint
from fleet.exam.errors import BadQuota
from fleet.exam.forecast import by, hours_to, kept, through
from fleet.exam.grading import Scored
from fleet.exam.grounds import CONDITIONS
from triggers import TriggerSpec, estimate

if TYPE_CHECKING:
    from fleet.exam.exam import Exam

RISK = 0.1
OFFERS = 64
COOLDOWNS_S = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0)
LIMITS = (20, 10, 5, 3, 2, 1)
ELSEWHERE = "elsewhere"

Floats = NDArray[np.float64]
Held = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Purse:
    """What may be spent, and on what.

    mb_per_car_day: on average over a day of all cars; clip_mb: of a clip; driven_s: in a day of a car
    cars, wanted: of the fleet, and right fires that it is to collect; days: until the trigger expires, None for never
    shares: part of the world to the share of the wanted that must come from there; empty: even, as far as it goes
    """

    mb_per_car_day: float
    clip_mb: float
    driven_s: float
    cars: int
    wanted: int
    days: float | None = None
    shares: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """One threshold, whatever the spec says besides; risky: its fires a car-day, whose upper end is at the risk."""

    threshold: float
    figures: estimate.Figures
    risky: estimate.Interval


@dataclass(frozen=True, slots=True)
class Offer:
    """One threshold: what it catches, how right it is, and what it uploads, MB a car-day; most_mb: at the risk."""

    threshold: float
    recall: estimate.Interval
    precision: estimate.Interval
    mb: estimate.Interval
    most_mb: float


@dataclass(frozen=True, slots=True)
class Quota:
    """Right fires to take from one part of the world.

    comes: the share of all right fires that comes from there of itself; hours: until there are so many
    fires: right and wrong ones until then: the `fleet_total` of a trigger for this part
    """

    count: int
    comes: float
    fires: int
    hours: estimate.Interval


@dataclass(frozen=True, slots=True)
class Budget:
    """What keeps the budget.

    offers: the frontier, strictest first; chosen: index, -1 where nothing keeps it
    cooldown_s, per_car_day: the spec's own, or what had to be tightened
    used: share of the budget that is expected to be used; hours: until every quota is full
    quotas: by part of the world, together as many as wanted
    """

    purse: Purse
    offers: tuple[Offer, ...]
    chosen: int
    cooldown_s: float
    per_car_day: int | None
    used: float
    hours: estimate.Interval
    quotas: Mapping[str, Quota]


def budget(spec: TriggerSpec, scored: Scored, purse: Purse, conditions: Held, parts: Held) -> Budget:
    """conditions: parts of the world that share the wanted fires where nobody says otherwise; parts: others that may.

    Each is (n,) bool, of the encounters. Raises BadQuota.
    """
    rates, tight = rates_of(scored), spec
    offers = frontier(spec, rates, purse)
    chosen = walk(offers, purse.mb_per_car_day)
    if chosen < 0 and rates:
        tight = tightened(spec, rates[0].risky, purse)
        offers = frontier(tight, rates, purse)
        chosen = walk(offers, purse.mb_per_car_day)
    terms = tight.fire.cooldown_s, tight.limits.per_car_day
    if chosen < 0:
        return Budget(purse, tuple(offers), -1, *terms, 0.0, _NEVER, {})
    offer = offers[chosen]
    found = shared(tight, scored, offer.threshold, purse, conditions, parts)
    hours = max((each.hours for each in found.values()), key=lambda each: (each.estimate, each.high), default=_NEVER)
    if spec.limits.fleet_total and sum(each.fires for each in found.values()) > spec.limits.fleet_total:
        hours = _NEVER
    return Budget(purse, tuple(offers), chosen, *terms, offer.mb.estimate / purse.mb_per_car_day, hours, found)


def budget_of(exam: "Exam", mb_per_car_day: float, shares: Mapping[str, float] | None = None) -> Budget:
    """The budget of a trigger that was examined; wanted, cars and days are those of the exam's order. BadQuota."""
    names = np.array([name.partition(", ")[2] for name, *_ in exam.strata])
    condition = names[exam.scored.sample.stratum]
    purse = Purse(
        mb_per_car_day, exam.clip_mb, exam.forecast.driven_s, exam.order.cars, exam.order.wanted,
        exam.forecast.days, shares,
    )  # fmt: skip
    return budget(exam.spec, exam.scored, purse, {name: condition == name for name in CONDITIONS}, exam.held)


def read_quotas(text: str, known: Collection[str] = ()) -> dict[str, float]:
    """`night=30%, rain=0.2` as shares; known: the parts there are, if that is known. Raises BadQuota."""
    found: dict[str, float] = {}
    for part in text.split(",") if text.strip() else ():
        name, sign, number = (each.strip() for each in part.partition("="))
        try:
            share = float(number.removesuffix("%")) / (100.0 if number.endswith("%") else 1.0)
        except ValueError:
            share = -1.0
        if not sign or not name or not 0.0 < share <= 1.0:
            raise BadQuota(text, f"expected `PART=SHARE`, such as `night=30%`, and this is {part.strip()!r}")
        if known and name not in known:
            raise BadQuota(text, f"no part of the world is called {name!r}{hint(name, known)}")
        found[name] = share
    if sum(found.values()) > 1.0 + 1e-9:
        raise BadQuota(text, f"the shares add up to {sum(found.values()):.0%}")
    return found


_NEVER = estimate.Interval(float("inf"), float("inf"), float("inf"))


def rates_of(scored: Scored) -> list[Rates]:
    """From the strictest threshold to the loosest; one alone where there is nothing to move."""
    found = []
    for threshold in _thresholds(scored).tolist():
        sample = scored.reaching(threshold)
        risky = estimate.figures_of(sample, rest=scored.rest, level=1.0 - 2.0 * RISK, sure=True).fires
        found.append(Rates(threshold, estimate.figures_of(sample, rest=scored.rest), risky))
    return found


def frontier(spec: TriggerSpec, rates: Sequence[Rates], purse: Purse) -> list[Offer]:
    """What each threshold offers, with the spec's cooldown and limits."""

    def left(fires: float) -> float:
        return kept(fires, spec, purse.driven_s, purse.clip_mb)

    return [
        Offer(
            each.threshold, each.figures.recall, each.figures.precision,
            through(each.figures.fires, left).times(purse.clip_mb), _most(each.risky, spec, purse),
        )
        for each in rates
    ]  # fmt: skip


def _thresholds(scored: Scored) -> Floats:
    """Where encounters' scores lie, strictest first; nowhere that ordinary driving's scores say nothing."""
    forced = scored.sample.stratum != (-1 if scored.rest is None else scored.rest)
    known = scored.score[np.isfinite(scored.score) & forced]
    if len(np.unique(known)) <= 2:
        return np.array([0.5])
    places = np.quantile(known[known >= np.quantile(known, 0.3)], np.linspace(0, 1, OFFERS))
    return np.unique(places[places >= scored.floor])[::-1]


def _most(fires: estimate.Interval, spec: TriggerSpec, purse: Purse) -> float:
    """MB a car-day that so many car-days exceed in one case of ten: both the rate and the draw of luck unkind."""
    middle, high = (kept(each, spec, purse.driven_s, purse.clip_mb) for each in (fires.estimate, fires.high))
    luck = estimate.garwood(middle * purse.cars, 1.0 - 2.0 * RISK).high / purse.cars - middle
    return (middle + float(np.hypot(high - middle, luck))) * purse.clip_mb


def walk(offers: Sequence[Offer], mb_per_car_day: float) -> int:
    """The loosest offer before the first that may break the budget; -1 where even the strictest may."""
    chosen = -1
    for i, offer in enumerate(offers):
        if offer.most_mb > mb_per_car_day:
            break
        chosen = i
    return chosen


def tightened(spec: TriggerSpec, fires: estimate.Interval, purse: Purse) -> TriggerSpec:
    """The spec with the shortest longer cooldown, or else the highest lower daily limit, with which these fires fit."""
    longer = [each for each in COOLDOWNS_S if each > spec.fire.cooldown_s]
    fewer = [each for each in LIMITS if spec.limits.per_car_day is None or each < spec.limits.per_car_day]
    candidates = [
        spec.model_copy(update={"fire": spec.fire.model_copy(update={"cooldown_s": each})}) for each in longer
    ]
    last = candidates[-1] if candidates else spec
    candidates += [last.model_copy(update={"limits": last.limits.model_copy(update={"per_car_day": n})}) for n in fewer]
    for candidate in candidates:
        if _most(fires, candidate, purse) <= purse.mb_per_car_day:
            return candidate
    return candidates[-1] if candidates else spec


def shared(
    tight: TriggerSpec, scored: Scored, threshold: float, purse: Purse, conditions: Held, parts: Held
) -> dict[str, Quota]:
    """The wanted fires shared out among parts of the world, and how long each takes. Raises BadQuota."""
    sample = scored.reaching(threshold)
    total = float(sample.weight[sample.right].sum())
    if total <= 0:
        return {}
    chosen = conditions if not purse.shares else _named(purse.shares, parts, sample)
    comes = {name: float(sample.weight[sample.right & held].sum()) / total for name, held in chosen.items()}
    counts = quotas(purse.wanted, comes)
    if purse.shares:
        counts = {name: round(share * purse.wanted) for name, share in purse.shares.items()}
        counts[ELSEWHERE] = purse.wanted - sum(counts.values())
    fires = estimate.figures_of(sample, rest=scored.rest).fires.estimate
    left = kept(fires, tight, purse.driven_s, purse.clip_mb) / max(fires, 1e-300)
    return {
        name: _quota(left, sample, scored.rest, chosen[name], count, comes[name], purse)
        for name, count in counts.items()
        if count
    }


def _named(shares: Mapping[str, float], parts: Held, sample: estimate.Sample) -> dict[str, NDArray[np.bool_]]:
    text = ", ".join(f"{name}={share:.0%}" for name, share in shares.items())
    for name in shares:
        if name not in parts:
            raise BadQuota(text, f"no part of the world is called {name!r}{hint(name, parts)}")
        if not (parts[name] & sample.right).any():
            raise BadQuota(text, f"nothing was caught in {name!r} at the threshold that keeps the budget")
    found = {name: parts[name] for name in shares}
    return {**found, ELSEWHERE: ~np.logical_or.reduce(list(found.values()))}


def _quota(
    left: float, sample: estimate.Sample, rest: int | None, held: NDArray[np.bool_], count: int, comes: float,
    purse: Purse,
) -> Quota:  # fmt: skip
    """So many right fires of one part: how long they take, and how many fires that is.

    left: the share of alerts that cooldown and limits leave of the whole's
    """
    here = estimate.figures_of(sample, rest=rest, rows=held)
    hours = by(
        hours_to(count, here.right.times(left * purse.cars)), np.inf if purse.days is None else 24.0 * purse.days
    )
    share = here.right.estimate / here.fires.estimate if here.fires.estimate > 0 else 0.0
    return Quota(count, comes, round(count / share) if share > 0 else 0, hours)


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
