from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from little_viewer import Blocks, make_viewer
from little_world import LittleWorld
from vehicle_parts import blank, spec

from scenarios.cameras import EIGHT_CAMERAS
from triggers import Memory, TriggerSpec
from vehicle import HydraNet, Loadout, Network, Sight, load_network, load_viewer
from vehicle.top_down import NO_SIGHT


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three networks: production, a candidate that shares its backbone, and one with another backbone."""
    root = tmp_path_factory.mktemp("networks")
    for name, seed in (("production", 1), ("foreign", 2)):
        blank(seed).save(root / name, name=name, version=1, told={})
    candidate = HydraNet.load(root / "production")
    torch.manual_seed(3)
    for layer in candidate.heads["pedestrians"]:
        if isinstance(layer, torch.nn.Linear):
            layer.reset_parameters()
    candidate.save(root / "candidate", name="candidate", version=2, told={}, base=root / "production")
    return root


@pytest.fixture(scope="session")
def production(folder: Path) -> Network:
    return load_network(folder / "production")


@pytest.fixture(scope="session")
def candidate(folder: Path) -> Network:
    return load_network(folder / "candidate")


@pytest.fixture(scope="session")
def foreign(folder: Path) -> Network:
    return load_network(folder / "foreign")


@pytest.fixture(scope="session")
def viewers(folder: Path, production: Network) -> list[Blocks]:
    """Two viewers on production's backbone."""
    made = [make_viewer(folder / n, n, production.backbone, scale=s) for n, s in (("blocks", 1.0), ("stones", -1.0))]
    return [viewer for each in made if isinstance(viewer := load_viewer(each, EIGHT_CAMERAS), Blocks)]


@pytest.fixture
def world() -> LittleWorld:
    return LittleWorld()


@pytest.fixture
def equip(production: Network, candidate: Network) -> Callable[..., Loadout]:
    """A loadout for cars 0 to 99 with these specs."""

    def make(
        *specs: TriggerSpec, shadows: tuple[Network, ...] = (candidate,), cars: int = 100, sight: Sight = NO_SIGHT
    ) -> Loadout:
        return Loadout.equip("little", production, shadows, specs or (spec(),), Memory(0, cars), sight=sight)

    return make


@pytest.fixture
def some() -> Callable[..., np.ndarray]:
    return lambda *cars: np.array(cars, np.uint32)
