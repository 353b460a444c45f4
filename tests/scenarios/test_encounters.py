import itertools

import numpy as np
import pytest
from scenes import changed, drawn

from scenarios import ENCOUNTERS, KINDS, ROADS, Draws, Truth
from scenarios.encounters import Rare
from scenarios.errors import TooOften
from scenarios.exposure import load_world
from scenarios.paint.scene import Kind
from scenarios.roads import CELL_M, often, road_around
from scenarios.traffic import STRETCH_M, stretch_of
from scenarios.trips import Trips

CARS = np.arange(6000, dtype=np.uint32)
SPEC, DRAWS = drawn("all_weather").spec, Draws(7)
NOON = np.full(len(CARS), 432_000)
PROGRESS = Trips(SPEC, DRAWS).progress(CARS, NOON)
ROAD = road_around(SPEC, DRAWS, CARS, PROGRESS)
RARE = Rare(SPEC, DRAWS)


@pytest.mark.parametrize("name", [name for name, each in ENCOUNTERS.items() if each.on == "cell"])
def test_a_thing_beside_the_road_is_met_as_often_as_the_world_says(name: str) -> None:
    index, _ = RARE.met("cell", CARS, ROAD, ROAD.key)
    for road in range(len(ROADS)):
        here = index[ROAD.kind == road]
        share = often(SPEC, name)[road] * CELL_M / 1000.0
        spread = np.sqrt(here.size * share * (1.0 - share))
        assert abs((here == RARE.names.index(name)).sum() - share * here.size) <= 5.0 * spread


@pytest.mark.parametrize("name", [name for name, each in ENCOUNTERS.items() if each.on == "stretch"])
def test_what_goes_along_is_met_as_often_as_the_world_says_where_there_are_lanes_for_it(name: str) -> None:
    key = stretch_of(PROGRESS)[2][:, None]
    index, _ = RARE.met("stretch", CARS, ROAD, key)
    room = ROAD.lanes >= ENCOUNTERS[name].lanes
    share = often(SPEC, name)[ROAD.kind[room]].mean() * STRETCH_M / 1000.0
    found = (index[room, 0] == RARE.names.index(name)).sum()
    assert abs(found - share * room.sum()) <= 5.0 * np.sqrt(room.sum() * share)
    assert not (index[~room, 0] == RARE.names.index(name)).any()


def test_rates_with_no_room_are_refused_and_say_how_much_there_is() -> None:
    spec = load_world("rainy_city", {"encounters_per_km": {"cone": 20.0, "hydrant": 8.0}})
    with pytest.raises(TooOften, match=r"28 per km; there is room for one every 40 m, that is 25 per km"):
        Rare(spec, DRAWS)


def test_what_a_world_asks_for_goes_before_base_rates() -> None:
    spec = load_world("rainy_city", {"encounters_per_km": {"animal": 20.0}, "roads": {"urban": 1.0}})
    index, _ = Rare(spec, DRAWS).met("cell", CARS, road_around(spec, DRAWS, CARS, PROGRESS), ROAD.key)
    assert abs((index == RARE.names.index("animal")).mean() - 0.8) < 0.02


def near(name: str, **changes: object) -> Truth:
    """The truth of 200 cars that meet one sort of thing very often, on an urban road by day."""
    rate = 1.2 if ENCOUNTERS[name].on == "stretch" else 12.0
    plain = {"conditions": {}, "night": {"share": 0.0}, "roads": {"urban": 1.0}}
    world = changed("all_weather", encounters_per_km={name: rate}, **(plain | changes))
    return world.truth(np.arange(200), 432_000)


