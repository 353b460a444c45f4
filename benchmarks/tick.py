"""What a car-tick costs, against what painting and the networks cost by themselves; one line of JSON.

Everything is CPU time of this process in one run, the pieces in turns, so that a busy machine touches all alike:

- `total_over_floor`: the simulation at 1,000 cars over bare painting and bare forward, each at its best chunk;
- `speedup_over_camera_loop`: the same against a loop that paints and forwards camera by camera in plain torch;
- `cost_growth`: a car-tick at 10,000 cars over one at 100;
- `bytes_per_car`: memory that a car more takes, from 100 to 10,000;
- `top_down_over_forward`: what the shipped net that looks from above adds to a car-tick, look, memory, map and signals,
  over bare forward; `tracker_over_forward`: the same for the tracker.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from fleet.measured import Figure, told
from fleet.plan import RunPlan
from fleet.plan_file import load_plan
from fleet.simulation.crew import Job, Progress
from fleet.simulation.equipment import Equipment, equip
from fleet.simulation.simulation import Simulation
from instruments.process import cpu_us, resident_mb
from scenarios.cameras import Rig
from scenarios.paint.painter import Painter
from scenarios.world import DrawnWorld
from vehicle import HydraNet, Sight, load_network, load_viewer
from vehicle.from_above import from_above
from vehicle.lookback import Lookback
from vehicle.perceive import perceive
from vehicle.privacy import near_home

PRODUCTION = "hydranet-v1"
VIEWERS = {"top_down_over_forward": "bev-v1", "tracker_over_forward": "occupancy-v1"}
CHUNKS = (4, 8, 16)
ROUNDS = 5
AIMS: dict[str, tuple[float | None, str]] = {
    "total_over_floor": (1.15, "bare paint + bare forward, best of chunks 4, 8, 16"),
    "paint_over_forward": (0.5, "bare forward"),
    "speedup_over_camera_loop": (4.0, "paint and forward camera by camera, plain torch"),
    "cost_growth": (1.10, "a car-tick at 100 cars"),
    "bytes_per_car": (None, "100 cars"),
    "top_down_over_forward": (0.6, "bare forward"),
    "tracker_over_forward": (None, "bare forward"),
}
"""What each figure should be, and what it is held against."""


class Floor:
    """Bare painting of ready scenes and bare forward of ready pictures, microseconds a car."""

    def __init__(self, world: DrawnWorld) -> None:
        self.painters = {chunk: Painter(world.rig, chunk=chunk) for chunk in CHUNKS}
        cars = np.arange(max(CHUNKS), dtype=np.uint32)
        self.scene = world.scene(cars, 702_000)
        self.pixels = world.frames(cars, 702_000).pixels.numpy()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        folder = Path(sys.modules[HydraNet.__module__].__file__ or "").parent / "weights" / PRODUCTION
        self.sessions = [
            onnxruntime.InferenceSession(folder / name, options) for name in ("backbone.onnx", "heads.onnx")
        ]
        for chunk in CHUNKS:
            self.paint(chunk)

    def paint(self, chunk: int) -> float:
        """One picture set for each of 16 cars, in chunks."""
        return cpu_us(lambda: self.painters[chunk].paint(self.scene)) / len(self.scene)

    def forward(self, chunk: int) -> float:
        """Production's backbone and heads for 16 cars, in chunks."""
        backbone, heads = self.sessions

        def work() -> None:
            for start in range(0, len(self.pixels), chunk):
                (embedding,) = backbone.run(["embedding"], {"pixels": self.pixels[start : start + chunk]})
                heads.run(None, {heads.get_inputs()[0].name: embedding})

        return cpu_us(work) / len(self.pixels)

    def measured(self) -> tuple[float, float]:
        """The cheapest painting and the cheapest forward over chunks, each the median of a few calls."""
        paint = min(statistics.median(self.paint(chunk) for _ in range(5)) for chunk in CHUNKS)
        return paint, min(statistics.median(self.forward(chunk) for _ in range(5)) for chunk in CHUNKS)


