"""What a car runs: one immutable thing that many cars share."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios import TICK_US
from triggers import Evaluator, Memory, TriggerError, TriggerSpec
from vehicle.errors import NoViewer
from vehicle.from_above import TOP_DOWN, column_types_above, column_units_above
from vehicle.networks import Network
from vehicle.privacy import HOMES_ONLY, Privacy
from vehicle.signals import column_types
from vehicle.top_down import NO_SIGHT, Sight, must_fit
from vehicle.units import column_units


@dataclass(frozen=True, slots=True, eq=False)
class Loadout:
    """The software of a car.

    name: as in plans and tables
    production: the network that drives
    shadows: candidates, which only watch
    evaluator: the triggers, and what they remember
    sight: what makes maps of production's features; most cars have none
    privacy: what a car keeps to itself
    """

    name: str
    production: Network
    shadows: tuple[Network, ...]
    evaluator: Evaluator
    sight: Sight = NO_SIGHT
    privacy: Privacy = HOMES_ONLY

    @classmethod
    def equip(
        cls,
        name: str,
        production: Network,
        shadows: Sequence[Network],
        specs: Sequence[TriggerSpec],
        memory: Memory,
        *,
        sight: Sight = NO_SIGHT,
        today: dt.date | None = None,
    ) -> "Loadout":
        """A loadout from its parts.

        today: the date of midnight before tick 0, against which specs expire (None: they do not).
        triggers.TriggerError where a spec asks for what these networks and viewers do not give, NoViewer where it asks
        for a map and there is none, ForeignBackbone where a viewer needs other features than production's.
        """
        for viewer in sight.viewers:
            must_fit(viewer, production.backbone)
        columns, units = column_types(production, shadows), column_units(production)
        try:
            evaluator = Evaluator(
                specs, memory, tick_us=TICK_US, backbone=production.backbone, today=today,
                columns=columns | column_types_above(sight), units=units | column_units_above(sight),
            )  # fmt: skip
        except TriggerError as error:
            if TOP_DOWN in str(error) and not sight.viewers:
                raise NoViewer(error) from error
            raise
        return cls(name, production, tuple(shadows), evaluator, sight)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Production first, then the shadows."""
        return (self.production, *self.shadows)
