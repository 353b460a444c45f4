from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from little_viewer import Blocks, make_viewer
from little_world import LittleWorld
from vehicle_parts import spec

from triggers import Memory, Reason
from vehicle import Cut, Loadout, Network, Onboard, Sight, load_viewer
from vehicle.errors import ForeignBackbone, NoViewer

CARS = np.arange(20, dtype=np.uint32)
TICKS = range(660, 860, 20)
SURPRISE = spec("surprise", kind="disagreement", params={"task": "pedestrians", "threshold": 0.02})


def drive(onboard: Onboard, cars: np.ndarray = CARS, loadout_of: np.ndarray | None = None) -> list[Cut]:
    chosen = np.zeros(len(cars), np.uint16) if loadout_of is None else loadout_of
    return [cut for tick in TICKS for cut in onboard.tick(cars, chosen, tick)]


def facts(cuts: list[Cut]) -> list[tuple[object, ...]]:
    return sorted((cut.car, cut.tick, cut.spec.name, cut.score, cut.clip) for cut in cuts)


def test_a_drive_gives_cuts_with_clips_that_come_due(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    onboard = Onboard(world, [equip(spec(), SURPRISE)], first_car=0, cars=100)
    cuts = drive(onboard)
    assert {cut.spec.name for cut in cuts} == {"always", "surprise"}
    assert {cut.clip for cut in onboard.recorder.due(10_000)} == {cut.clip for cut in cuts}


def test_any_split_into_cohorts_and_loadouts_gives_the_same_cuts(
    world: LittleWorld, production: Network, candidate: Network
) -> None:
    def onboard(first: int, cars: int, loadouts: int = 1) -> Onboard:
        memory = Memory(first, cars)
        alike = [Loadout.equip(f"l{i}", production, [candidate], [SURPRISE], memory) for i in range(loadouts)]
        return Onboard(world, alike, first_car=first, cars=cars)

    whole = facts(drive(onboard(0, 20)))
    halves = drive(onboard(0, 7), CARS[:7]) + drive(onboard(7, 13), CARS[7:])
    mixed = drive(onboard(0, 20, loadouts=3), loadout_of=(CARS % 3).astype(np.uint16))
    assert whole
    assert facts(halves) == facts(mixed) == whole


def test_shadows_change_no_cut_of_other_triggers(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    surely = spec("sees", params={"fire_when": "pedestrians.main > 0.5"})
    watched = drive(Onboard(world, [equip(surely)], first_car=0, cars=100))
    alone = drive(Onboard(world, [equip(surely, shadows=())], first_car=0, cars=100))
    assert facts(watched) == facts(alone)


def test_nothing_fires_near_home(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    onboard = Onboard(world, [equip()], first_car=0, cars=100)
    cuts = drive(onboard)
    assert min(cut.tick for cut in cuts) >= 600 + 100  # 10 s after leaving


def test_a_fire_whose_seconds_before_are_not_there_becomes_no_clip(
    world: LittleWorld, equip: Callable[..., Loadout]
) -> None:
    early = spec("early", fire={"edge": "always"}, clip={"before_s": 30, "after_s": 2})
    onboard = Onboard(world, [equip(early)], first_car=0, cars=100)
    cuts, reasons = list[Cut](), dict[int, set[str]]()
    for tick in range(720, 1000, 20):
        cuts += onboard.tick(CARS, np.zeros(len(CARS), np.uint16), tick)
        reasons[tick] = {Reason(int(each)).name for each in onboard.verdicts[0].reasons[:, 0]}
    assert reasons[880] == {"NO_BUFFER"}  # the cars drive from tick 600 on
    assert reasons[900] == {"FIRED"}
    assert min(cut.tick for cut in cuts) == 900


def test_tables_and_tally_tell_what_the_tick_saw(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    onboard = Onboard(world, [equip(), equip()], first_car=0, cars=100)
    onboard.tick(CARS, (CARS % 2).astype(np.uint16), 700)
    assert [len(table) for table in onboard.tables] == [10, 10]
    tally = onboard.tally.take()["candidate", "pedestrians"]
    assert tally[:20, 0].tolist() == [1] * 20
    assert not tally[20:].any()


def test_viewers_give_signals_and_are_compared(
    world: LittleWorld, equip: Callable[..., Loadout], viewers: list[Blocks]
) -> None:
    differ = spec("differ", kind="disagreement", params={"task": "top_down", "threshold": 0.001})
    onboard = Onboard(world, [equip(differ, sight=Sight(tuple(viewers)))], first_car=0, cars=100)
    cuts = drive(onboard)
    (table,) = onboard.tables
    assert {"top_down.free_space_m", "top_down.nearest_obstacle_m"} <= table.columns.keys()
    assert np.array_equal(table["top_down.disagreement"], table["top_down.disagreement.stones"])
    assert onboard.tally.take()["stones", "top_down"][:20, 0].tolist() == [len(TICKS)] * 20
    assert cuts


def test_viewers_change_no_cut_of_other_triggers(
    world: LittleWorld, equip: Callable[..., Loadout], viewers: list[Blocks]
) -> None:
    surely = spec("sees", params={"fire_when": "pedestrians.main > 0.5"})
    above = drive(Onboard(world, [equip(surely, sight=Sight(tuple(viewers)))], first_car=0, cars=100))
    plain = drive(Onboard(world, [equip(surely)], first_car=0, cars=100))
    assert facts(above) == facts(plain)


def test_a_car_without_viewers_has_no_such_signals_and_says_so(equip: Callable[..., Loadout]) -> None:
    asks = spec("asks", params={"fire_when": "top_down.free_space_m < 5"})
    with pytest.raises(NoViewer, match=r"unknown signal 'top_down.free_space_m'(.|\n)*loadout.top_down"):
        equip(asks)


def test_a_viewer_of_another_backbone_is_refused(equip: Callable[..., Loadout], tmp_path: Path) -> None:
    foreign = load_viewer(make_viewer(tmp_path / "foreign", "foreign", "0" * 64), LittleWorld.rig)
    with pytest.raises(ForeignBackbone, match="viewer 'foreign' was made for backbone 000000000000"):
        equip(sight=Sight((foreign,)))


def test_a_tick_without_cars_is_quiet(world: LittleWorld, equip: Callable[..., Loadout]) -> None:
    assert drive(Onboard(world, [equip()], first_car=0, cars=100), CARS[:0]) == []
