"""What every task must keep to, also a user's: `pytest --plugins my_fleet`."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from scenarios import Draws, Truth, open_world
from vehicle import TASKS, Task

CARS = 64
every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())


@pytest.fixture(scope="module")
def truth() -> Truth:
    """Moments of every weather and light."""
    cars = np.arange(CARS, dtype=np.uint32)
    world = open_world("all_weather", seed=5, cars=CARS)
    ticks = Draws(5).integers("any time", cars, high=864_000)
    driving = world.motion(cars, ticks).driving
    return world.truth(cars[driving], ticks[driving])


def outputs(task: Task, cars: int, seed: int) -> torch.Tensor:
    return torch.randn(cars, task.width, generator=torch.Generator().manual_seed(seed))


def labelled(task: Task, truth: Truth) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels (n, outputs), and which of them count, (n,) or (n, outputs)."""
    label = task.label(truth)
    return label, torch.ones(len(label), dtype=torch.bool) if task.labelable is None else task.labelable(truth)


@every_task
def test_labels_are_finite_numbers_for_every_output(task: Task, truth: Truth) -> None:
    label, mask = labelled(task, truth)
    assert label.shape == (len(truth.cars), task.width)
    assert label.dtype == torch.float32
    assert torch.isfinite(label).all()
    assert mask.dtype == torch.bool
    assert mask.shape in {label.shape, label.shape[:1]}
    assert mask.any()


@every_task
def test_a_task_agrees_with_itself(task: Task) -> None:
    a = outputs(task, 50, seed=1)
    assert torch.equal(task.disagree(a, a), torch.zeros(50))


@every_task
def test_disagreement_is_one_number_a_car_and_has_no_direction(task: Task) -> None:
    a, b = outputs(task, 50, seed=1), outputs(task, 50, seed=2)
    assert (task.disagree(a, b) > 0).all()
    torch.testing.assert_close(task.disagree(a, b), task.disagree(b, a))
    assert task.disagree(a, b).shape == (50,)


@every_task
def test_the_loss_is_finite_and_the_better_answer_has_the_smaller_one(task: Task, truth: Truth) -> None:
    label, mask = labelled(task, truth)
    answer = outputs(task, len(label), seed=3).requires_grad_()
    optimizer = torch.optim.Adam([answer], lr=0.3)
    losses = []
    for _ in range(80):
        loss = task.loss(answer[mask], label[mask])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.isfinite(losses).all()
    entropy = (
        task.loss(torch.logit(label[mask].clamp(1e-6, 1 - 1e-6)), label[mask]) if task.read is torch.sigmoid else 0
    )
    assert losses[-1] - float(entropy) < 0.2 * (losses[0] - float(entropy))


@every_task
def test_what_is_learnt_reads_as_what_was_labelled(task: Task, truth: Truth) -> None:
    label, mask = labelled(task, truth)
    answer = torch.zeros_like(label).requires_grad_()
    optimizer = torch.optim.Adam([answer], lr=0.3)
    for _ in range(120):
        optimizer.zero_grad()
        task.loss(answer[mask], label[mask]).backward()
        optimizer.step()
    error = (task.read(answer.detach()) - label)[mask].abs().mean()
    assert error < 0.1 * max(1.0, float(label[mask].std()))


@every_task
def test_a_car_is_labelled_the_same_in_any_company(task: Task, truth: Truth) -> None:
    again = open_world("all_weather", seed=5, cars=CARS).truth(truth.cars[20:23], truth.ticks[20:23])
    label, mask = labelled(task, truth)
    torch.testing.assert_close(task.label(again), label[20:23])
    assert torch.equal(labelled(task, again)[1], mask[20:23])


@every_task
def test_an_empty_cohort_has_no_labels(task: Task, truth: Truth) -> None:
    nobody = {field.name: getattr(truth, field.name)[:0] for field in fields(Truth) if field.name != "severities"}
    nobody["severities"] = {name: values[:0] for name, values in truth.severities.items()}
    assert labelled(task, Truth(**nobody))[0].shape == (0, task.width)
