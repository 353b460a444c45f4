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
from vehicle import Network, PixelHead, load_network

log = structlog.get_logger()

Progress = Callable[[int, float], None]


def make_occupancy(order: Order, network: str, *, tune_on: int, progress: Progress) -> dict[str, Any]:
    """Train the head, choose the numbers, measure, write the folder; the card.

    network: whose backbone to look through; tune_on: moments to choose the numbers on, of the world it learnt from
    """
    torch.set_num_threads(order.threads)
    begun, worked = time.monotonic(), time.process_time()
    eyes, seen = load_network(network), _sampler(order, order.seed)
    head, steps = train_pixel_head(eyes, seen, order.schedule, seed=order.seed, progress=progress)
    made = finished(order, eyes, head, tune_on=tune_on)
    minutes, cpu_minutes = (time.monotonic() - begun) / 60, (time.process_time() - worked) / 60
    return deliver(order, eyes, head, {**made, "steps": steps, "minutes": minutes, "cpu_minutes": cpu_minutes})


def finished(order: Order, eyes: Network, head: PixelHead, *, tune_on: int) -> dict[str, Any]:
    """Choose the numbers for a trained head and measure both: what the card says of them."""
    seen, unseen = _sampler(order, order.seed), _sampler(order, order.seed + UNSEEN)
    rig = seen.world.rig
    tuning, thresholds = tune(watch(head, eyes, seen, tune_on), rig, lambda said: log.info("tuned", says=said))
    overlap = measured(watch(head, eyes, unseen, order.measure_on), rig, tuning, thresholds)
    size = {"cameras": len(rig.cameras), "height": rig.height, "width": rig.width}
    chosen = {"looks": LOOKS, "input": size, "thresholds": thresholds, "tuning": tuning.on_card(), "tuned_on": tune_on}
    return {**chosen, "measured_on": order.measure_on, "measured_seed": order.seed + UNSEEN, "iou": overlap}


def deliver(order: Order, eyes: Network, head: PixelHead, told: Mapping[str, Any]) -> dict[str, Any]:
    """Write the folder and both cards; the card. told: what `finished` said, steps and minutes."""
    made = {
        "name": order.name, "version": order.version, "command": order.command, "world": order.world,
        "seed": order.seed, "batch": order.schedule.batch, "threads": order.threads,
    }  # fmt: skip
    card = head.save(order.out, backbone=eyes.backbone, told={**made, **told})
    (order.out / "card.md").write_text(_markdown(card), encoding="utf-8")
    log.info("viewer_written", folder=str(order.out), minutes=card["minutes"])
    return card


def _sampler(order: Order, seed: int) -> Sampler:
    return Sampler(open_world(order.world, seed=seed, cars=CARS), CARS, Draws(seed), EVERYTHING)


def _markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    made = (
        f"Made by `{card['command']}` in {card['minutes']:.1f} minutes, {card['cpu_minutes']:.1f} of them at work, on "
        f"{card['threads']} thread: the head in {card['steps']} steps of {card['batch']} cars of world "
        f"`{card['world']}`, seed {card['seed']}; the numbers of its geometry on {card['tuned_on']} moments of the "
        f"same world. Backbone `{card['backbone'][:12]}…`."
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
