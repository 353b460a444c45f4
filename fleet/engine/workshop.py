"""The whole of `outrider train`: from a command to a network's folder, with its card."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
import torch

from fleet.engine.cards import markdown
from fleet.engine.figures import EVERYWHERE, Figures, evaluate
from fleet.engine.interference import interference, write_interference
from fleet.engine.sampling import CARS, EVERYTHING, HEAVY_RAIN_AT_NIGHT, Sampler, Strata
from fleet.engine.training import Schedule, train_heads, train_hydranet
from scenarios import Draws, open_world
from vehicle import TASKS, HydraNet, Task, load_task

log = structlog.get_logger()

UNSEEN = 1_000_003  # added to the seed of a world to measure on
Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to make.

    name, version: for the card; out: the folder
    world, seed: what to learn from; measured on a world of another seed
    schedule: how long; measure_on: moments
    threads: of torch; another number gives other last bits
    command: as the user wrote it, for the card
    """

    name: str
    version: int
    out: Path
    world: str
    seed: int
    schedule: Schedule
    measure_on: int
    threads: int
    command: str


def make_hydranet(order: Order, tasks: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Train a network from nothing on these tasks, measure it, write its folder; the card."""
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    sampler = _sampler(order, EVERYTHING)
    network, steps = train_hydranet(_named(tasks), sampler, order.schedule, seed=order.seed, progress=progress)
    return _deliver(order, network, learnt=list(network.tasks), steps=steps, minutes=_minutes_since(begun))


def make_candidate(
    order: Order, base: str, tasks: Sequence[str], progress: Progress, *, strata: Strata = HEAVY_RAIN_AT_NIGHT
) -> dict[str, Any]:
    """Train some heads of a network, new ones or its own, measure, write its folder; the card.

    tasks: names, or files of tasks that need not be known otherwise; strata: the moments it learns from. Raises
    UnknownTask, BadTask, ForeignTask.
    """
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    network = HydraNet.load(base)
    torch.manual_seed(order.seed)
    learnt = [_asked(network, task) for task in tasks]
    steps = train_heads(network, learnt, _sampler(order, strata), order.schedule, progress=progress)
    return _deliver(order, network, base=base, learnt=learnt, steps=steps, minutes=_minutes_since(begun))


def make_interference(order: Order, tasks: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Train one network for all these tasks and one for each, compare them, write the table; what was found."""
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    seen, unseen = _sampler(order, EVERYTHING), _sampler(order, EVERYTHING, order.seed + UNSEEN)
    found = interference(
        _named(tasks), seen, unseen, order.schedule, seed=order.seed, cars=order.measure_on, progress=progress
    )
    steps = {"steps": order.schedule.steps, "minutes": _minutes_since(begun)}
    told = {**_circumstances(order), **steps, "tasks": found}
    write_interference(order.out, told)
    return told


def _named(tasks: Sequence[str]) -> dict[str, Task]:
    """Tasks by name; all that ship where none is named."""
    loaded = [(name, load_task(name)) for name in tasks or TASKS]
    return {task.spec.name if task.spec else name: task for name, task in loaded}


def _asked(network: HydraNet, name_or_file: str) -> str:
    """The name of a task that the network now has a head for."""
    if name_or_file in network.tasks:
        return name_or_file
    ((name, task),) = _named([name_or_file]).items()
    network.add_head(name, task)
    return name


def _deliver(order: Order, network: HydraNet, base: str | None = None, **told: Any) -> dict[str, Any]:
    """Measure, write the folder and its card; told: what else the card says."""
    told = {"base": base, **_circumstances(order), **told, "figures": _measure(order, network)}
    card = network.eval().save(order.out, name=order.name, version=order.version, told=told, base=base)
    (order.out / "card.md").write_text(markdown(card), encoding="utf-8")
    log.info("network_written", folder=str(order.out), backbone=card["backbone"], minutes=told["minutes"])
    return card


def _circumstances(order: Order) -> dict[str, Any]:
    return {
        "command": order.command,
        "world": order.world,
        "seed": order.seed,
        "batch": order.schedule.batch,
        "threads": order.threads,
        "measured_on": order.measure_on,
        "measured_seed": order.seed + UNSEEN,
    }


def _measure(order: Order, network: HydraNet) -> dict[str, Figures]:
    """Slice to figures, on cars that it has not learnt from; heavy rain at night is sought, for it is rare."""
    unseen = _sampler(order, EVERYTHING, order.seed + UNSEEN)
    rough = replace(unseen, only=HEAVY_RAIN_AT_NIGHT[0][0])
    (figures,) = evaluate([network], unseen, cars=order.measure_on)
    (in_it,) = evaluate([network], rough, cars=order.measure_on // 4)
    return {**figures, "heavy_rain_at_night": in_it[EVERYWHERE]}


def _minutes_since(begun: float) -> float:
    return round((time.monotonic() - begun) / 60, 2)


def _sampler(order: Order, strata: Strata, seed: int | None = None) -> Sampler:
    chosen = order.seed if seed is None else seed
    return Sampler(open_world(order.world, seed=chosen, cars=CARS), CARS, Draws(chosen), strata)
