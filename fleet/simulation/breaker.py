"""The fleet's circuit breaker: a trigger that goes above its forecast is suspended everywhere, at a barrier.

The test may be read after every barrier, for ever: it is an e-process (Ramdas, Grünwald, Vovk and Shafer 2023,
"Game-theoretic statistics and safe anytime-valid inference", section 3). Say the forecast's high end is h a car-day and
the fleet has driven for D car-days. X is what one car did in one interval between barriers, 0 or more. For any
stake s > 0,

    E(s) = product over cars and intervals of (1 + s X)  times  exp(-s h D)

is expected to stay below 1 where the fleet's mean is at most h: 1 + s m <= exp(s m) for every mean m. Nothing is
assumed of the shape of X, so a car's burst of fires in one interval, or one huge clip, is no surprise by itself. The
mean over STAKES is such a process too, and by Ville's inequality (1939) it ever reaches 1/alpha with probability at
most alpha. What it does assume: cars are independent given the past, and the fleet's mean for what it drives is at
most h.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from triggers import TriggerSpec
from vehicle import Cut

STAKES = tuple(2.0**power for power in range(-8, 7))
MEASURES = ("fires", "mb")
MEGABYTE = 1_000_000


class Spent(NamedTuple):
    """What a trigger cost one car since the last barrier: fires, and bytes that it put into the outbox."""

    trigger: str
    car: int
    fires: int
    nbytes: int


class Spending:
    """Counts what the triggers with a forecast cost each car of a shard, between barriers."""

    def __init__(self, watched: Iterable[str]) -> None:
        self._watched = frozenset(watched)
        self._spent: dict[tuple[str, int], list[int]] = {}

    def fired(self, cuts: Iterable[Cut]) -> None:
        """Note fires."""
        for cut in cuts:
            self._add(cut, 1, 0)

    def queued(self, cut: Cut, nbytes: int) -> None:
        """Note a clip."""
        self._add(cut, 0, nbytes)

    def take(self) -> tuple[Spent, ...]:
        """Everything since the last take, sorted."""
        spent, self._spent = self._spent, {}
        return tuple(Spent(*key, *counts) for key, counts in sorted(spent.items()))

    def facts(self) -> list[list[Any]]:
        """What has not been taken, for a checkpoint."""
        return [[*key, *counts] for key, counts in sorted(self._spent.items())]

    def restore(self, facts: Iterable[Sequence[Any]]) -> None:
        """Take over what `facts` gave."""
        self._spent = {(trigger, car): [fires, nbytes] for trigger, car, fires, nbytes in facts}

    def _add(self, cut: Cut, fires: int, nbytes: int) -> None:
        if cut.spec.name in self._watched:
            counts = self._spent.setdefault((cut.spec.name, cut.car), [0, 0])
            counts[0] += fires
            counts[1] += nbytes


@dataclass(slots=True)
class Evidence:
    """What speaks against one trigger.

    car_ticks: looks of all cars while it was watched; total: fires and megabytes until now
    won:       measure → for each stake, the sum of log(1 + stake X)
    """

    car_ticks: int = 0
    total: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MEASURES, 0.0))
    won: dict[str, list[float]] = field(default_factory=lambda: {name: [0.0] * len(STAKES) for name in MEASURES})

    def add(self, looks: int, spent: Iterable[Spent]) -> None:
        """One interval between barriers: looks of all cars, and what it cost each, in the order of the cars."""
        self.car_ticks += looks
        for one in spent:
            for name, x in zip(MEASURES, (float(one.fires), one.nbytes / MEGABYTE), strict=True):
                self.total[name] += x
                self.won[name] = [w + math.log1p(s * x) for w, s in zip(self.won[name], STAKES, strict=True)]

    def log_e(self, measure: str, foretold: float) -> float:
        """The log of the e-process; foretold: the most that the forecast allows for what was driven."""
        logs = [won - stake * foretold for won, stake in zip(self.won[measure], STAKES, strict=True)]
        most = max(logs)
        return most + math.log(sum(math.exp(each - most) for each in logs) / len(STAKES))


@dataclass(slots=True)
class Breaker:
    """The evidence against every trigger that has a forecast; decides at barriers, the same whatever the shards.

    specs:     the triggers with a forecast; look_s: seconds between two looks of a car
    alpha:     how likely a trigger that keeps to its forecast is ever suspended, at most
    evidence:  by trigger
    suspended: trigger → why
    """

    specs: Sequence[TriggerSpec] = ()
    look_s: float = 1.0
    alpha: float = 0.001
    evidence: dict[str, Evidence] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)

    def decide(self, looks: int, spent: Iterable[Spent]) -> dict[str, str]:
        """Weigh one interval; what is newly suspended, trigger → why."""
        by_trigger: dict[str, list[Spent]] = {}
        for one in sorted(spent):
            by_trigger.setdefault(one.trigger, []).append(one)
        new = {}
        for spec in self.specs:
            if spec.name not in self.suspended:
                evidence = self.evidence.setdefault(spec.name, Evidence())
                evidence.add(looks, by_trigger.get(spec.name, ()))
                if why := self._why(spec, evidence):
                    new[spec.name] = why
        self.suspended |= new
        return new

    def entry(self) -> dict[str, Any]:
        """Everything, in plain numbers and words, for the run's log."""
        watched = {
            name: {"car_ticks": each.car_ticks, **each.total, "won": each.won}
            for name, each in sorted(self.evidence.items())
        }
        return {"watched": watched, "suspended": dict(sorted(self.suspended.items()))}

    def restore(self, entry: Mapping[str, Any]) -> None:
        """Take over what `entry` gave."""
        self.suspended = dict(entry["suspended"])
        self.evidence = {
            name: Evidence(
                each["car_ticks"], {m: each[m] for m in MEASURES}, {m: list(each["won"][m]) for m in MEASURES}
            )
            for name, each in entry["watched"].items()
        }

    def _why(self, spec: TriggerSpec, evidence: Evidence) -> str:
        """The measure that left the forecast, with the values that decided; empty where none has."""
        forecast = spec.forecast
        if forecast is None:
            return ""
        car_days = evidence.car_ticks * self.look_s / 3600 / forecast.driving_h
        bounds = {"fires": forecast.fires_per_car_day, "mb": forecast.mb_per_car_day}
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        for name, (_, high) in known.items():
            log_e = evidence.log_e(name, high * car_days)
            if log_e >= math.log(len(known) / self.alpha):
                return (
                    f"{evidence.total[name]:.6g} {name} in {car_days:.4g} car-days, and the forecast allows "
                    f"{high:.6g} a car-day ({high * car_days:.4g}); evidence 10^{log_e / math.log(10):.1f} to 1"
                )
        return ""
