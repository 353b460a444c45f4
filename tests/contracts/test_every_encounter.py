"""What every encounter must keep, whoever wrote it: each entry of ENCOUNTERS is put through this."""

from dataclasses import fields, replace

import numpy as np
import pytest

from scenarios import ENCOUNTERS, Encounter, Sites, thing
from scenarios.paint.scene import Kind
from scenarios.sites import THINGS
from scenarios.slots import Slots

COUNT = 40
TICK_S = 0.1


def couch(sites: Sites) -> list[Slots]:
    """A user's encounter: a couch on the right lane."""
    return [
        thing(
            sites, Kind.BOX, along=sites.along, aside=sites.lane, size=(0.5, 1.0), z=(0.0, 0.8),
            colour=(0.5, 0.3, 0.3), part=0,
        )
    ]  # fmt: skip


TO_TRY = {**ENCOUNTERS, "couch": Encounter("A couch on the road.", couch, per_km=0.002)}
every_encounter = pytest.mark.parametrize("encounter", TO_TRY.values(), ids=TO_TRY)


def sites_of(on: str, share: float = 0.5, seconds: float = 1000.0) -> Sites:
    """Sites of every look, ahead and behind, on a road of two lanes."""
    spread = np.linspace(0.0, 0.999, COUNT)
    along = -40.0 + 120.0 * spread if on == "cell" else 10.0 + 30.0 * spread
    same = {name: np.full(COUNT, value) for name, value in
            {"edge": -6.8, "lane": -1.7, "beside": -5.1, "half": 6.8, "lane_width": 3.4}.items()}  # fmt: skip
    return Sites(
        along=along, share=np.full(COUNT, share), travelled_m=np.full(COUNT, 800.0 * share),
        seconds=np.full(COUNT, seconds), a=np.mod(7.0 * spread, 1.0), b=np.mod(13.0 * spread, 1.0), c=spread,
        number=np.arange(COUNT) * 3 + 5, **same,
    )  # fmt: skip


@every_encounter
def test_its_things_have_a_size_and_a_place(encounter: Encounter) -> None:
    things = encounter.place(sites_of(encounter.on))
    assert 1 <= len(things) <= THINGS
    for one in things:
        assert one.valid.shape == (COUNT, 1)
        assert all(np.isfinite(getattr(one, field.name)).all() for field in fields(Slots))
        assert (one.half_length > 0).all()
        assert (one.half_width > 0).all()
        assert (one.z1 > one.z0).all()
        assert (one.z0 >= 0).all()
        colours = np.stack([one.red, one.green, one.blue])
        assert colours.min() >= 0.0
        assert colours.max() <= 1.0


@every_encounter
def test_one_of_its_things_has_a_number_that_no_other_site_has(encounter: Encounter) -> None:
    numbers = np.concatenate([one.thing for one in encounter.place(sites_of(encounter.on))])
    counted = numbers[numbers != 0]
    assert len(counted) >= COUNT
    assert len(np.unique(counted)) == len(counted)


@every_encounter
def test_each_site_is_treated_apart(encounter: Encounter) -> None:
    sites = sites_of(encounter.on)
    together = encounter.place(sites)
    for row in (0, 17, COUNT - 1):
        alone = encounter.place(sites.at((np.array([row]),)))
        for one, other in zip(together, alone, strict=True):
            for field in fields(Slots):
                assert np.array_equal(getattr(one, field.name)[[row]], getattr(other, field.name)), field.name


@every_encounter
def test_its_things_move_from_tick_to_tick_as_things_do(encounter: Encounter) -> None:
    driven_m = 1.4  # by the car, in a tick
    for share in np.arange(0.02, 0.98, 0.03):
        now = sites_of(encounter.on, share)
        further = share + driven_m / 800.0 if encounter.on == "stretch" else share
        then = replace(
            sites_of(encounter.on, further, 1000.0 + TICK_S),
            along=now.along - (driven_m if encounter.on == "cell" else 0.0),
        )
        for one, other in zip(encounter.place(now), encounter.place(then), strict=True):
            assert np.array_equal(one.thing, other.thing)
            over_ground = np.hypot(other.along - one.along + driven_m, other.aside - one.aside)
            assert over_ground.max() < 4.0  # 40 m/s: nothing jumps


@every_encounter
def test_no_sites_are_no_trouble(encounter: Encounter) -> None:
    nobody = sites_of(encounter.on).at((np.zeros(0, np.intp),))
    assert all(one.valid.shape == (0, 1) for one in encounter.place(nobody))


@every_encounter
def test_it_says_in_a_sentence_what_it_is(encounter: Encounter) -> None:
    assert encounter.says.endswith(".")
    assert len(encounter.says) < 60
