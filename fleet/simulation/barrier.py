"""Where cars meet: fleet-wide quotas, decided from sorted inputs, and what shards and coordinator tell each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from fleet.plan import RunPlan, show_clock
from fleet.simulation.breaker import Breaker, Spent
from fleet.simulation.digest import Delivered, digest
from fleet.simulation.state import Columns


class Ask(NamedTuple):
    """A fire of a trigger with a fleet-wide quota asks for its clip to be kept. Sorted: who fired first comes first."""

    tick: int
    car: int
    trigger: str
    clip: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a shard brings to a barrier.

    car_ticks, fires: counted since its process began
    asks, delivered, spent: since the last barrier
    """

    barrier_us: int
    car_ticks: int
    fires: int
    asks: Sequence[Ask]
    delivered: Sequence[Delivered]
    spent: Sequence[Spent] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the barrier tells every shard.

    granted:   clips that may be kept
    closed:    triggers that have used up their quota
    suspended: triggers that have left their forecast
    events:    what happened to the software of the fleet: (action, reason), for the table of rollouts
    """

    granted: frozenset[str] = frozenset()
    closed: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    events: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A shard has applied the decision; what it sent is acknowledged, what it knows is on disk.

    truth: rows for the examiner
    """

    barrier_us: int
    truth: Columns


@dataclass(slots=True)
class Ledger:
    """What the coordinator knows of a run, all of it in the log's entries.

    quotas: trigger → fires that the fleet may keep
    used:   trigger → fires granted so far
    before: car-ticks and fires of the processes that an interruption ended
    breaker: the evidence against triggers with a forecast
    events: what happened before the first barrier and has not been told
    told: all events that barriers have told
    """

    quotas: Mapping[str, int]
    used: dict[str, int] = field(default_factory=dict)
    before: tuple[int, int] = (0, 0)
    car_ticks: int = 0
    fires: int = 0
    delivered: list[Delivered] = field(default_factory=list)
    breaker: Breaker = field(default_factory=Breaker)
    events: tuple[tuple[str, str], ...] = ()
    told: list[tuple[str, str]] = field(default_factory=list)

    def after(self, entries: Sequence[Mapping[str, Any]]) -> Self:
        """The ledger as it stood after the last entry of a log."""
        for entry in entries:
            self.delivered += [Delivered(*one) for one in entry["delivered"]]
            self.told += [(action, reason) for action, reason in entry["events"]]
        if entries:
            last = entries[-1]
            self.used = dict(last["used"])
            self.car_ticks, self.fires = self.before = last["car_ticks"], last["fires"]
            self.breaker.restore(last["breaker"])
            self.events = ()
        return self

    @property
    def digest(self) -> str:
        """The digest over everything delivered so far."""
        return digest(self.delivered)

    def decide(self, reports: Sequence[Report]) -> tuple[Decision, dict[str, Any]]:
        """The barrier's decision and its entry in the log."""
        granted = []
        for ask in sorted(ask for report in reports for ask in report.asks):
            if self.used.get(ask.trigger, 0) < self.quotas[ask.trigger]:
                self.used[ask.trigger] = self.used.get(ask.trigger, 0) + 1
                granted.append(ask.clip)
        closed = tuple(sorted(name for name, quota in self.quotas.items() if self.used.get(name, 0) >= quota))
        new = sorted(one for report in reports for one in report.delivered)
        self.delivered += new
        looked = self.car_ticks
        self.car_ticks = self.before[0] + sum(report.car_ticks for report in reports)
        self.fires = self.before[1] + sum(report.fires for report in reports)
        suspended = self.breaker.decide(self.car_ticks - looked, [one for each in reports for one in each.spent])
        events = (*self.events, *(("suspend", f"{trigger}: {why}") for trigger, why in suspended.items()))
        self.told, self.events = [*self.told, *events], ()
        decision = Decision(frozenset(granted), closed, tuple(suspended), events)
        return decision, self._entry(reports[0].barrier_us, decision, new)

    def _entry(self, barrier_us: int, decision: Decision, new: Sequence[Delivered]) -> dict[str, Any]:
        return {
            "barrier_us": barrier_us,
            "at": show_clock(barrier_us),
            "car_ticks": self.car_ticks,
            "fires": self.fires,
            "used": dict(sorted(self.used.items())),
            "closed": list(decision.closed),
            "breaker": self.breaker.entry(),
            "events": [list(event) for event in decision.events],
            "delivered": [list(one) for one in new],
        }


def barriers_us(plan: RunPlan, after_us: int) -> list[int]:
    """The barriers after a time: one each `barrier_every_s`, and one at the end."""
    every = round(plan.barrier_every_s * 1e6)
    regular = range(plan.start_us + every, plan.end_us, every)
    return [barrier for barrier in (*regular, plan.end_us) if barrier > after_us]
