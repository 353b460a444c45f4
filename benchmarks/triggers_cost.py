"""What triggers cost a tick, against the same tick without any; one line of JSON.

CPU time of this process, over 1,000 cars that look once a second, with windows that are full:

- `hundred_over_tick`: 100 triggers, most of which look back, over painting, the production network and the table;
- `probe_over_tick`: one probe on the backbone's features over the same;
- `us_per_trigger_car_tick`: what one of the hundred costs for a car and look;
- `bytes_per_trigger_car`: what one of the hundred remembers of a car.
"""

import json
import statistics
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from fleet.measured import Figure, told
from instruments.process import cpu_us
from scenarios import TICK_US, open_world
from triggers import Evaluator, Memory, SignalTable, TriggerSpec
from triggers.probe import Probe, Readout
from vehicle import Loadout, Onboard, load_network
from vehicle.signals import column_types
from vehicle.units import column_units

PRODUCTION, CARS, ROUNDS, TICK = "hydranet-v1", 1000, 3, 702_000
CONDITIONS = (
    "Vehicle.Speed > {n} km/h",
    "Vehicle.Acceleration.Longitudinal < -{n} m/s^2 for 0.5 s",
    "max(Vehicle.Speed over 5 s) - min(Vehicle.Speed over 5 s) > {n} km/h",
    "near(lane.offset_m, 0.3 m, 0.1 m) and Vehicle.IsMoving",
    "count(lead > 0.5 over 10 s) >= 3",
    "abs(rate(lane.heading_deg over 2 s)) > {n} degrees/s",
    "warning_lamp > 0.{n} and warning_lamp.lit > 0.5",
    "percentile(weather.rain over 5 s, 90) > {n} percent",
    "mean(pedestrians.main > 0.5 over 3 s) > 0.{n} or path_pedestrian > 0.9",
    "changed(Vehicle.IsMoving over 4 s) and was(lead, 2 s) > 0.{n}",
)


def hundred() -> list[TriggerSpec]:
    """Ten of each condition, half of them behind a gate."""
    told = [(i, text) for i in range(10) for text in CONDITIONS]
    return [
        TriggerSpec.model_validate({
            "name": f"t{k}", "kind": "expression", "params": {"fire_when": text.format(n=i + 1)},
            "when": "Vehicle.IsMoving" if i % 2 else None, "fire": {"cooldown_s": 30, "dwell_s": 0.5 * (i % 3)},
            "limits": {"per_car_day": 5},
        })
        for k, (i, text) in enumerate(told)
    ]  # fmt: skip


def probe(folder: Path, width: int, backbone: str) -> TriggerSpec:
    """A probe on so many features."""
    ramp = np.linspace(-1, 1, width)
    Probe(
        mean=ramp, scale=np.ones(width), readout=Readout(ramp, 0.0), calibration=np.array([1.0, 0.0]),
        threshold=0.9, backbone=backbone,
    ).save(folder / "probe.safetensors")  # fmt: skip
    return TriggerSpec(name="probe", kind="probe", params={"weights": str(folder / "probe.safetensors")})


class Watch:
    """An evaluator whose windows are full, and what it costs a tick."""

    def __init__(self, specs: list[TriggerSpec], loadout: Loadout, table: SignalTable) -> None:
        self.memory, self.table, self.tick = Memory(0, CARS), table, TICK
        production = loadout.production
        self.evaluator = Evaluator(
            specs, self.memory, tick_us=TICK_US, columns=column_types(production), units=column_units(production),
            backbone=production.backbone,
        )  # fmt: skip
        for _ in range(15):
            self.look()

    def look(self) -> None:
        """One look of all cars, a second after the last."""
        self.tick += 10
        self.evaluator.observe(replace(self.table, tick=self.tick))

    def cost_us(self) -> float:
        """CPU time of a look, the median of a few."""
        return statistics.median(cpu_us(self.look) for _ in range(5))


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    production = load_network(PRODUCTION)
    world = open_world("rainy_city", seed=7, cars=CARS)
    loadout = Loadout.equip("bare", production, [], [], Memory(0, CARS))
    onboard, cars = Onboard(world, [loadout], first_car=0, cars=CARS), np.arange(CARS, dtype=np.uint32)
    onboard.see(loadout, cars[:32], TICK)  # the first pictures warm up
    table = onboard.see(loadout, cars[:32], TICK)
    table = SignalTable(
        cars, TICK, {name: np.resize(column, CARS) for name, column in table.columns.items()},
        np.resize(table.embedding, (CARS, table.embedding.shape[1])),
        {name: np.resize(valid, CARS) for name, valid in table.valid.items()}, table.backbone,
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        watches = (
            Watch(hundred(), loadout, table),
            Watch([probe(Path(folder), table.embedding.shape[1], production.backbone)], loadout, table),
        )
    ratios: tuple[list[float], list[float]] = ([], [])
    each_us: list[float] = []
    for turn in range(ROUNDS):
        tick_us = cpu_us(lambda at=TICK + 10 * turn: onboard.see(loadout, cars[:200], at)) * CARS / 200  # type: ignore[misc]
        costs = [watch.cost_us() for watch in watches]
        for samples, cost in zip(ratios, costs, strict=True):
            samples.append(cost / tick_us)
        each_us.append(costs[0] / len(watches[0].evaluator.specs) / CARS)
    kept = sum(values.nbytes for name, values in watches[0].memory.state().items() if "/counts" not in name)
    bare = "the same tick without triggers"
    figures = [
        Figure.of("hundred_over_tick", ratios[0], 0.05, bare),
        Figure.of("probe_over_tick", ratios[1], 0.01, bare),
        Figure.of("us_per_trigger_car_tick", each_us),
        Figure("bytes_per_trigger_car", kept / 100 / CARS),
    ]
    print(json.dumps(told("triggers", figures)))


if __name__ == "__main__":
    main()
