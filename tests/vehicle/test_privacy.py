import numpy as np
from little_world import LittleWorld

from vehicle import Fence, Privacy

CARS = np.arange(1000, dtype=np.uint32)
LATE = np.full(1000, 5_000)  # long after all cars have left home


def test_owners_opt_out_for_good_and_by_the_seed_alone() -> None:
    out = Privacy(7, 0.3).silent(CARS)
    assert 0.25 < out.mean() < 0.35
    assert (Privacy(7, 0.3).silent(CARS[500:]) == out[500:]).all()
    assert (Privacy(8, 0.3).silent(CARS) != out).any()
    assert not Privacy(7).silent(CARS).any()


def test_a_fence_hides_what_lies_within_its_radius() -> None:
    world = LittleWorld()
    here = world.motion(CARS, LATE)
    assert not Privacy().private(world, CARS, LATE).any()
    for north_m, hidden in ((0.0, True), (99.0, True), (101.0, False)):
        fence = Fence(float(here.latitude[0]) + north_m / 111_320.0, float(here.longitude[0]), 100.0)
        assert Privacy(fences=(fence,)).private(world, CARS[:1], LATE[:1]).all() == hidden
