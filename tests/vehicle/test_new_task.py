"""A task that nobody has written a line of code for: a file, a head, a car, an exam."""

from pathlib import Path

import numpy as np
import pytest
import torch
from little_world import LittleWorld
from vehicle_parts import blank, spec

from fleet.engine.figures import evaluate
from fleet.engine.sampling import Sampler
from fleet.engine.training import Schedule, train_heads
from scenarios import Draws
from triggers import Memory
from vehicle import TASKS, HydraNet, Loadout, Network, Onboard, load_network, load_task
from vehicle.errors import ForeignTask
from vehicle.perceive import perceive
from vehicle.shadow import disagreement
from vehicle.signals import read

AFTER_DARK = """\
name: after_dark
family: tags
says: Is it dark, and is this a road in town?
subtasks:
  dark: {condition: night}
  in_town: {road: urban}
"""
CARS = np.arange(12, dtype=np.uint32)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("base")
    blank(1).save(folder, name="base", version=1, told={})
    return folder


@pytest.fixture(scope="module")
def taught(base: Path) -> Path:
    """The base with a head for a task that is a file and nothing else."""
    (base.parent / "after_dark.yaml").write_text(AFTER_DARK)
    network = HydraNet.load(base)
    torch.manual_seed(1)
    network.add_head("after_dark", load_task(base.parent / "after_dark.yaml"))
    sampler, schedule = Sampler(LittleWorld(), 500, Draws(1)), Schedule(steps=30, batch=16, rate=1e-2)
    train_heads(network, ["after_dark"], sampler, schedule, progress=lambda *_: None)
    network.save(base.parent / "taught", name="taught", version=2, told={}, base=base)
    return base.parent / "taught"


@pytest.fixture(scope="module")
def deployed(taught: Path) -> Network:
    assert "after_dark" not in TASKS
    return load_network(taught)


def test_it_is_learnt_and_examined(taught: Path) -> None:
    (figures,) = evaluate([HydraNet.load(taught)], Sampler(LittleWorld(seed=2), 500, Draws(2)), cars=128)
    found = figures["everywhere"]["after_dark.dark"]
    assert found["base"] < 0.5
    assert found["ap"] > 0.9
    assert figures["night"]["after_dark.in_town"]["n"] < found["n"]


def test_a_car_knows_its_signals_without_knowing_the_file(deployed: Network) -> None:
    world = LittleWorld()
    (percepts,) = perceive([deployed], world.frames(CARS, 700))
    dark = read(percepts)["after_dark.dark"]
    rule = spec("dark", params={"fire_when": f"after_dark.dark > {(dark.min() + dark.max()) / 2:.6f}"})
    loadout = Loadout.equip("little", deployed, (), (rule,), Memory(0, len(CARS)))
    cuts = Onboard(world, [loadout], first_car=0, cars=len(CARS)).tick(CARS, np.zeros(len(CARS), np.uint16), 700)
    assert [cut.car for cut in cuts] == CARS[world.severities(CARS, 700)["night"] > 0.5].tolist()


def test_it_is_compared_with_another_head(deployed: Network, taught: Path, tmp_path: Path) -> None:
    other = HydraNet.load(taught)
    with torch.no_grad():
        other.heads["after_dark"][2].bias += 1
    other.save(tmp_path, name="other", version=3, told={}, base=taught)
    percepts = perceive([deployed, load_network(tmp_path)], LittleWorld().frames(CARS, 700))
    found = disagreement(*percepts)
    assert (found["after_dark"] > 0).all()
    assert not found["weather"].any()


def test_the_other_heads_keep_every_bit(base: Path, taught: Path, deployed: Network) -> None:
    pixels = LittleWorld().frames(CARS, 700).pixels
    before, after = (HydraNet.load(folder).eval()(pixels)[1] for folder in (base, taught))
    assert all(torch.equal(answers, after[name]) for name, answers in before.items())
    production = load_network(base)
    embedding = production.embed(pixels.numpy())
    assert deployed.backbone == production.backbone
    assert np.array_equal(embedding, deployed.embed(pixels.numpy()))
    answers = deployed.answer(embedding)
    assert set(answers) - set(production.tasks) == {"after_dark"}
    assert all(np.array_equal(each, answers[name]) for name, each in production.answer(embedding).items())


def test_a_head_is_not_given_to_another_task_of_the_same_name(base: Path, tmp_path: Path) -> None:
    (tmp_path / "weather.yaml").write_text(AFTER_DARK.replace("after_dark", "weather"))
    with pytest.raises(ForeignTask, match="weather"):
        HydraNet.load(base).add_head("weather", load_task(tmp_path / "weather.yaml"))
