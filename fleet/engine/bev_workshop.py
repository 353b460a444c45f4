"""The whole of `outrider train bev`: from a command to two folders, a BEV net and its twin without memory."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from fleet.engine.bev_figures import figures_of, thresholds_of
from fleet.engine.bev_training import train_bev
from fleet.engine.cards import bev_markdown
from fleet.engine.footage import Footage, Scenes, film
from fleet.engine.sampling import CARS
from fleet.engine.training import Schedule
from fleet.engine.workshop import UNSEEN
from scenarios import ROADS, Rig, open_world
from vehicle import BevNet, load_network, save_bev

log = structlog.get_logger()

WORLDS = {"all_weather": 0.6, "rainy_city": 0.2, "parking_lot": 0.2}
"""Where drives are filmed, and the share of each."""
SLICES: dict[str, Callable[[Mapping[str, NDArray[Any]]], NDArray[np.bool_]]] = {
    "dry_day": lambda moment: (moment["night"] < 0.3) & (moment["rain"] < 0.1),
    "night": lambda moment: moment["night"] > 0.5,
    "heavy_rain": lambda moment: moment["rain"] > 0.5,
    "snow": lambda moment: moment["snow"] > 0.1,
    "fog": lambda moment: moment["fog"] > 0.2,
    **{road: lambda moment, road=road: moment["road"] == road for road in ROADS},  # type: ignore[misc]
}
"""Of drives, by their last moment."""
LOOKS = 6  # of a drive
RATE = 3e-3
TWIN = "-single"

Progress = Callable[[int, float], None]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BevOrder:
    """What to make.

    name, version: for the card; out: the folder; its twin's has TWIN at the end, as its name has
    network: whose eyes it uses
    seed: of the worlds to learn from, and of the first weights; measured on worlds of another seed
    drives, steps, batch: how many to film, how many batches to learn from, drives in each
    measure_on: drives; threads: of torch; command: as the user wrote it
    """

    name: str
    version: int
    out: Path
    network: str
    seed: int
    drives: int
    steps: int
    batch: int
    measure_on: int
    threads: int
    command: str


def make_bev(order: BevOrder, filmed: Told, progress: Progress) -> dict[str, dict[str, Any]]:
    """Film, train, measure and write both; name to card."""
    torch.set_num_threads(order.threads)
    begun, cpu = time.monotonic(), time.process_time()
    network = load_network(order.network)
    with tempfile.TemporaryDirectory(prefix="outrider-bev-") as scratch:
        learnt, _, rig = _film(order, order.seed, order.drives, Path(scratch), filmed)
        nets = {order.name: _net(order.seed), order.name + TWIN: _net(order.seed, looks=0)}
        schedule = Schedule(order.steps, order.batch, RATE)
        train_bev([*nets.values()], learnt, rig, schedule, seed=order.seed, progress=progress)
        known = learnt.some(order.measure_on)
        thresholds = {name: thresholds_of(net, known, rig) for name, net in nets.items()}
        unseen, slices, _ = _film(order, order.seed + UNSEEN, order.measure_on, Path(scratch) / "unseen", filmed)
        figures = {name: figures_of(net, unseen, rig, thresholds[name], slices) for name, net in nets.items()}
    size = {"cameras": len(rig.cameras), "height": rig.height, "width": rig.width}
    made = {
        "version": order.version, "backbone": network.backbone, "input": size, **_circumstances(order),
        "minutes": round((time.monotonic() - begun) / 60, 1), "cpu_minutes": round((time.process_time() - cpu) / 60, 1),
    }  # fmt: skip
    told = {name: {"thresholds": thresholds[name], "figures": figures[name]} for name in nets}
    return {name: _deliver(order, net, {"name": name, **made, **told[name]}) for name, net in nets.items()}


def _net(seed: int, **looks: int) -> BevNet:
    torch.manual_seed(seed)
    return BevNet(**looks)


def _film(
    order: BevOrder, seed: int, drives: int, folder: Path, filmed: Told
) -> tuple[Footage, dict[str, NDArray[np.bool_]], Rig]:
    """Drives, which of them are in which slice at their last look, and the rig that saw them."""
    folder.mkdir(exist_ok=True)
    worlds = [(open_world(name, seed=seed, cars=CARS), share) for name, share in WORLDS.items()]
    footage = film(Scenes(worlds, seed, drives, LOOKS), load_network(order.network), folder, filmed)
    slices = {name: np.zeros(drives, np.bool_) for name in SLICES}
    for number, (world, _) in enumerate(worlds):
        rows = np.flatnonzero(footage.world == number)
        moments = world.moments(footage.cars[rows], footage.ticks[rows, -1])
        for name, lies_in in SLICES.items():
            slices[name][rows] = lies_in(moments)
    return footage, slices, worlds[0][0].rig


def _circumstances(order: BevOrder) -> dict[str, Any]:
    return {
        "command": order.command,
        "worlds": WORLDS,
        "seed": order.seed,
        "drives": order.drives,
        "looks_a_drive": LOOKS,
        "steps": order.steps,
        "batch": order.batch,
        "threads": order.threads,
        "measured_on": order.measure_on,
        "measured_seed": order.seed + UNSEEN,
    }


def _deliver(order: BevOrder, net: BevNet, told: dict[str, Any]) -> dict[str, Any]:
    """Write a folder and its card."""
    folder = order.out if net.looks else order.out.with_name(order.out.name + TWIN)
    card = save_bev(net, folder, told)
    (folder / "card.md").write_text(bev_markdown(card), encoding="utf-8")
    log.info("viewer_written", folder=str(folder), backbone=card["backbone"], minutes=card["minutes"])
    return card
