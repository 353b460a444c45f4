"""What every task must keep to, also a user's: `pytest --plugins my_fleet`."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from scenarios import KINDS, Draws, Truth, open_world
from vehicle import TASKS, Task, task_schema
from vehicle.errors import BadTask
from vehicle.tasks import FAMILIES, PRESENT, tasks_on_card
from vehicle.tasks.source import Source
from vehicle.tasks.table import spec_of, task_of

CARS = 64
every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
every_family = pytest.mark.parametrize("family", FAMILIES)


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


@every_task
def test_a_task_comes_back_from_a_networks_card(task: Task, truth: Truth) -> None:
    if task.spec is None:
        pytest.skip("made in code: it must be registered wherever it is used")
    (again,) = tasks_on_card({"any": task.on_card("any")}, {}, "card.json").values()
    assert again.spec == task.spec
    assert again.columns("any") == task.columns("any")
    assert torch.equal(again.label(truth), task.label(truth))


@every_task
def test_a_yes_is_about_a_thing_of_the_tasks_kinds(task: Task, truth: Truth) -> None:
    if task.subject is None:
        pytest.skip("not about things")
    subject = task.subject(truth)
    assert subject.shape == ((len(truth.cars), task.width) if task.per_camera else (len(truth.cars),))
    rows, *_ = there = np.nonzero(subject >= 0)
    assert set(np.array(KINDS)[truth.kind[rows, subject[there]]]) <= set(task.classes)
    if task.per_camera or (isinstance(task.outputs, tuple) and PRESENT in task.outputs):
        yes = task.label(truth).numpy() > 0.5
        assert np.array_equal(yes if task.per_camera else yes[:, 0], subject >= 0)


@every_task
def test_a_task_asked_per_camera_has_an_output_for_each(task: Task) -> None:
    if task.per_camera:
        assert task.outputs == open_world("all_weather", seed=1, cars=1).rig.names


@every_family
def test_a_family_says_what_its_files_may_say(family: str) -> None:
    fields = spec_of(family).model_fields
    assert {"name", "family", "says", "classes", "subtasks"} <= fields.keys()
    assert family in {each["properties"]["family"]["const"] for each in task_schema()["anyOf"]}


@every_family
def test_a_family_refuses_what_it_does_not_know(family: str) -> None:
    said = {"name": "x", "family": family, "says": "X?", "colour_of_the_sky": 3}
    with pytest.raises(BadTask, match="unknown field 'colour_of_the_sky'"):
        task_of(Source("x.yaml", said))