def ticking(plan: RunPlan, equipment: Equipment) -> Iterator[float]:
    """A simulation on its own: CPU microseconds a car-tick between one barrier and the next."""
    ticks = 0

    def notice(progress: Progress) -> None:
        nonlocal ticks
        ticks = progress.car_ticks

    steps = Simulation(Job(plan, run="bench", device="cpu"), equipment, notice).run()
    while True:
        before, spent = ticks, cpu_us(lambda: next(steps))  # to the barrier
        yield spent / max(ticks - before, 1)
        next(steps)  # past it


class CameraLoop:
    """The rival: a car at a time, a camera at a time, painted and forwarded in plain torch."""

    def __init__(self, world: DrawnWorld) -> None:
        self.world = world
        self.painters = [Painter(Rig((camera,)), compiled=False, chunk=1) for camera in world.rig.cameras]
        self.network = HydraNet.load(PRODUCTION).eval()

    @torch.inference_mode()
    def per_car(self, car: int) -> float:
        """CPU microseconds for one car's eight cameras and its heads."""
        eyes = self.network.backbone

        def work() -> None:
            scene = self.world.scene(np.array([car], np.uint32), 702_000)
            own = [replace(scene, covered=scene.covered[:, [i]]) for i in range(len(self.painters))]
            painted = [painter.paint(each)[0] for painter, each in zip(self.painters, own, strict=True)]
            seen = [eyes.summarise(*eyes.trunk(pixels)) for pixels in painted]
            embedding = eyes.side_by_side(torch.cat(seen))
            for head in self.network.heads.values():
                head(embedding)

        return cpu_us(work)


class FromAbove:
    """Cars on the road that look from above second after second, and remember."""

    def __init__(self, world: DrawnWorld, viewer: str) -> None:
        self.network = load_network(PRODUCTION)
        self.sight = Sight((load_viewer(viewer, world.rig, self.network.backbone),))
        self.lookback = Lookback(world)
        cars = np.arange(400, dtype=np.uint32)  # about as many as a cohort: the world answers many for the price of few
        away = ~near_home(world, cars, np.full(len(cars), 702_000, np.int64))
        self.frames = world.frames(cars[away][:128], 702_000)
        self.added()  # the first look looks back

    def added(self) -> float:
        """CPU microseconds that it adds for one car."""
        self.frames = replace(self.frames, ticks=self.frames.ticks + self.sight.every_ticks)

        def with_map() -> None:
            (seen,) = perceive([self.network], self.frames, self.sight.viewers)
            maps = self.lookback.fuse(self.sight, self.network, self.frames, seen.looks)
            from_above(self.sight, len(self.frames.cars), maps)

        return (cpu_us(with_map) - cpu_us(lambda: perceive([self.network], self.frames))) / len(self.frames.cars)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    found: dict[str, list[float]] = {name: [] for name in AIMS}

    def planned(cars: int, barrier_s: float) -> RunPlan:
        sets = [f"cars={cars}", f"barrier_every_s={barrier_s}", "duration=1h", "shards=1"]
        return load_plan("rainy_city", sets)

    equipment = equip(planned(1000, 1.0), "cpu")
    world = equipment.world
    assert isinstance(world, DrawnWorld)  # noqa: S101 - the plan above says so
    floor, loop = Floor(world), CameraLoop(world)
    above = {name: FromAbove(world, viewer) for name, viewer in VIEWERS.items()}
    few, thousand = ticking(planned(100, 1.0), equipment), ticking(planned(1000, 10.0), equipment)
    next(few)  # the first tick warms up
    loop.per_car(0)
    for turn in range(ROUNDS):
        paint, forward = floor.measured()
        total = next(thousand)
        found["total_over_floor"].append(total / (paint + forward))
        found["paint_over_forward"].append(paint / forward)
        found["speedup_over_camera_loop"].append(loop.per_car(turn) / total)
        for name, each in above.items():
            found[name].append(each.added() / forward)
    before_mb = resident_mb()
    many = ticking(planned(10_000, 1.0), equipment)
    next(many)
    found["bytes_per_car"].append(1e6 * (resident_mb() - before_mb) / 9_900)
    for _ in range(3):
        cost = next(many)
        found["cost_growth"].append(cost / statistics.median(next(few) for _ in range(9)))
    print(json.dumps(told("tick", [Figure.of(name, found[name], *aim) for name, aim in AIMS.items()])))


if __name__ == "__main__":
    main()
