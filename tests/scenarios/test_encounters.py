import numpy as np
import pytest
from scenes import drawn

from scenarios import KINDS, Draws
from scenarios.encounters import ENCOUNTERS, encounters, met
from scenarios.paint.scene import Kind
from scenarios.roads import CELL_M, CELLS, road_around
from scenarios.trips import Trips

CARS = np.arange(6000, dtype=np.uint32)
WORLD = drawn("all_weather")
SPEC, DRAWS = WORLD.spec, Draws(7)
NOON = np.full(len(CARS), 432_000)
ROAD = road_around(SPEC, DRAWS, CARS, Trips(SPEC, DRAWS).progress(CARS, NOON))
THINGS = {
    "caution_light": Kind.CAUTION_LIGHT, "balloon": Kind.BALLOON, "dark_lamp": Kind.DARK_LAMP,
    "stop_sign": Kind.STOP_SIGN, "no_entry": Kind.NO_ENTRY, "cone": Kind.CONE,
}  # fmt: skip


@pytest.mark.parametrize("name", ENCOUNTERS)
def test_an_encounter_is_met_as_often_as_the_world_says(name: str) -> None:
    index, _ = met(SPEC, DRAWS, CARS, ROAD)
    share = SPEC.encounters_per_km[name] * CELL_M / 1000.0
    cells = len(CARS) * len(CELLS)
    assert abs((index == ENCOUNTERS.index(name)).sum() - share * cells) < 5.0 * np.sqrt(cells * share * (1.0 - share))


@pytest.mark.parametrize("name", ENCOUNTERS)
def test_every_encounter_and_near_miss_is_a_thing_of_its_own_kind(name: str) -> None:
    index, _ = met(SPEC, DRAWS, CARS, ROAD)
    things = encounters(SPEC, DRAWS, CARS, NOON, ROAD)
    cells = (index == ENCOUNTERS.index(name)).sum()
    assert (things.kind[things.valid] == THINGS[name]).sum() == cells
    assert THINGS[name].name.lower() in KINDS


def test_a_caution_light_flashes_and_a_dark_lamp_does_not() -> None:
    lit = []
    for tick in range(110):
        things = encounters(SPEC, DRAWS, CARS, NOON + tick, ROAD)
        lit.append(things.state[things.valid & (things.kind == Kind.CAUTION_LIGHT)])
        assert things.state[things.valid & (things.kind == Kind.DARK_LAMP)].max() == 0
    flashes = np.array(lit)  # (ticks, lamps)
    assert set(np.unique(flashes)) == {0.0, 1.0}
    assert ((np.abs(np.diff(flashes, axis=0)).sum(axis=0) >= 18) & (flashes.mean(axis=0) > 0.5)).all()


def test_a_lamp_that_is_lit_glows_and_one_that_is_not_does_not() -> None:
    things = encounters(SPEC, DRAWS, CARS, NOON, ROAD)
    assert np.array_equal(things.glow[things.valid] > 0, things.state[things.valid] > 0)


def test_things_stand_at_the_kerb_where_one_can_see_them() -> None:
    things = encounters(SPEC, DRAWS, CARS, NOON, ROAD)
    kerb = np.broadcast_to(-ROAD.half[:, None], things.valid.shape)
    assert (things.aside < kerb + 0.8)[things.valid].all()
    assert (things.aside > kerb - 3.0)[things.valid].all()


def test_a_lamp_and_its_stand_have_two_numbers_that_last() -> None:
    now, then = (encounters(SPEC, DRAWS, CARS, NOON + tick, ROAD) for tick in (0, 7))
    assert np.array_equal(now.thing, then.thing)
    counted = now.thing[0][now.valid[0] & (now.thing[0] != 0)]
    assert len(np.unique(counted)) == len(counted)
