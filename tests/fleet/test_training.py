import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures import plain_painting
from little_world import LittleWorld

from fleet.engine.cards import markdown
from fleet.engine.figures import evaluate, overall
from fleet.engine.interference import interference, write_interference
from fleet.engine.sampling import Sampler
from fleet.engine.seeds import Wanted, from_world
from fleet.engine.training import LossNotFinite, Schedule, labels_of, look, loss, train_heads, train_hydranet
from fleet.engine.trigger_training import curve
from scenarios import Draws
from triggers import fit_probe
from vehicle import TASKS, HydraNet, Task, load_network

TASK_NAMES = ("vehicles", "pedestrians", "weather")
FEW = {name: TASKS[name] for name in TASK_NAMES}
SHORT = Schedule(steps=6, batch=8)


def save_network(folder: Path, seed: int) -> Path:
    """A network that has learnt nothing, as files that a car can load."""
    torch.manual_seed(seed)
    HydraNet({name: TASKS[name] for name in ("vehicles", "weather")}).eval().save(
        folder, name=folder.name, version=1, told={}
    )
    return folder


@pytest.fixture
def sampler() -> Sampler:
    return Sampler(LittleWorld(), 500, Draws(1))


@pytest.fixture
def learnt(sampler: Sampler) -> tuple[HydraNet, list[float]]:
    torch.set_num_threads(1)
    losses: list[float] = []
    network, _ = train_hydranet(FEW, sampler, SHORT, seed=1, progress=lambda _, value: losses.append(value))
    return network, losses


def test_a_batch_is_the_same_whenever_it_is_asked_for(sampler: Sampler) -> None:
    first, again = sampler.moments(3, 64), Sampler(LittleWorld(), 500, Draws(1)).moments(3, 64)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(sampler.moments(4, 64)[0], first[0])


def test_moments_are_of_cars_on_the_road_in_the_shares_asked_for() -> None:
    strata = ((lambda severity: severity["night"] > 0.5, 0.75), (lambda severity: severity["night"] <= 0.5, 0.25))
    world = LittleWorld()
    cars, ticks = Sampler(world, 500, Draws(1), strata).moments(0, 40)
    assert world.motion(cars, ticks).driving.all()
    assert (world.severities(cars, ticks)["night"] > 0.5).mean() == 0.75


def test_a_slice_is_nothing_but_the_slice() -> None:
    world = LittleWorld()
    cars, ticks = Sampler(world, 500, Draws(1), only=lambda severity: severity["night"] > 0.5).moments(0, 64)
    assert len(cars) == 64
    assert (world.severities(cars, ticks)["night"] > 0.5).all()


def test_training_learns_and_repeats_bit_by_bit(learnt: tuple[HydraNet, list[float]], sampler: Sampler) -> None:
    network, losses = learnt
    again, _ = train_hydranet(FEW, sampler, SHORT, seed=1, progress=lambda _, __: None)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert losses[-1] < losses[0]


def test_another_seed_gives_another_network(learnt: tuple[HydraNet, list[float]], sampler: Sampler) -> None:
    other, _ = train_hydranet(FEW, sampler, Schedule(steps=1, batch=8), seed=2, progress=lambda _, __: None)
    assert other.fingerprint != learnt[0].fingerprint


def test_training_heads_leaves_backbone_and_other_heads_alone(
    learnt: tuple[HydraNet, list[float]], sampler: Sampler
) -> None:
    network, _ = learnt
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    train_heads(network, ["pedestrians"], sampler, SHORT, progress=lambda _, __: None)
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert all(name.startswith("heads.pedestrians.") for name in changed)


def test_a_loss_that_is_not_finite_stops_training_and_is_named(sampler: Sampler) -> None:
    broken = Task(
        1, lambda truth: torch.zeros(len(truth.cars), 1), lambda a, _: a.mean() * math.nan, lambda a, _: a[:, 0]
    )
    with pytest.raises(LossNotFinite, match="broken nan"):
        train_hydranet({"broken": broken}, sampler, SHORT, seed=1, progress=lambda _, __: None)


def test_what_cannot_be_labelled_does_not_count() -> None:
    task, label = TASKS["vehicles"], torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    outputs = torch.tensor([[9.0, -9.0], [9.0, 9.0]])
    sure = torch.tensor([[True, True], [False, True]])
    assert loss(task, outputs, label, sure) < 0.001 < loss(task, outputs, label, None)
    assert loss(task, outputs, label, torch.zeros(2, 2, dtype=torch.bool)) == 0


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    schedule = Schedule(steps=1000, rate=1.0)
    rates = [schedule.rate_at(step, step / 1000) for step in (0, 99, 500, 999)]
    assert rates == pytest.approx([0.01, 0.976, 0.5, 0.0], abs=0.01)


def test_a_budget_of_minutes_ends_training_by_the_clock() -> None:
    schedule = Schedule(steps=10**9, minutes=2.0)
    assert schedule.done(5, 60.0) == pytest.approx(0.5)
    assert schedule.done(5, 120.0) >= 1


