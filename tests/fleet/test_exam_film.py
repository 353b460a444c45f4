"""A film shows triggers what painting shows them, bit for bit, and is painted once."""

import json
import multiprocessing
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from fixtures import plain_painting

from fleet.errors import DamagedFilm, PainterDied
from fleet.exam import driving, film, films, grounds
from fleet.exam.aims import aim_of
from fleet.exam.crew import Crew, Hands, Kit, Studio
from fleet.exam.driving import Driven, Marks, drive
from fleet.exam.films import STREAM, Film, why_none
from fleet.exam.grounds import Grounds, lead_of
from scenarios import Draws
from triggers import TriggerSpec, load_spec

pytestmark = pytest.mark.timeout(900)  # painting without a compiler, on however busy a machine

BUSY = {
    "name": "busy", "kind": "expression", "params": {"fire_when": "vehicles.main + Vehicle.Speed / 100 > 0.5"},
    "when": "Vehicle.Speed > 1", "fire": {"cooldown_s": 3, "edge": "always"},
}  # fmt: skip
LONG = {**BUSY, "name": "long", "params": {"fire_when": "max(Vehicle.Speed over 6 s) > 5"}}
BLOCKS = 5


def spec(fields: dict[str, object]) -> TriggerSpec:
    return TriggerSpec.model_validate(fields)


@dataclass(frozen=True)
class Scene:
    """A studio and the roads of some triggers."""

    kit: Kit
    studio: Studio
    grounds: Grounds

    def painted(self) -> Driven:
        passes = self.grounds.blocks(STREAM, np.arange(BLOCKS))
        return drive(self.studio.world, self.studio.fitting, passes, self.studio.aim, self.grounds.step)


def scene(*specs: TriggerSpec) -> Scene:
    kit = Kit("mixed_fleet", 1, "hydranet-v1", (), specs, aim_of("caution_light"), 20)
    studio = kit.open()
    return Scene(kit, studio, Grounds(studio.world, Draws(1), 2.0, car_days=40, lead=lead_of(specs, 2.0)))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name, value in ((grounds, "BLOCK", 4), (films, "BLOCK", 4), (film, "REEL", 2), (films, "TOGETHER", 2)):
        monkeypatch.setattr(module, name, value)
    with plain_painting():
        yield


def same(one: Marks, other: Marks) -> None:
    for each in fields(Marks):
        if each.name not in {"judged_s", "spent_s"}:
            a, b = getattr(one, each.name), getattr(other, each.name)
            assert np.array_equal(a, b, equal_nan=True) if isinstance(a, np.ndarray) else a == b


def test_a_film_shows_what_painting_shows_bit_for_bit_whatever_was_examined_on_it_before(tmp_path: Path) -> None:
    short = scene(load_spec("caution_light"), spec(BUSY))
    found = Film.find(tmp_path, short.studio, short.grounds)
    frames, spent_s = found.extend(short.studio, short.grounds, 2)
    assert frames == 2 * (4 + short.grounds.lead)
    assert found.extend(short.studio, short.grounds, 2) == (0, 0.0)  # it is there
    more, _ = found.extend(short.studio, short.grounds, BLOCKS)
    assert more == 4 * (4 + short.grounds.lead)  # whole reels
    shown = found.show(short.studio, short.grounds, BLOCKS)
    same(shown, short.painted())
    assert shown.fires
    long = scene(spec(LONG))
    again = Film.find(tmp_path, long.studio, long.grounds)
    assert again.folder == found.folder
    deeper, _ = again.extend(long.studio, long.grounds, BLOCKS)
    assert deeper == 6 * (long.grounds.lead - short.grounds.lead)  # only what lies further back
    same(again.show(long.studio, long.grounds, BLOCKS), long.painted())
    same(again.show(short.studio, short.grounds, BLOCKS), shown)
    assert again.bill()[0] == frames + more + deeper
    assert again.bill()[1] > spent_s > 0


