from pathlib import Path

import pytest
from fixtures import small_plan

from fleet.simulation.darkroom import Darkroom
from fleet.simulation.equipment import Equipment, equip
from triggers import Memory
from vehicle import Cut


@pytest.fixture(scope="module")
def equipment(small: Path) -> Equipment:
    return equip(small_plan(small), "cpu")


@pytest.fixture(scope="module")
def cuts(equipment: Equipment) -> list[Cut]:
    """Two clips of cars on the road."""
    cars, tick = range(14), 670_000
    driving = equipment.world.motion(list(cars), tick).driving
    return [Cut.of_fire(car, tick, equipment.specs[0], 1.0) for car in cars if driving[car]][:2]


def test_a_clip_is_the_same_from_the_drawer_and_painted_again(equipment: Equipment, cuts: list[Cut]) -> None:
    loadout = equipment.loadout(Memory(0, 14))
    roomy, tight = (Darkroom(equipment.world, loadout, "run", room_bytes=room) for room in (10**9, 1))
    assert roomy.develop(cuts) == tight.develop(cuts)
    assert [roomy.take(cut) for cut in cuts] == [tight.take(cut) for cut in cuts]
