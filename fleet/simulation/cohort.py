"""Cars that are ticked together: a contiguous block, what its triggers remember and its open clips."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet.simulation.equipment import Equipment
from fleet.simulation.state import Arrays, FleetState
from triggers import Memory, TriggerSpec
from vehicle import Cut, Onboard


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Cars `first` and those after it.

    memory:  what its triggers remember, whatever loadout they belong to
    onboard: its computers
    """

    first: int
    cars: int
    memory: Memory
    onboard: Onboard

    @classmethod
    def equipped(cls, first: int, cars: int, equipment: Equipment) -> "Cohort":
        """A cohort with the plan's loadout; triggers.TriggerError where a spec does not fit the networks."""
        memory = Memory(first, cars)
        onboard = Onboard(equipment.world, [equipment.loadout(memory)], first_car=first, cars=cars)
        return cls(first, cars, memory, onboard)

    def tick(self, state: FleetState, tick: int) -> tuple[int, list[Cut]]:
        """Let the cars on the road look: how many looked, and their fires."""
        rows = slice(self.first - state.first, self.first - state.first + self.cars)
        driving = state.driving[rows]
        cars, loadout_of = state.cars[rows][driving], state.loadout[rows][driving]
        return len(cars), self.onboard.tick(cars, loadout_of, tick)

    def stop(self, closed: Iterable[str], suspended: Iterable[str]) -> None:
        """The fleet has enough of some triggers, and its circuit breaker has stopped others."""
        for loadout in self.onboard.loadouts:
            for trigger in closed:
                loadout.evaluator.close(trigger)
            for trigger in suspended:
                loadout.evaluator.suspend(trigger)

    def arrays(self) -> Arrays:
        """What its triggers remember, for a checkpoint."""
        return {f"cohort {self.first}/{name}": np.asarray(values) for name, values in self.memory.state().items()}

    def restore(self, arrays: Arrays, open_clips: list[list[Any]]) -> None:
        """Take over what `arrays` and the recorder's `state` gave."""
        prefix = f"cohort {self.first}/"
        self.memory.restore({name.removeprefix(prefix): v for name, v in arrays.items() if name.startswith(prefix)})
        self.onboard.recorder.restore(open_clips, self.specs)

    @property
    def specs(self) -> dict[tuple[str, int], TriggerSpec]:
        """Triggers by name and version, as recipes name them."""
        return {(spec.name, spec.version): spec for each in self.onboard.loadouts for spec in each.evaluator.specs}


def deal(first: int, cars: int, size: int) -> list[tuple[int, int]]:
    """A shard's cars in contiguous blocks of at most `size`: the first car and how many, each."""
    return [(at, min(size, first + cars - at)) for at in range(first, first + cars, size)]