SIGNS = {
    "stop_sign_held": "held", "stop_sign_on_tree": "on_tree", "stop_sign_on_gate": "on_gate",
    "stop_sign_with_plate": "with_plate", "stop_sign_behind_foliage": "behind_foliage", "stop_sign_tilted": "tilted",
    "caution_light_on_bus": "on_bus", "caution_light_on_barrier": "on_barrier",
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_how_a_thing_is_put_up_is_told(name: str) -> None:
    truth = near(name)
    kind = Kind.STOP_SIGN if name.startswith("stop") else Kind.CAUTION_LIGHT
    marked = truth.has(SIGNS[name])
    assert marked.sum() > 100
    assert (truth.kind[marked] == kind).all()
    tilted = np.abs(truth.tilt_deg) > 20.0
    assert np.array_equal(tilted, truth.has("tilted"))


def test_leaves_hide_a_part_of_the_sign_behind_them() -> None:
    truth, plain = near("stop_sign_behind_foliage"), near("stop_sign")
    seen, free = (
        of.visible[:, 0][
            of.valid & (of.kind == Kind.STOP_SIGN) & (of.x_m > 5) & (of.x_m < 25) & (of.box[:, 0, :, 2] > 0)
        ]
        for of in (truth, plain)
    )
    assert np.median(free) > 0.95
    assert 0.2 < np.median(seen) < 0.8
    assert (seen < 0.5).mean() > 0.2


def test_a_caution_light_flashes_and_a_dark_lamp_does_not() -> None:
    for name, wanted in (("caution_light", {0.0, 1.0}), ("dark_lamp", {0.0})):
        things = near(name)
        kind = Kind.CAUTION_LIGHT if name == "caution_light" else Kind.DARK_LAMP
        assert set(np.unique(things.state[things.kind == kind])) == wanted


def test_a_traffic_light_goes_from_green_over_amber_to_red() -> None:
    world = changed("all_weather", encounters_per_km={"traffic_light": 12.0}, roads={"urban": 1.0})
    car = np.zeros(400, np.int64)
    scene = world.truth(car + 3, 432_000 + np.arange(400))
    states = {}
    for row in range(400):
        for slot in np.flatnonzero(scene.kind[row] == Kind.TRAFFIC_LIGHT):
            states.setdefault(int(scene.encounter[row, slot]), []).append(int(scene.state[row, slot]))
    changes = {pair for shown in states.values() for pair in itertools.pairwise(shown) if pair[0] != pair[1]}
    assert changes <= {(3, 2), (2, 1), (1, 3)}
    assert len(changes) == 3


def test_who_cuts_in_comes_from_the_next_lane_into_the_own_one() -> None:
    truth = near("cut_in")
    lane = np.broadcast_to(truth.lane_offset_m[:, None], truth.y_m.shape)
    cutting = truth.has("cutting_in")
    assert cutting.sum() >= 3
    assert (truth.x_m[cutting] > 4.0).all()
    assert (truth.x_m[cutting] < 30.0).all()
    assert np.abs(truth.y_m + lane)[cutting].max() < 5.0


def test_a_hard_braking_lead_shows_its_lights_and_a_tap_no_trait() -> None:
    hard, tap = near("hard_braking_lead"), near("brake_tap")
    assert (hard.state[hard.has("braking_hard")] == 1.0).all()
    assert hard.has("braking_hard").any()
    assert not tap.has("braking_hard").any()


def test_every_near_miss_resembles_something_that_is_met() -> None:
    known = {*ENCOUNTERS, "crosswalk"}
    assert {of for each in ENCOUNTERS.values() for of in each.near_miss_of} <= known
    landmarks = {"caution_light", "stop_sign", "traffic_light", "speed_sign", "cone", "jaywalker", "cyclist", "animal"}
    behaviours = {"cut_in", "hard_braking_lead", "roof_load", "crosswalk"}
    assert landmarks | behaviours <= {of for each in ENCOUNTERS.values() for of in each.near_miss_of}


def test_near_misses_are_kinds_of_their_own() -> None:
    truth = near("stop_advert")
    assert "advert" in {KINDS[kind] for kind in np.unique(truth.kind)}
    assert (truth.kind == Kind.STOP_SIGN).sum() < (truth.kind == Kind.ADVERT).sum() / 5


def test_a_blinded_camera_is_told_and_shows_nothing() -> None:
    world = changed("all_weather", encounters_per_km={"blinded_camera": 0.5})
    truth = world.truth(np.arange(40), 432_000)
    blind = truth.covered > 0.5
    assert 5 <= blind.sum() <= 40
    pixels = world.frames(np.arange(40), 432_000).pixels.numpy().astype(float)
    assert pixels[blind].std(axis=(-1, -2)).max() < 12.0
    assert pixels[~blind].std(axis=(-1, -2)).mean() > 20.0


def test_in_a_tunnel_there_is_no_sky_and_no_link() -> None:
    world = changed("all_weather", encounters_per_km={"tunnel": 2.0}, night={"share": 0.0}, conditions={})
    cars = np.arange(300)
    inside = world.truth(cars, 432_000).tunnel > 0.5
    driving = world.motion(cars, 432_000).driving
    assert 0.3 < inside.mean() < 0.6
    assert not (world.links(cars, 432_000)[inside & driving] == 1).any()
    rows = np.flatnonzero(inside)[:8], np.flatnonzero(~inside)[:8]
    top = [world.frames(cars[row], 432_000).pixels[:, 0, 2, :6].float().mean() for row in rows]
    assert top[0] < 0.7 * top[1]
