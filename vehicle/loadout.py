"""What a car runs: one immutable thing that many cars share."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios import TICK_US
from triggers import Evaluator, Memory, TriggerSpec
from vehicle.networks import Network
from vehicle.signals import column_types
from vehicle.units import column_units


@dataclass(frozen=True, slots=True, eq=False)
class Loadout:
    """The software of a car.

    name: as in plans and tables
    production: the network that drives
    shadows: candidates, which only watch
    evaluator: the triggers, and what they remember
    """

    name: str
    production: Network
    shadows: tuple[Network, ...]
    evaluator: Evaluator

    @classmethod
    def equip(
        cls,
        name: str,
        production: Network,
        shadows: Sequence[Network],
        specs: Sequence[TriggerSpec],
        memory: Memory,
        *,
        today: dt.date | None = None,
    ) -> "Loadout":
        """A loadout from its parts; triggers.TriggerError where a spec asks for what these networks do not give.

        today: the date of midnight before tick 0, against which specs expire (None: they do not).
        """
        columns, units = column_types(production, shadows), column_units(production)
        evaluator = Evaluator(
            specs, memory, tick_us=TICK_US, columns=columns, units=units, backbone=production.backbone, today=today
        )
        return cls(name, production, tuple(shadows), evaluator)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Production first, then the shadows."""
        return (self.production, *self.shadows)
