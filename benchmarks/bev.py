"""Two ways to a map from above, on the same unseen moments; one line of JSON, a table and a picture for people.

The learned net is held against the hand-written tracker, and against the same net without memory: intersection over
union class by class, by distance, at the seams between cameras, at crossings, in car parks, in rain and at night, and
with cameras that sit one and two degrees off; recall of what is hardly visible; and what each costs.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from fleet.engine.contest import Sheet, contest
from fleet.engine.contest_figures import Comparison, table
from fleet.engine.contest_pictures import contest_picture
from fleet.engine.sampling import CARS, Sampler
from fleet.measured import Figure, told
from fleet.saving import save
from instruments.process import cpu_us
from scenarios import Draws, Rig, World, open_world
from vehicle import Network, Sight, load_network, load_viewer

SEED = 1_000_004  # of worlds from which nothing has learnt
VIEWERS = ("bev-v1", "occupancy-v1", "bev-v1-single")
MOST_OF_FORWARD = 0.6
ROUNDS = 15
CONSOLE = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where viewers compete.

    name: as figures have it
    moments: how many, and for a quick look
    world: its name, and what is changed in it
    off_deg: how far each camera is turned from what its calibration says
    """

    name: str
    moments: tuple[int, int]
    world: str = "all_weather"
    changes: tuple[tuple[str, Any], ...] = ()
    off_deg: float = 0.0


PLACES = (
    Place("everywhere", (2048, 64)),
    Place("junction", (192, 32), changes=(("junctions_per_km", 12.0),)),
    Place("parking_lot", (192, 32), world="parking_lot"),
    Place("1_degree_off", (192, 32), off_deg=1.0),
    Place("2_degrees_off", (192, 32), off_deg=2.0),
)


def field_of(place: Place) -> tuple[Sampler, World | None]:
    """Moments of a place, and the same world through cameras that do not sit as they should, where they do not."""

    def opened(rig: Rig | None = None) -> World:
        return open_world(place.world, seed=SEED, cars=CARS, rig=rig, **dict(place.changes))

    world = opened()
    painted = opened(world.rig.miscalibrated(place.off_deg, SEED)) if place.off_deg else None
    return Sampler(world, CARS, Draws(SEED)), painted


def costs(network: Network, sight: Sight) -> list[Figure]:
    """CPU milliseconds a car-tick of looking and of fusing, and both over production's own forward, in turns."""
    sampler, _ = field_of(PLACES[0])
    cars, ticks = sampler.moments(0, 8)
    pixels = sampler.world.frames(cars, ticks).pixels.numpy()
    _, features = network.see(pixels)
    figures: list[Figure] = []
    taken: dict[str, list[float]] = {}

    def clocked(name: str, work: Callable[[], object]) -> float:
        taken.setdefault(name, []).append(cpu_us(work) / 1e3 / len(cars))
        return taken[name][-1]

    for _ in range(ROUNDS):
        forward = clocked("forward", lambda: network.answer(network.embed(pixels)))
        for viewer in sight.viewers:
            look = viewer.look(features)
            earlier = np.repeat(look[:, None], viewer.looks, axis=1)
            moved = np.tile(np.array([-8.0, 0.1, 0.01]), (len(cars), viewer.looks, 1))
            there = np.ones((len(cars), viewer.looks), np.bool_)
            spent = clocked(f"look.{viewer.name}", lambda viewer=viewer: viewer.look(features))
            spent += clocked(
                f"fuse.{viewer.name}",
                lambda viewer=viewer, given=(look, earlier, moved, there): viewer.fuse(*given),
            )
            taken.setdefault(f"share.{viewer.name}", []).append(spent / forward)
    for name, samples in taken.items():
        part, _, viewer = name.partition(".")
        share = part == "share"
        figure = f"share_of_forward.{viewer}" if share else f"{part}_ms.{viewer}".rstrip(".")
        target = MOST_OF_FORWARD if share and viewer == VIEWERS[0] else None
        figures.append(Figure.of(figure, samples, target, network.name if share else ""))
    return figures


def main() -> None:
    """Measure, print, and write the picture and the table where asked."""
    asked = _arguments()
    torch.set_num_threads(1)
    network = load_network(asked.network)
    sheets: dict[str, Sheet] = {}
    with Progress(console=CONSOLE, transient=True) as progress:
        for place in PLACES:
            sampler, painted = field_of(place)
            sight = Sight(tuple(load_viewer(name, sampler.world.rig, network.backbone) for name in asked.viewers))
            moments = place.moments[1 if asked.quick else 0]
            task = progress.add_task(place.name.replace("_", " "), total=moments)
            sheets[place.name] = contest(
                sampler, network, sight, moments, painted=painted,
                progress=lambda done, task=task: progress.advance(task, done),
            )  # fmt: skip
            if place is PLACES[0] and asked.out:
                save(contest_picture(sampler, network, sight), asked.out / "bev.png")
    comparison = Comparison([Path(name).name for name in asked.viewers])
    figures = [*comparison.headline(sheets["everywhere"]), *costs(network, sight), *comparison.slices(sheets)]
    figures += comparison.recalls(sheets["everywhere"])
    text = table(figures, comparison)
    CONSOLE.print(text, soft_wrap=True, highlight=False, markup=False)
    if asked.out:
        save(text.encode(), asked.out / "bev.md")
        save(json.dumps(told("bev", figures), indent=1).encode(), asked.out / "bev.json")
    print(json.dumps(told("bev", figures)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few moments: does it run, and roughly where does it lie")
    parser.add_argument("--out", type=Path, help="a folder for the picture, the table and the figures")
    parser.add_argument("--network", default="hydranet-v1", help="whose eyes they look through")
    parser.add_argument("--viewers", nargs=3, default=list(VIEWERS), help="net, tracker, net without memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
