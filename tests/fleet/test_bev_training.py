"""Maps seen from above are learnt: from footage that is what cars see, by a loop that learns and repeats itself."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures import plain_painting
from typer.testing import CliRunner

from fleet.cli.main import build
from fleet.engine.bev_figures import figures_of, thresholds_of
from fleet.engine.bev_training import train_bev
from fleet.engine.footage import Footage, Scenes, film
from fleet.engine.training import Schedule
from scenarios import CLASSES, open_world
from scenarios.cameras import EIGHT_CAMERAS
from vehicle import BevNet, load_network, load_viewer

DRIVES, LOOKS = 8, 4


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    worlds = [(open_world(name, seed=3, cars=20_000, compiled=False), 0.5) for name in ("sunny_city", "parking_lot")]
    folder = tmp_path_factory.mktemp("footage")
    return film(Scenes(worlds, 3, DRIVES, LOOKS), load_network("hydranet-v1"), folder, lambda _, __: None)


def _net(looks: int = 3) -> BevNet:
    torch.manual_seed(4)
    return BevNet(looks)


def test_footage_is_what_the_world_shows_and_tells(footage: Footage) -> None:
    world = open_world("sunny_city", seed=3, cars=20_000, compiled=False)
    cars, ticks = footage.cars[:1], footage.ticks[:1, 2]
    assert footage.world.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(footage.cells(np.arange(1))[:, 2], world.top_down(cars, ticks).cells)
    _, maps = load_network("hydranet-v1").see(np.repeat(world.frames(cars, ticks).pixels.numpy(), 8, axis=0))
    np.testing.assert_allclose(footage.maps["fine"][0, 2].ravel(), maps["fine"][:8].ravel(), atol=0.02, rtol=2e-3)
    moved = world.moved(cars, footage.ticks[:1, 0], ticks)
    np.testing.assert_allclose(footage.moved[:1, 2, 0], moved, atol=1e-4)
    assert (np.diff(footage.ticks, axis=1) > 0).all()


def test_it_learns_and_repeats_itself(footage: Footage) -> None:
    losses: list[float] = []
    nets, schedule = [_net(), _net()], Schedule(80, 1, 1e-2)
    for net in nets:
        train_bev([net], footage, EIGHT_CAMERAS, schedule, seed=1, progress=lambda _, loss: losses.append(loss))
    assert np.mean(losses[72:80]) < 0.5 * np.mean(losses[:8])
    assert losses[:80] == losses[80:]
    for ours, other in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(ours, other)
    thresholds = thresholds_of(nets[0], footage, EIGHT_CAMERAS)
    assert set(thresholds) == set(CLASSES)
    some = {"first": np.arange(DRIVES) < 4, "none": np.zeros(DRIVES, np.bool_)}
    found = figures_of(nets[0], footage, EIGHT_CAMERAS, thresholds, some)
    untrained = figures_of(_net(), footage, EIGHT_CAMERAS, dict.fromkeys(CLASSES, 0.5), {})
    assert found["everywhere"]["drivable"] > untrained["everywhere"]["drivable"] + 0.1
    assert found["none"] == {}


def test_a_twin_learns_as_if_it_were_alone(footage: Footage) -> None:
    alone, together = _net(0), _net(0)
    schedule, quiet = Schedule(3, 2, 3e-3), lambda _, __: None
    train_bev([alone], footage, EIGHT_CAMERAS, schedule, seed=1, progress=quiet)
    train_bev([_net(), together], footage, EIGHT_CAMERAS, schedule, seed=1, progress=quiet)
    for ours, other in zip(alone.state_dict().values(), together.state_dict().values(), strict=True):
        assert torch.equal(ours, other)


def test_the_command_line_makes_a_map_and_its_twin(tmp_path: Path) -> None:
    asked = ["train", "bev", "--drives", "8", "--steps", "2", "--batch", "2", "--measure-on", "8", "--threads", "1"]
    with plain_painting():
        result = CliRunner().invoke(build(), [*asked, "--json", "--out", str(tmp_path / "mine")])
    assert result.exit_code == 0, result.output
    cards = json.loads(result.stdout.strip().splitlines()[-1])["networks"]
    assert set(cards) == {"mine", "mine-single"}
    for name, card in cards.items():
        viewer = load_viewer(tmp_path / name, EIGHT_CAMERAS)
        assert viewer.looks == card["looks"] == (0 if name.endswith("single") else 3)
        assert card["backbone"] == load_network("hydranet-v1").backbone
        assert set(card["thresholds"]) == set(CLASSES)
        assert (tmp_path / name / "card.md").read_text().startswith(f"# {name}")
