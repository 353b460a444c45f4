"""The whole of `outrider train`: from a command to a network's folder, with its card."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
import torch

from fleet.engine.cards import markdown
from fleet.engine.figures import Figures, evaluate
from fleet.engine.sampling import CARS, EVERYTHING, HEAVY_RAIN_AT_NIGHT, Sampler, Strata, Stratum
from fleet.engine.training import Schedule, train_heads, train_hydranet
from scenarios import Draws, open_world
from vehicle import TASKS, HydraNet

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


def make_hydranet(order: Order, progress: Progress) -> dict[str, Any]:
    """Train a network from nothing, measure it, write its folder; the card."""
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    sampler = _sampler(order, EVERYTHING)
    network, steps = train_hydranet(TASKS, sampler, order.schedule, seed=order.seed, progress=progress)
    return _deliver(order, network, learnt=list(TASKS), steps=steps, minutes=_minutes_since(begun))


def make_candidate(order: Order, base: str, tasks: tuple[str, ...], progress: Progress) -> dict[str, Any]:
    """Fine-tune some heads of a network on heavy rain at night, measure, write its folder; the card."""
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    network = HydraNet.load(base)
    chosen = {name: TASKS[name] for name in tasks}
    steps = train_heads(network, chosen, _sampler(order, HEAVY_RAIN_AT_NIGHT), order.schedule, progress=progress)
    return _deliver(order, network, base=base, learnt=list(tasks), steps=steps, minutes=_minutes_since(begun))


def _deliver(order: Order, network: HydraNet, base: str | None = None, **told: Any) -> dict[str, Any]:
    """Measure, write the folder and its card; told: what else the card says."""
    told |= {
        "base": base,
        "command": order.command,
        "world": order.world,
        "seed": order.seed,
        "batch": order.schedule.batch,
        "threads": order.threads,
        "measured_on": order.measure_on,
        "measured_seed": order.seed + UNSEEN,
        "figures": _measure(order, network),
    }
    card = network.eval().save(order.out, name=order.name, version=order.version, told=told, base=base)
    (order.out / "card.md").write_text(markdown(card), encoding="utf-8")
    log.info("network_written", folder=str(order.out), backbone=card["backbone"], minutes=told["minutes"])
    return card


def _measure(order: Order, network: HydraNet) -> dict[str, Figures]:
    """Slice to figures, on cars that it has not learnt from."""
    everywhere = _sampler(order, EVERYTHING, order.seed + UNSEEN)
    slices: dict[str, Stratum | None] = {"everywhere": None, "heavy_rain_at_night": HEAVY_RAIN_AT_NIGHT[0][0]}
    tasks = {name: TASKS[name] for name in network.tasks}
    return {
        name: evaluate(network, tasks, replace(everywhere, only=only), cars=order.measure_on)
        for name, only in slices.items()
    }


def _minutes_since(begun: float) -> float:
    return round((time.monotonic() - begun) / 60, 2)


def _sampler(order: Order, strata: Strata, seed: int | None = None) -> Sampler:
    chosen = order.seed if seed is None else seed
    return Sampler(open_world(order.world, seed=chosen, cars=CARS), CARS, Draws(chosen), strata)
