"""The parts of a car's outbox: how much each holds and for how long, which links carry it, and what goes first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triggers import TriggerSpec


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of every car's outbox; inf is no bound of its own.

    name: as `clip.partition` of a spec gives it
    most_bytes: what it holds of one car
    ttl_us: how long a clip waits in it before it is given up
    cellular_bytes: what one car sends of it over the cellular link on one simulated day; 0 is Wi-Fi only
    priority: the highest is sent first and given up last
    from_priority: the triggers that go here unasked are those of this priority and above
    """

    name: str
    most_bytes: float = math.inf
    ttl_us: float = math.inf
    cellular_bytes: float = math.inf
    priority: int = 0
    from_priority: int = 0

    @property
    def metered(self) -> bool:
        """Whether it has a budget for the cellular link that can be used up."""
        return 0 < self.cellular_bytes < math.inf


UNDIVIDED = (Partition("clips"),)


def partition_of(spec: TriggerSpec, partitions: Sequence[Partition]) -> Partition:
    """The partition that a spec names, else the first whose `from_priority` its priority reaches.

    Raises StopIteration where there is none, which a checked plan rules out.
    """
    named = spec.clip.partition
    return next(
        each
        for each in partitions
        if (each.name == named if named is not None else each.from_priority <= spec.priority)
    )