def test_figures_of_a_perfect_network_are_perfect(sampler: Sampler) -> None:
    class Oracle(HydraNet):
        """Answers with the labels of the batch that is being asked for."""

        number = 0

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            _, truth = look(sampler, self.number, len(pixels))
            self.number += 1
            return pixels, {name: torch.logit(label, eps=1e-6) for name, (label, _) in labels_of(FEW, truth).items()}

    (figures,) = evaluate([Oracle(FEW)], sampler, cars=256)
    for part in ("everywhere", "night"):
        yes = [found for name, found in figures[part].items() if name.startswith("vehicles") and "ap" in found]
        assert {found["ap"] for found in yes} == {1.0}
    assert figures["everywhere"]["weather.rain"]["base"] == 0
    assert overall(figures["everywhere"], TASKS["vehicles"].columns("vehicles")) == ("ap", 1.0)
    assert figures["night"]["weather.night"]["n"] < figures["everywhere"]["weather.night"]["n"]


def test_a_card_has_a_row_for_every_output() -> None:
    made = {"name": "n", "version": 1, "command": "c", "minutes": 1.0, "threads": 2, "steps": 3, "batch": 4}
    where = {"world": "w", "seed": 5, "backbone": "b" * 64, "measured_on": 6, "measured_seed": 7}
    size = {"cameras": 8, "height": 64, "width": 96}
    figures = {
        "everywhere": {"lead": {"ap": 0.9, "base": 0.5, "n": 10}},
        "night": {"lead": {"ap": 0.8, "base": 1, "n": 6}},
    }
    tasks = {"lead": {"outputs": ["lead", "lead.braking"]}}
    page = markdown({**made, **where, "input": size, "figures": figures, "tasks": tasks})
    assert "| `lead` | 0.9 | – | 0.5 | 10 |" in page
    assert "| night | 0.8 (6) | – |" in page


def test_a_probe_learns_from_labelled_encounters(sampler: Sampler, tmp_path: Path) -> None:
    network = load_network(save_network(tmp_path / "net", seed=1))
    wanted = Wanted("stop_sign", ("pedestrian",), positives=40, negatives=60, error_rate=0.02)
    seeds = from_world(network, sampler, wanted, progress=lambda _, __: None)
    assert 0 < (seeds.labels != seeds.truths).mean() < 0.06
    assert seeds.near_misses.any()
    probe, report = fit_probe(seeds.embeddings, seeds.labels, seeds.groups, backbone=network.backbone, seed=1)
    assert probe.backbone == network.backbone
    assert report["average_precision"] > 1.2 * seeds.labels.mean()
    assert curve(report["learning_curve"]).startswith("<svg")


def test_collecting_repeats(sampler: Sampler, tmp_path: Path) -> None:
    network = load_network(save_network(tmp_path / "net", seed=1))
    wanted, quiet = Wanted("stop_sign", positives=8, negatives=8), lambda _, __: None
    one, two = (
        from_world(network, sampler, wanted, progress=quiet),
        from_world(network, sampler, wanted, progress=quiet),
    )
    assert np.array_equal(one.embeddings, two.embeddings)
    assert np.array_equal(one.labels, two.labels)


def test_together_and_alone_are_trained_on_the_same_batches(sampler: Sampler, tmp_path: Path) -> None:
    two = {name: TASKS[name] for name in ("pedestrians", "weather")}
    seen, quiet = [], lambda _, value: seen.append(value)
    found = interference(two, sampler, sampler, SHORT, seed=1, cars=64, progress=quiet)
    alone, _ = train_hydranet({"weather": TASKS["weather"]}, sampler, SHORT, seed=1, progress=lambda _, __: None)
    (figures,) = evaluate([alone], sampler, cars=64)
    assert found["weather"]["columns"]["weather.night"]["single"] == figures["everywhere"]["weather.night"]
    assert found["pedestrians"]["difference"] == pytest.approx(
        found["pedestrians"]["multi"] - found["pedestrians"]["single"], abs=1e-3
    )
    assert len(seen) == SHORT.steps
    what = {"command": "c", "world": "little", "seed": 1, "steps": 6, "batch": 8, "minutes": 0.1}
    write_interference(tmp_path, {**what, "measured_on": 64, "measured_seed": 2, "tasks": found})
    assert "| weather | " in (tmp_path / "interference.md").read_text()
    assert json.loads((tmp_path / "interference.json").read_text())["tasks"]["weather"]["figure"] in {"ap", "mae"}


def test_the_command_line_trains_a_head_on_a_frozen_backbone(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from fleet.cli.main import build

    save_network(tmp_path / "base", seed=1)
    asked = [
        "train",
        "head",
        str(tmp_path / "base"),
        "--task",
        "weather",
        "--steps",
        "1",
        "--measure-on",
        "64",
        "--json",
    ]
    with plain_painting():
        result = CliRunner().invoke(build(), [*asked, "--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    card = json.loads(result.stdout.strip().splitlines()[-1])
    assert card["backbone"] == load_network(tmp_path / "base").backbone == load_network(tmp_path / "new").backbone
    assert "weather.rain" in card["figures"]["heavy_rain_at_night"]
    assert (tmp_path / "new" / "card.md").read_text().startswith("# new")
