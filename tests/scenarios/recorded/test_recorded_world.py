"""Cars that ride along recorded drives."""

from pathlib import Path

import numpy as np
import pytest
import torch
from little_drives import write_argoverse, write_scenario

from scenarios import KINDS, World, open_world
from scenarios.cameras import Rig, load_rig
from scenarios.cameras.files import RIGS
from scenarios.errors import NoDrives
from scenarios.exposure import TICK_US
from scenarios.recorded.world import RecordedWorld

CARS = np.arange(12)


def ride(place: Path | list[str], **options: object) -> RecordedWorld:
    drives = place if isinstance(place, list) else str(place)
    return RecordedWorld(seed=options.pop("seed", 5), cars=12, drives=drives, compiled=False, **options)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two little drives of 2 s: up a slope past a parked car, and east towards a lorry."""
    folder = tmp_path_factory.mktemp("logs")
    write_argoverse(folder / "slope")
    write_scenario(folder / "town" / "street.pkl")
    return folder


@pytest.fixture(scope="module")
def world(logs: Path) -> RecordedWorld:
    return ride(logs)


def test_cars_ride_all_drives_each_from_a_place_of_its_own(world: RecordedWorld) -> None:
    drive, t_us = world.ridden(np.arange(300), 0)
    assert 100 < (drive == 0).sum() < 200
    assert len(np.unique(t_us[drive == 0])) == 20
    assert t_us.max() < 2_000_000


def test_a_drive_that_ends_begins_again(world: RecordedWorld) -> None:
    drive, before = world.ridden(CARS, 100)
    again, after = world.ridden(CARS, 101)
    assert np.array_equal(drive, again)
    assert np.array_equal(after, (before + TICK_US) % 2_000_000)


def test_a_car_moves_as_the_drive_did(world: RecordedWorld) -> None:
    motion, (drive, t_us) = world.motion(CARS, 3), world.ridden(CARS, 3)
    assert motion.speed_mps[drive == 0] == pytest.approx(10.0, abs=0.05)
    assert motion.speed_mps[drive == 1] == pytest.approx(8.0, abs=0.05)
    assert motion.heading_deg[drive == 0] == pytest.approx(0.0, abs=1e-3)
    assert motion.heading_deg[drive == 1] == pytest.approx(90.0)
    assert motion.x_m[drive == 1] == pytest.approx(8.0 * t_us[drive == 1] / 1e6)


def test_what_the_log_has_stands_there(world: RecordedWorld) -> None:
    truth, (drive, t_us) = world.truth(CARS, 3), world.ridden(CARS, 3)
    lorry = truth.kind == KINDS.index("truck")
    assert (lorry.sum(axis=1) == (drive == 1)).all()
    assert truth.x_m[lorry] == pytest.approx(40.0 - 8.0 * t_us[drive == 1] / 1e6, abs=0.01)
    assert truth.y_m[lorry] == pytest.approx(-3.0, abs=0.01)
    walker = (truth.kind == KINDS.index("pedestrian")).any(axis=1)
    assert np.array_equal(walker, (drive == 1) & (t_us >= 1_000_000))
    assert np.isinf(truth.crosswalk_m).all()
    assert not truth.lanes.any()


def test_a_thing_keeps_its_number_all_along_the_drive(world: RecordedWorld) -> None:
    car = np.flatnonzero(world.ridden(CARS, 0)[0] == 1)[0]
    truth = world.truth(np.full(30, car), np.arange(30))
    numbers = truth.encounter[truth.kind == KINDS.index("truck")]
    assert len(np.unique(numbers)) == 1
    assert numbers[0] != 0


def test_any_split_and_order_gives_the_same(world: RecordedWorld) -> None:
    ticks = 7 + 3 * CARS
    truth, pixels = world.truth(CARS, ticks), world.frames(CARS, ticks).pixels
    some = np.array([9, 1, 4])
    assert torch.equal(world.frames(CARS[some], ticks[some]).pixels, pixels[some])
    again = world.truth(CARS[some], ticks[some])
    assert np.array_equal(again.box, truth.box[some])
    assert np.array_equal(again.encounter, truth.encounter[some])
    assert world.truth(CARS[:0], 3).kind.shape[0] == 0


def test_a_log_of_the_night_stays_dark_in_any_climate(tmp_path: Path) -> None:
    world = ride(write_scenario(tmp_path / "street.pkl", description="Night, rain"), night={"share": 0.0})
    assert (world.severities(CARS, 3)["night"] == 1.0).all()


def test_a_log_that_does_not_say_gets_the_climates_light(tmp_path: Path) -> None:
    file = write_scenario(tmp_path / "street.pkl")
    assert (ride(file, night={"share": 0.0}).severities(CARS, 3)["night"] == 0.0).all()
    assert (ride(file, night={"share": 1.0}).severities(CARS, 3)["night"] > 0.0).all()


def test_other_drives_are_another_world(logs: Path, world: RecordedWorld) -> None:
    others = [ride(logs / "town" / "street.pkl"), ride(logs, seed=6), ride(logs, night={"share": 0.1})]
    assert len({each.fingerprint for each in (world, *others)}) == 4
    assert ride([str(logs / "slope"), str(logs / "town" / "street.pkl")]).fingerprint == world.fingerprint


@pytest.mark.parametrize(
    "rig", ["six_tilted", str(RIGS / "six_tilted.yaml"), load_rig("six_tilted")], ids=["name", "file", "rig"]
)
def test_cars_that_ride_along_have_the_rig_they_are_given(logs: Path, rig: str | Rig) -> None:
    world = open_world("recorded", seed=5, cars=12, drives=str(logs), compiled=False, rig=rig)
    assert world.rig == load_rig("six_tilted")
    truth = world.truth(CARS, 3)
    assert truth.box.shape[1] == 6
    assert (truth.pixels > 0).any()


def test_a_place_without_drives_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoDrives):
        ride(tmp_path)


def test_it_is_a_world_like_any_other(world: RecordedWorld) -> None:
    other: World = world
    assert other.links(CARS, 3).tolist() == [1] * 12
    assert other.frames(CARS[:2], 3).pixels.shape == (2, 8, 3, 64, 96)
    assert not other.in_reach(CARS, 3, ["caution_light"]).any()


def test_real_drives_show_roads_and_vehicles(nuscenes_logs: Path) -> None:
    world = ride(nuscenes_logs, night={"share": 0.0}, conditions={})
    truth, pixels = world.truth(CARS, 50), world.frames(CARS[:4], 50).pixels
    assert (truth.pixels.max(axis=(1, 2)) > 30).mean() > 0.5
    assert pixels.float().std() > 20.0