def test_two_processes_paint_what_one_does_and_end_when_they_are_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "TOGETHER", 2)
    here = scene(spec(BUSY))
    mine, theirs = (Film.find(tmp_path / name, here.studio, here.grounds) for name in ("mine", "theirs"))
    mine.extend(here.studio, here.grounds, BLOCKS)
    (_, rows), *_ = here.grounds.strata_of("caution_light", event=True)
    forced = here.grounds.passes("caution_light", rows[:3])

    def drive_past(hands: Hands | None) -> Driven:
        return drive(here.studio.world, here.studio.fitting, forced, here.studio.aim, here.grounds.step, hands=hands)

    def interrupted(crew: Crew) -> None:
        for _ in crew.each(driving.drive_together, [forced, forced]):
            raise KeyboardInterrupt

    with Crew(here.kit, 2) as crew:
        theirs.extend(here.studio, here.grounds, BLOCKS, hands=crew)
        same(theirs.show(here.studio, here.grounds, BLOCKS, hands=crew), mine.show(here.studio, here.grounds, BLOCKS))
        same(drive_past(crew), drive_past(None))
        with pytest.raises(KeyboardInterrupt):
            interrupted(crew)
    assert not multiprocessing.active_children()
    for path in mine.folder.glob("*.npy"):
        assert path.read_bytes() == (theirs.folder / path.name).read_bytes()


def test_a_process_that_cannot_paint_says_why() -> None:
    kit = Kit("no_such_world", 1, "hydranet-v1", (), (), aim_of("caution_light"), 20)
    with pytest.raises(PainterDied, match="no_such_world"), Crew(kit, 1) as crew:
        list(crew.each(driving.drive_together, [None]))


def test_a_process_that_has_gone_before_it_is_asked_says_why_too() -> None:
    kit = Kit("no_such_world", 1, "hydranet-v1", (), (), aim_of("caution_light"), 20)
    with Crew(kit, 1) as crew:
        crew._start()
        for process in crew._pipes.values():
            process.join()
        with pytest.raises(PainterDied, match="no_such_world"):
            list(crew.each(driving.drive_together, [None]))


def test_a_film_goes_on_where_a_killed_exam_left_it_and_a_damaged_part_is_named(tmp_path: Path) -> None:
    here = scene(spec(BUSY))
    found = Film.find(tmp_path, here.studio, here.grounds)
    found.extend(here.studio, here.grounds, BLOCKS)
    whole = found.show(here.studio, here.grounds, BLOCKS)
    first, second, third = sorted(found.folder.glob("*.npz"))
    first.unlink()  # a kill between its two files
    torn = second.with_suffix(".npy")
    torn.write_bytes(torn.read_bytes()[:-100])
    assert [take.reel for take in found.lacking(BLOCKS, here.grounds.lead)] == [0, 1]
    found.extend(here.studio, here.grounds, BLOCKS)
    same(found.show(here.studio, here.grounds, BLOCKS), whole)
    content = bytearray(third.read_bytes())
    content[len(content) // 2] ^= 255
    third.write_bytes(content)
    with pytest.raises(DamagedFilm, match=re.escape(third.name)):
        found.show(here.studio, here.grounds, BLOCKS)


def test_who_was_examined_on_a_film_is_written_down_and_a_fresh_one_knows_nobody(tmp_path: Path) -> None:
    here = scene(spec(BUSY))
    found = Film.find(tmp_path, here.studio, here.grounds)
    assert found.examined(spec(BUSY), 100) == (1, 1)
    assert found.examined(spec(BUSY), 100) == (2, 1)
    assert found.examined(spec({**BUSY, "version": 2}), 100) == (3, 2)
    fresh = Film.find(tmp_path, here.studio, here.grounds, fresh=True)
    assert (fresh.number, fresh.examined(spec(BUSY), 100)) == (1, (1, 1))
    assert fresh.stream != found.stream
    assert Film.find(tmp_path, here.studio, here.grounds).folder == fresh.folder  # from now on


def test_another_network_has_another_film_and_it_is_said_why(tmp_path: Path) -> None:
    here = scene(spec(BUSY))
    found = Film.find(tmp_path, here.studio, here.grounds)
    assert why_none(tmp_path, here.studio, here.grounds) == ""
    kit = Kit("mixed_fleet", 1, "hydranet-v2-cand", (), (spec(BUSY),), here.studio.aim, 20)
    other = kit.open()
    assert why_none(tmp_path, other, here.grounds) == "the film that there is shows another network"
    assert Film.find(tmp_path, other, here.grounds).folder != found.folder
    assert json.loads((found.folder / "film.json").read_text())["network"][0] == "hydranet-v1"
