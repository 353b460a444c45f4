import numpy as np
import pytest
from little_world import LittleWorld

from scenarios import CameraFrames
from vehicle import Network
from vehicle.perceive import Percepts, perceive

CARS = np.arange(40, dtype=np.uint32)


def take(frames: CameraFrames, rows: np.ndarray) -> CameraFrames:
    return CameraFrames(frames.cars[rows], frames.ticks[rows], frames.pixels[rows])


def same(one: Percepts, other: Percepts) -> bool:
    pairs = [(one.embedding, other.embedding)] + [(one.outputs[task], other.outputs[task]) for task in one.outputs]
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("rows", [[7], [7, 8], [39, 7, 3], range(1, 18), range(40)], ids=len)
def test_a_car_is_perceived_the_same_in_any_company(rows: list[int], world: LittleWorld, production: Network) -> None:
    frames = world.frames(CARS, 700)
    chosen = np.array(rows)
    (among_all,), (alone,) = perceive([production], frames), perceive([production], take(frames, chosen))
    assert same(
        Percepts(
            production, among_all.embedding[chosen], {task: out[chosen] for task, out in among_all.outputs.items()}
        ),
        alone,
    )


def test_shadows_leave_production_the_same_bits(
    world: LittleWorld, production: Network, candidate: Network, foreign: Network
) -> None:
    frames = world.frames(CARS, 700)
    (alone,) = perceive([production], frames)
    watched, *_ = perceive([production, candidate, foreign], frames)
    assert same(alone, watched)


def test_a_shared_backbone_gives_one_embedding_and_another_its_own(
    world: LittleWorld, production: Network, candidate: Network, foreign: Network
) -> None:
    one, two, three = perceive([production, candidate, foreign], world.frames(CARS, 700))
    assert np.array_equal(one.embedding, two.embedding)
    assert not np.array_equal(one.embedding, three.embedding)


def test_a_shared_backbone_is_computed_once(
    world: LittleWorld, production: Network, candidate: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    embed = Network.embed
    monkeypatch.setattr(Network, "embed", lambda self, pixels: looked.append(self.name) or embed(self, pixels))
    perceive([production, candidate], world.frames(CARS[:8], 700))
    assert looked == ["production"]


def test_nobody_is_perceived_without_complaint(world: LittleWorld, production: Network) -> None:
    (nothing,) = perceive([production], world.frames(CARS[:0], 700))
    assert nothing.embedding.shape == (0, production.d)
    assert nothing.outputs["stop_sign"].shape == (0, 7)
