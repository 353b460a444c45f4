"""The whole of `outrider train occupancy`: head, numbers, measurement, and the folder of a viewer with its card."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
import torch

from fleet.engine.occupancy_training import train_pixel_head
from fleet.engine.occupancy_tuning import LOOKS, measured, tune, watch
from fleet.engine.sampling import CARS, EVERYTHING, Sampler
from fleet.engine.workshop import UNSEEN, Order
from scenarios import CLASSES, Draws, open_world
from vehicle import load_network

log = structlog.get_logger()

Progress = Callable[[int, float], None]


def make_occupancy(order: Order, network: str, *, tune_on: int, progress: Progress) -> dict[str, Any]:
    """Train the head, choose the numbers, measure, write the folder; the card.

    network: whose backbone to look through; tune_on: moments to choose the numbers on, of the world it learnt from
    """
    torch.set_num_threads(order.threads)
    begun = time.monotonic()
    eyes, seen, unseen = load_network(network), _sampler(order, order.seed), _sampler(order, order.seed + UNSEEN)
    head, steps = train_pixel_head(eyes, seen, order.schedule, seed=order.seed, progress=progress)
    rig = seen.world.rig
    tuning, thresholds = tune(watch(head, eyes, seen, tune_on), rig, lambda said: log.info("tuned", says=said))
    figures = measured(watch(head, eyes, unseen, order.measure_on), rig, tuning, thresholds)
    told = {
        "name": order.name, "version": order.version, "looks": LOOKS, "tuning": tuning.on_card(),
        "input": {"cameras": len(rig.cameras), "height": rig.height, "width": rig.width}, "thresholds": thresholds,
        "command": order.command, "world": order.world, "seed": order.seed, "batch": order.schedule.batch,
        "threads": order.threads, "steps": steps, "minutes": round((time.monotonic() - begun) / 60, 2),
        "tuned_on": tune_on, "measured_on": order.measure_on, "measured_seed": order.seed + UNSEEN, "iou": figures,
    }  # fmt: skip
    card = head.save(order.out, backbone=eyes.backbone, told=told)
    (order.out / "card.md").write_text(_markdown(card), encoding="utf-8")
    log.info("viewer_written", folder=str(order.out), minutes=card["minutes"])
    return card


def _sampler(order: Order, seed: int) -> Sampler:
    return Sampler(open_world(order.world, seed=seed, cars=CARS), CARS, Draws(seed), EVERYTHING)


def _markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    made = (
        f"Made by `{card['command']}` in {card['minutes']:.1f} minutes on {card['threads']} threads: the head in "
        f"{card['steps']} steps of {card['batch']} cars of world `{card['world']}`, seed {card['seed']}; the "
        f"numbers of its geometry on {card['tuned_on']} moments of the same world. Backbone `{card['backbone'][:12]}…`."
    )
    measured_on = (
        f"Intersection over union on {card['measured_on']} moments of a world with seed {card['measured_seed']}, from "
        "which it has not learnt; a cell counts from the threshold on."
    )
    head = "| class | IoU | threshold | prior | decay a look | slope | shift |\n|---|---|---|---|---|---|---|"
    tuning = card["tuning"]
    rows = [
        f"| `{name}` | {card['iou'][name]:.3f} | {card['thresholds'][name]:.3f} | "
        + " | ".join(f"{tuning[column][i]:.3g}" for column in ("prior", "decay", "slope", "shift"))
        + " |"
        for i, name in enumerate(CLASSES)
    ]
    reach = ", ".join(f"{name} {value}" for name, value in tuning["reach"].items())
    parts = [
        f"# {card['name']} (version {card['version']})",
        made,
        measured_on,
        "\n".join([head, *rows]),
        f"Sizes: {reach}.",
    ]
    return "\n\n".join(parts) + "\n"
