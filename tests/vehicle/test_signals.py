import dataclasses

import numpy as np
import torch
from little_world import LittleWorld

from triggers import SignalTable
from vehicle import Network
from vehicle.perceive import perceive
from vehicle.signals import LIGHT, RADAR, RADAR_ASIDE, RAIN, VSS, column_types, tabulate

CARS = np.arange(6, dtype=np.uint32)


def table(world: LittleWorld, network: Network, tick: int = 700) -> SignalTable:
    frames = world.frames(CARS, tick)
    (percepts,) = perceive([network], frames)
    return tabulate(tick, world, frames, percepts, {})


def test_a_table_has_the_promised_columns_of_the_promised_types(world: LittleWorld, production: Network) -> None:
    columns = table(world, production).columns
    assert columns.keys() == column_types(production).keys()
    for name, kind in column_types(production).items():
        assert columns[name].dtype == {bool: np.bool_, int: np.int64, float: np.float32}[kind], name
        assert columns[name].shape == (6,)


def test_a_candidate_adds_a_column_of_disagreement_for_each_task(production: Network, candidate: Network) -> None:
    added = column_types(production, [candidate]).keys() - column_types(production).keys()
    assert {"weather.disagreement", "pedestrians.disagreement.candidate"} <= added
    assert len(added) == 2 * len(production.tasks)


def test_where_the_radar_hears_nothing_neither_its_distance_nor_its_place_is_known(
    world: LittleWorld, production: Network
) -> None:
    heard = np.array([12.0, np.inf] * 3, np.float32)
    frames = dataclasses.replace(world.frames(CARS, 700), radar_m=heard, radar_aside_m=np.zeros(6, np.float32))
    (percepts,) = perceive([production], frames)
    found = tabulate(700, world, frames, percepts, {})
    for column in (RADAR, RADAR_ASIDE):
        assert found.defined(column).tolist() == [True, False] * 3
        assert not table(world, production).defined(column).any()


def test_motion_stands_in_the_units_of_vss(world: LittleWorld, production: Network) -> None:
    columns = table(world, production).columns
    assert columns["Vehicle.Speed"].tolist() == [36.0] * 6
    assert columns["Vehicle.IsMoving"].all()
    assert columns["Vehicle.TraveledDistance"].tolist() == [100.0] * 6
    assert set(VSS) <= columns.keys()


def test_answers_are_probabilities(world: LittleWorld, production: Network) -> None:
    columns = table(world, production).columns
    for camera in ("main", "rear"):
        assert ((columns[f"pedestrians.{camera}"] > 0) & (columns[f"pedestrians.{camera}"] < 1)).all()


def test_rain_and_light_come_from_the_cars_own_eyes(world: LittleWorld, production: Network) -> None:
    columns = table(world, production).columns
    np.testing.assert_array_equal(columns[RAIN], 100 * columns["weather.rain"])
    frames = world.frames(CARS, 700)
    bright = dataclasses.replace(frames, pixels=torch.full_like(frames.pixels, 255))
    (percepts,) = perceive([production], bright)
    light = tabulate(700, world, bright, percepts, {})[LIGHT]
    assert light.tolist() == [100.0] * 6


def test_without_a_weather_head_rain_is_not_valid(world: LittleWorld, production: Network) -> None:
    blind = dataclasses.replace(production, tasks={"stop_sign": production.tasks["stop_sign"]})
    frames = world.frames(CARS, 700)
    (percepts,) = perceive([production], frames)
    blinded = dataclasses.replace(percepts, network=blind)
    rain = tabulate(700, world, frames, blinded, {})
    assert not rain.defined(RAIN).any()
