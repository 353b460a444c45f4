"""Training loops one can read: a HydraNet from nothing, heads on a frozen backbone."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fleet.engine.sampling import Sampler
from vehicle import HydraNet, Task

Progress = Callable[[int, float], None]

WARM_UP = 100  # steps


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    steps: how many batches
    batch: cars in each
    rate: highest learning rate, after the warm-up; from there a cosine to nothing (Loshchilov and Hutter, 2017)
    minutes: wall time after which learning ends early, with the cosine; None for no such end. With it, the outcome
        depends on the machine's speed
    """

    steps: int
    batch: int = 32
    rate: float = 2e-3
    minutes: float | None = None

    def done(self, step: int, elapsed_s: float) -> float:
        """The share of the whole that is behind, by steps or by the clock, whichever is further."""
        by_clock = elapsed_s / (60 * self.minutes) if self.minutes else 0.0
        return max(step / self.steps, by_clock)

    def rate_at(self, step: int, done: float) -> float:
        """The learning rate of a step."""
        return self.rate * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


class LossNotFinite(ArithmeticError):
    """Learning went astray; the message has each task's loss."""

    def __init__(self, step: int, losses: Mapping[str, float]) -> None:
        self.step, self.losses = step, losses
        super().__init__(f"step {step}: " + ", ".join(f"{task} {loss:.3g}" for task, loss in losses.items()))


def train_hydranet(
    tasks: Mapping[str, Task], sampler: Sampler, schedule: Schedule, *, seed: int, progress: Progress
) -> tuple[HydraNet, int]:
    """A network trained from nothing in one pass over the sampler's batches, and how many steps it took."""
    torch.manual_seed(seed)
    network = HydraNet({name: task.columns(name) for name, task in tasks.items()})
    network.train()
    steps = _learn(network, tasks, sampler, schedule, progress)
    return network.eval(), steps


def train_heads(
    network: HydraNet, tasks: Mapping[str, Task], sampler: Sampler, schedule: Schedule, *, progress: Progress
) -> int:
    """Go on training only these tasks' heads; the backbone and every other head keep their bits. How many steps."""
    network.eval()
    network.requires_grad_(requires_grad=False)
    for name in tasks:
        network.heads[name].requires_grad_(requires_grad=True)
    return _learn(network, tasks, sampler, schedule, progress)


def _learn(
    network: HydraNet, tasks: Mapping[str, Task], sampler: Sampler, schedule: Schedule, progress: Progress
) -> int:
    """The loop, over all parameters that are not frozen. Returns the number of steps taken."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
    optimizer = torch.optim.AdamW(parameters, weight_decay=1e-3)
    begun, step = time.monotonic(), 0
    while (done := schedule.done(step, time.monotonic() - begun)) < 1:
        pixels, labels = batch(sampler, tasks, step, schedule.batch)
        _, outputs = network(pixels)
        losses = {name: loss(task, outputs[name], *labels[name]) for name, task in tasks.items()}
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise LossNotFinite(step, {name: float(each.detach()) for name, each in losses.items()})
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step, done)
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        step += 1
        progress(step, float(total.detach()))
    return step


Labels = tuple[Tensor, Tensor | None]


def batch(sampler: Sampler, tasks: Mapping[str, Task], number: int, size: int) -> tuple[Tensor, dict[str, Labels]]:
    """Pixels (n, c, 3, h, w) uint8; task to label (n, outputs) and where it can be labelled, None for everywhere."""
    cars, ticks = sampler.moments(number, size)
    frames, truth = sampler.world.frames(cars, ticks), sampler.world.truth(cars, ticks)
    labels = {
        name: (task.label(truth), task.labelable(truth) if task.labelable else None) for name, task in tasks.items()
    }
    return frames.pixels, labels


def loss(task: Task, outputs: Tensor, label: Tensor, labelable: Tensor | None) -> Tensor:
    """A task's loss over what can be labelled; 0 where nothing can. labelable: (n,) rows or (n, outputs) entries."""
    if labelable is None:
        return task.loss(outputs, label)
    if not labelable.any():
        return outputs.sum() * 0
    return task.loss(outputs[labelable], label[labelable])
