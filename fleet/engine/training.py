"""Training loops one can read: a HydraNet from nothing, heads on a frozen backbone."""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fleet.engine.sampling import Sampler
from scenarios import Truth
from vehicle import HydraNet, Task

Progress = Callable[[int, float], None]

WARM_UP = 100  # steps


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    steps: how many batches
    batch: cars in each
    rate: highest learning rate, after the warm-up; from there a cosine to nothing (Loshchilov and Hutter, 2017)
    distinct: how many different batches there are, gone over again and again, where only heads learn: they are painted
        once and their embeddings kept, which is many times faster; None for fresh ones at every step
    minutes: wall time after which learning ends early, with the cosine; None for no such end. With it, the outcome
        depends on the machine's speed
    """

    steps: int
    batch: int = 32
    rate: float = 2e-3
    minutes: float | None = None
    distinct: int | None = None

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


class Learner:
    """A network under training: the tasks it learns now, and what its optimiser remembers.

    The loss is the plain sum of the tasks' losses. Each of them is a mean over what can be labelled, of the order of
    one when learning begins (a coin's cross-entropy; an error in what counts as much), so no task drowns another,
    however many outputs it has. A head's own step does not depend on a weight anyway, for Adam divides it out; only
    the backbone hears one task louder than another, and there no weighing has a better claim than none.
    """

    def __init__(self, network: HydraNet, tasks: Collection[str]) -> None:
        """tasks: the names of those to learn; parameters that are frozen stay."""
        self.network, self.tasks = network, {name: network.tasks[name] for name in tasks}
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
        self._optimizer = torch.optim.AdamW(self._parameters, weight_decay=1e-3)

    def learn(self, pixels: Tensor, labels: Mapping[str, "Labels"], *, rate: float, step: int) -> float:
        """One step on one batch; the loss before it. LossNotFinite."""
        return self.answer_for(self.network(pixels)[1], labels, rate=rate, step=step)

    def answer_for(
        self, outputs: Mapping[str, Tensor], labels: Mapping[str, "Labels"], *, rate: float, step: int
    ) -> float:
        """One step for outputs that the network has just given; the loss before it. LossNotFinite."""
        losses = {name: loss(task, outputs[name], *labels[name]) for name, task in self.tasks.items()}
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise LossNotFinite(step, {name: float(each.detach()) for name, each in losses.items()})
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 5.0)
        self._optimizer.step()
        return float(total.detach())


def train_hydranet(
    tasks: Mapping[str, Task], sampler: Sampler, schedule: Schedule, *, seed: int, progress: Progress
) -> tuple[HydraNet, int]:
    """A network trained from nothing in one pass over the sampler's batches, and how many steps it took."""
    (network,), steps = train_side_by_side([tasks], sampler, schedule, seed=seed, progress=progress)
    return network, steps


def train_side_by_side(
    groups: Sequence[Mapping[str, Task]], sampler: Sampler, schedule: Schedule, *, seed: int, progress: Progress
) -> tuple[list[HydraNet], int]:
    """A network from nothing for each group of tasks, all on the same batches, and how many steps they took.

    Each comes out as if it had been trained alone; but a batch is painted once.
    """
    learners = []
    for tasks in groups:
        torch.manual_seed(seed)
        learners.append(Learner(HydraNet(tasks).train(), tasks))
    steps = _learn(learners, sampler, schedule, progress)
    return [learner.network.eval() for learner in learners], steps


def train_heads(
    network: HydraNet, tasks: Collection[str], sampler: Sampler, schedule: Schedule, *, progress: Progress
) -> int:
    """Go on training only these tasks' heads; the backbone and every other head keep their bits. How many steps."""
    network.eval()
    network.requires_grad_(requires_grad=False)
    for name in tasks:
        network.heads[name].requires_grad_(requires_grad=True)
    if schedule.distinct is None:
        return _learn([Learner(network, tasks)], sampler, schedule, progress)
    return _learn_heads(Learner(network, tasks), sampler, schedule, schedule.distinct, progress)


def _learn_heads(learner: Learner, sampler: Sampler, schedule: Schedule, distinct: int, progress: Progress) -> int:
    """The loop over a few batches, each of which the frozen backbone sees once."""
    kept: list[tuple[Tensor, dict[str, Labels]]] = []
    begun, step = time.monotonic(), 0
    while (done := schedule.done(step, time.monotonic() - begun)) < 1:
        if len(kept) < distinct:
            pixels, truth = look(sampler, len(kept), schedule.batch)
            with torch.no_grad():
                kept.append((learner.network.backbone(pixels), labels_of(learner.tasks, truth)))
        embedding, labels = kept[step % len(kept)]
        outputs = {name: learner.network.heads[name](embedding) for name in learner.tasks}
        loss_before = learner.answer_for(outputs, labels, rate=schedule.rate_at(step, done), step=step)
        step += 1
        progress(step, loss_before)
    return step


def _learn(learners: Sequence[Learner], sampler: Sampler, schedule: Schedule, progress: Progress) -> int:
    """The loop; progress hears the first learner's loss. Returns the number of steps taken."""
    tasks = {name: task for learner in learners for name, task in learner.tasks.items()}
    begun, step = time.monotonic(), 0
    while (done := schedule.done(step, time.monotonic() - begun)) < 1:
        pixels, truth = look(sampler, step, schedule.batch)
        labels = labels_of(tasks, truth)
        rate = schedule.rate_at(step, done)
        first, *_ = [learner.learn(pixels, labels, rate=rate, step=step) for learner in learners]
        step += 1
        progress(step, first)
    return step


Labels = tuple[Tensor, Tensor | None]


def look(sampler: Sampler, number: int, size: int) -> tuple[Tensor, Truth]:
    """One batch of moments: pixels (n, c, 3, h, w) uint8, and what was really there."""
    cars, ticks = sampler.moments(number, size)
    return sampler.world.frames(cars, ticks).pixels, sampler.world.truth(cars, ticks)


def labels_of(tasks: Mapping[str, Task], truth: Truth) -> dict[str, Labels]:
    """Task to label (n, outputs) and where it can be labelled, None for everywhere."""
    return {
        name: (task.label(truth), task.labelable(truth) if task.labelable else None) for name, task in tasks.items()
    }


def loss(task: Task, outputs: Tensor, label: Tensor, labelable: Tensor | None) -> Tensor:
    """A task's loss over what can be labelled; 0 where nothing can. labelable: (n,) rows or (n, outputs) entries."""
    if labelable is None:
        return task.loss(outputs, label)
    if not labelable.any():
        return outputs.sum() * 0
    return task.loss(outputs[labelable], label[labelable])
