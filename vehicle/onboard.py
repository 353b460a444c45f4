"""One tick of a cohort, from light to clip. Read first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios import World
from triggers import SignalTable, Verdicts
from vehicle.from_above import from_above
from vehicle.loadout import Loadout
from vehicle.lookback import Lookback
from vehicle.perceive import perceive
from vehicle.recorder import Cut, Recorder, with_buffer
from vehicle.shadow import Tally, disagreement, side_by_side
from vehicle.signals import tabulate


class Onboard:
    """The computers of a cohort's cars, `first_car` and those after it."""

    def __init__(self, world: World, loadouts: Sequence[Loadout], *, first_car: int, cars: int) -> None:
        self.world, self.loadouts = world, list(loadouts)
        self.recorder, self.tally = Recorder(), Tally(first_car, cars)
        self.lookback = Lookback(world, self.loadouts[0].privacy)
        self.tables: list[SignalTable] = []
        self.verdicts: list[Verdicts] = []

    def tick(self, cars: NDArray[np.uint32], loadout_of: NDArray[np.uint16], tick: int) -> list[Cut]:
        """The fires of one tick; cars: (n,) those on the road, ascending; loadout_of: (n,) index into `loadouts`.

        `tables` is then what the cars knew, `verdicts` what their triggers said of it; `recorder.due(tick)` gives the
        clips whose last tick has passed.
        """
        self.tables, self.verdicts, cuts = [], [], []
        for i in np.unique(loadout_of):
            cuts += self._tick_alike(self.loadouts[i], cars[loadout_of == i], tick)
        return sorted(cuts, key=lambda cut: (cut.car, cut.spec.name))

    def _tick_alike(self, loadout: Loadout, cars: NDArray[np.uint32], tick: int) -> list[Cut]:
        table, evaluator = self.see(loadout, cars, tick), loadout.evaluator
        verdicts = loadout.privacy.kept(self.world, evaluator.observe(table), evaluator)
        self.tables.append(table)
        self.verdicts.append(with_buffer(self.world, verdicts, evaluator))
        return self.recorder.record(self.verdicts[-1], evaluator.specs)

    def see(self, loadout: Loadout, cars: NDArray[np.uint32], tick: int) -> SignalTable:
        """What cars of one loadout know at a tick: all that their triggers may look at."""
        frames = self.world.frames(cars, tick)
        production, *shadows = perceive(loadout.networks, frames, loadout.sight.viewers)
        maps = self.lookback.fuse(loadout.sight, loadout.production, frames, production.looks)
        above = from_above(loadout.sight, len(cars), maps)
        compared = dict(above.compared)
        for candidate, shadow in zip(loadout.shadows, shadows, strict=True):
            compared[candidate.name] = disagreement(production, shadow)
        for watching, found in compared.items():
            self.tally.add(watching, cars, found)
        return tabulate(tick, self.world, frames, production, above.columns | side_by_side(compared))
