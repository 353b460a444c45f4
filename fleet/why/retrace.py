"""One car of a run, driven again: the world is a pure function, so it sees and says what it saw and said.

Only what the fleet told the car is taken from the run's log: which triggers the barriers closed or suspended. So the
answer is the same however the run was cut into cohorts and shards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleet.errors import NoSuchCar, NotDeployed, RunDiverged
from fleet.plan_file import load_plugins
from fleet.simulation.cohort import Cohort
from fleet.simulation.equipment import equip
from fleet.simulation.run import changes
from fleet.simulation.run_folder import RunFolder
from scenarios import TICK_US
from triggers import Explanation, Memory, Reason, SignalTable


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look of the car.

    t_us: simulated time; reason: what the run counted for it; table: what the car knew
    before: what the triggers remembered until then
    """

    t_us: int
    reason: str
    table: SignalTable
    before: dict[str, Any]


class Rerun:
    """A run, opened to drive its cars again. Raises NotARun, and RunDiverged where the build has changed since."""

    def __init__(self, folder: Path) -> None:
        run = RunFolder(folder)
        self.folder, self.plan, self.log, manifest = folder, run.plan, run.log(), run.manifest
        load_plugins(self.plan)
        self.equipment = equip(self.plan, manifest["device"])
        for name, was, now in changes(manifest, self.equipment):
            raise RunDiverged("its start", name, was, now)


class Retrace:
    """A car and a trigger of a run. Raises NoSuchCar and NotDeployed."""

    def __init__(self, run: Rerun, car: int, trigger: str) -> None:
        self.plan, self._log, self._equipment = run.plan, run.log, run.equipment
        if not 0 <= car < self.plan.cars:
            raise NoSuchCar(car, self.plan.cars)
        names = [spec.name for spec in self._equipment.specs]
        if trigger not in names:
            refused = [f"{one['package']} ({one['reason']})" for one in self._equipment.offers if not one["taken"]]
            raise NotDeployed(trigger, names, refused)
        self.car, self.trigger, self._which = car, trigger, names.index(trigger)

    @property
    def looks_us(self) -> list[int]:
        """Simulated times of all looks of the car, ascending: whenever it drives, as the run's barriers went so far."""
        every = round(self.plan.perceive_every_s * 1e6)
        end_us = self._log[-1]["barrier_us"] if self._log else self.plan.start_us
        times = np.arange(self.plan.start_us + every, end_us + 1, every)
        # Who drives is settled once a second, counted from the run's start.
        settled = (times - self.plan.start_us) // 1_000_000 * 1_000_000 + self.plan.start_us
        cars = np.full(len(times), self.car, np.uint32)
        driving = self._equipment.world.motion(cars, settled // TICK_US).driving
        found: list[int] = times[driving].tolist()
        return found

    def looks(self, until_us: int) -> Iterator[Look]:
        """The car's looks until a time, that one included."""
        cohort = Cohort.equipped(self.car, 1, self._equipment)
        barriers = iter(self._log)
        barrier = next(barriers, None)
        for t_us in self.looks_us:
            if t_us > until_us:
                return
            while barrier is not None and barrier["barrier_us"] < t_us:
                cohort.stop(barrier["closed"], barrier.get("breaker", {}).get("suspended", ()))
                barrier = next(barriers, None)
            before = cohort.memory.state()
            cohort.onboard.tick(np.array([self.car], np.uint32), np.zeros(1, np.uint16), t_us // TICK_US)
            reason = Reason(int(cohort.onboard.verdicts[0].reasons[0, self._which])).name
            yield Look(t_us, reason, cohort.onboard.tables[0], before)

    def explain(self, look: Look) -> Explanation:
        """All that decided at a look."""
        memory = Memory(self.car, 1)
        memory.restore(look.before)
        return self._equipment.loadout(memory).evaluator.explain(look.table, self.trigger)
