"""The whole of `outrider trigger train`: from a command to a probe's weights, its report and its learning curve."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.curves import Line, Point, chart
from fleet.engine.sampling import CARS, Sampler
from fleet.engine.seeds import Seeds, Wanted, from_clips, from_suite, from_world
from fleet.errors import UnknownLayer
from scenarios import Draws, Rig, open_world
from triggers import TriggerSpec, fit_probe, load_spec
from vehicle import Network, load_network

TRUNK = "trunk"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TriggerOrder:
    """What to fit.

    spec: a trigger of kind `probe`; network: whose features; out: a folder, None for the spec's own
    source: what to learn from: `Wanted` in a world, a suite's cases, or a folder of clips
    labels: what labellers said of the clips, a CSV
    world, seed: where to collect; options: fields of the world's file to replace
    sort: of classifier; budget: the share of encounters without it that may fire
    command: as the user wrote it
    """

    spec: str
    network: str
    source: Wanted | Path
    world: str
    seed: int
    out: Path | None
    command: str
    labels: Path | None = None
    sort: str = "logistic"
    budget: float = 0.01
    options: Mapping[str, Any] | None = None


def make_probe(order: TriggerOrder, progress: Progress) -> dict[str, Any]:
    """Collect, fit, write weights, report and learning curve; the report."""
    spec, network = load_spec(order.spec), load_network(order.network)
    world = open_world(order.world, seed=order.seed, cars=CARS, **(order.options or {}))
    seeds = _collected(order, network, Sampler(world, CARS, Draws(order.seed)), progress)
    layer = str(spec.params.get("layer") or TRUNK)
    folder = order.out or spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / Path(str(spec.params["weights"])).name
    probe, report = fit_probe(
        seeds.embeddings, seeds.labels, seeds.groups, backbone=network.backbone, seed=order.seed, sort=order.sort,
        target_false_fire_rate=order.budget, layer=layer, columns=columns_of(layer, world.rig, network), save_to=file,
    )  # fmt: skip
    report |= {"file": file.name, "command": order.command, "network": network.name, **_origin(order, spec)}
    report |= _against_truth(seeds, probe.score(seeds.embeddings) >= probe.threshold)
    file.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    file.with_suffix(".svg").write_text(curve(report["learning_curve"]), encoding="utf-8")
    return report


def columns_of(layer: str, rig: Rig, network: Network) -> range | None:
    """Which numbers of the embedding a layer is: `trunk` all (None), `trunk.CAMERA` one camera's. UnknownLayer."""
    each = network.d // len(rig.names)
    layers = {f"{TRUNK}.{name}": range(i * each, (i + 1) * each) for i, name in enumerate(rig.names)}
    if layer == TRUNK:
        return None
    if layer not in layers:
        raise UnknownLayer(layer, (TRUNK, *layers))
    return layers[layer]


def curve(points: list[dict[str, float]]) -> str:
    """The learning curve as an SVG: average precision over the number of encounters, which doubles mark by mark."""
    marks = tuple(Point(point["encounters"], point["average_precision"]) for point in points)
    return chart(
        (Line("", marks),), across="encounters learnt from", up="average precision on other encounters", doubling=True
    )


def _collected(order: TriggerOrder, network: Network, sampler: Sampler, progress: Progress) -> Seeds:
    if isinstance(order.source, Wanted):
        return from_world(network, sampler, order.source, progress=progress)
    if order.labels is not None:
        return from_clips(network, sampler.world.rig.names, order.source, order.labels, progress=progress)
    return from_suite(network, order.source, progress=progress)


def _origin(order: TriggerOrder, spec: TriggerSpec) -> dict[str, Any]:
    if isinstance(order.source, Wanted):
        return {"trigger": spec.name, "world": order.world, "options": dict(order.options or {})}
    return {"trigger": spec.name, "learnt_from": order.source.name}


def _against_truth(seeds: Seeds, fires: NDArray[np.bool_]) -> dict[str, Any]:
    """What only a simulator can say: how often the labeller erred, and whether near misses fire."""
    if seeds.truths is None or seeds.near_misses is None:
        return {}
    alike = fires[seeds.near_misses]
    return {
        "labels_wrong": float((seeds.labels != seeds.truths).mean()),
        "near_misses": {"frames": int(seeds.near_misses.sum()), "fired": float(alike.mean()) if len(alike) else 0.0},
    }
