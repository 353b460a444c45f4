"""The two answers of `outrider why`: one moment with all that decided, or a car's whole run in numbers."""

from collections import Counter
from dataclasses import dataclass

from fleet.errors import NeverLooked
from fleet.report import open_folder
from fleet.why.fate import Fate, fate_of
from fleet.why.retrace import Look, Rerun, Retrace
from scenarios import TICK_US
from triggers import Explanation

NEAREST = 5
MISSES = frozenset({"BELOW", "DWELLING"})


@dataclass(frozen=True, slots=True)
class Moment:
    """Why a trigger said what it said at one look.

    t_us: of the look; asked_us: what was asked for; told: the reason in a sentence; fate: of the clip, if it fired
    """

    t_us: int
    asked_us: int
    reason: str
    told: str
    seen: Explanation
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A car's whole run: looks by reason, the fires with their clips, and the looks that came nearest to a fire."""

    looks: int
    first_us: int | None
    last_us: int | None
    reasons: dict[str, int]
    fires: tuple[Moment, ...]
    nearest: tuple[Moment, ...]


def moment_of(run: Rerun, car: int, trigger: str, at_us: int) -> Moment:
    """The car's last look until a time, explained. Raises NeverLooked where it does not look around then."""
    retrace = Retrace(run, car, trigger)
    times = retrace.looks_us
    every_us = round(retrace.plan.perceive_every_s * 1e6)
    upto = [t_us for t_us in times if t_us <= at_us]
    if not upto or at_us - upto[-1] >= every_us:
        after = next((t_us for t_us in times if t_us > at_us), None)
        raise NeverLooked(car, at_us, upto[-1] if upto else None, after, (retrace.plan.start_us, retrace.plan.end_us))
    *_, last = retrace.looks(upto[-1])
    return _moment(run, retrace, last, at_us)


def summary_of(run: Rerun, car: int, trigger: str) -> Answer:
    """The car's whole run. Raises as Retrace does."""
    retrace = Retrace(run, car, trigger)
    reasons, fires, missed = Counter[str](), list[Look](), list[tuple[tuple[int, float], int, Look]]()
    times: list[int] = []
    for look in retrace.looks(retrace.plan.end_us):
        times.append(look.t_us)
        reasons[look.reason] += 1
        fires += [look] if look.reason == "FIRED" else []
        if look.reason in MISSES:
            missed = sorted([*missed, (retrace.explain(look).gap, look.t_us, look)], key=lambda each: each[:2])[
                :NEAREST
            ]
    return Answer(
        looks=len(times),
        first_us=times[0] if times else None,
        last_us=times[-1] if times else None,
        reasons=dict(reasons.most_common()),
        fires=tuple(_moment(run, retrace, look, look.t_us) for look in fires),
        nearest=tuple(_moment(run, retrace, look, look.t_us) for _, _, look in missed),
    )


def _moment(run: Rerun, retrace: Retrace, look: Look, asked_us: int) -> Moment:
    seen = retrace.explain(look)
    fate = None
    if look.reason == "FIRED":
        tables = open_folder(run.folder)
        fate = fate_of(tables, retrace.car, retrace.trigger, look.t_us // TICK_US)
        tables.db.close()
    return Moment(look.t_us, asked_us, look.reason, told(look.reason, seen), seen, fate)


def told(reason: str, seen: Explanation) -> str:
    """The reason in a sentence, with the numbers that it comes from."""
    score = "undefined" if seen.score is None else f"{seen.score:.4g}"
    held = f"{seen.active_s:g} s" if seen.active_s is not None else "0 s"
    lacking = ", ".join(part.text for part in seen.signals.values() if part.value is None)
    below = f"{score} < {seen.threshold:g}" if seen.graded else _failed(seen)
    quota = f"{seen.fires_today} of {seen.per_car_day} fires of the day are used up"
    return {
        "FIRED": f"the {seen.edge} edge fired" if seen.edge != "always" else "the condition held and fired",
        "BELOW": f"below: {below}" if seen.edge != "falling" else "the condition has not stopped holding",
        "GATED": "`when` does not hold",
        "UNDEFINED": f"undefined{': ' + lacking + ' has no value' if lacking else ''}",
        "HELD": f"this edge is used up: the condition has held for {held} and must let go first",
        "DWELLING": f"it has held for {held} of {seen.dwell_s:g} s; {seen.dwell_left_s:g} s are missing",
        "COOLDOWN": f"{seen.cooldown_left_s:g} s of the cooldown of {seen.cooldown_s:g} s were left; the edge is lost",
        "QUOTA": quota,
        "FLEET_QUOTA": "the whole fleet has kept as many clips of this trigger as it may",
        "EXPIRED": "the trigger has expired",
        "SUSPENDED": "the fleet's circuit breaker has suspended the trigger",
        "PRIVATE": "it fired where nothing may be recorded",
        "NO_BUFFER": "it fired, and the seconds before are not there: the car did not drive yet",
    }.get(reason, reason)


def _failed(seen: Explanation) -> str:
    """The comparisons that do not hold, with both their sides."""
    failed = [part for part in seen.compared if not part.value]
    sides = [tuple("undefined" if side is None else f"{side:.4g}" for side in part.operands[:2]) for part in failed]
    told_each = [f"`{part.text}` ({a} against {b})" for part, (a, b) in zip(failed, sides, strict=True)]
    return f"{', '.join(told_each)} does not hold" if told_each else "the condition does not hold"
