"""The proving ground, small: two rules that need nothing but the car's own motion, on a passage or two each."""

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import UnknownRule
from fleet.proving.ground import PROOFS, SITUATIONS
from fleet.proving.page import page_of, told
from fleet.proving.passages import TICKS_PER_S, OwnClocks, find, looks_of
from fleet.proving.prove import Proven as Outcome
from fleet.proving.prove import drive, library_rules
from fleet.report.proving import write_proving
from scenarios import ENCOUNTERS
from vehicle import load_network

RULE = "sloping_road"


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    specs, _ = library_rules([RULE])
    network = load_network("hydranet-v1")
    names = ("sharp_crest", "gentle_crest")
    courses = {name: drive(find(SITUATIONS[name], 1, seed=11), network, list(specs.values())) for name in names}
    return Outcome(network.name, 11, courses, {RULE: PROOFS[RULE]})


def test_nineteen_rules_were_published_and_ship() -> None:
    specs, texts = library_rules(())
    assert len(PROOFS) == len(specs) == 19
    assert all(texts[name].startswith("# ") for name in specs)


def test_every_rule_has_what_must_fire_it_and_a_near_miss_and_all_of_them_exist() -> None:
    for proof in PROOFS.values():
        assert proof.fires_on
        assert proof.silent_on
        assert {*proof.fires_on, *proof.silent_on} <= SITUATIONS.keys()
    met = {situation.meets for situation in SITUATIONS.values() if situation.meets}
    assert met <= {*ENCOUNTERS, "tunnel", "overpass", "blinded_camera", "crest"}


def test_a_rule_fires_on_what_it_must_and_not_on_a_near_miss(outcome: Outcome) -> None:
    assert outcome.share(RULE, "sharp_crest") == (1, 1)
    assert outcome.share(RULE, "gentle_crest") == (0, 1)


def test_a_passage_begins_before_what_is_met(outcome: Outcome) -> None:
    course = outcome.courses["sharp_crest"]
    assert (course.ticks[:, 0] < course.passages.begins).all()


def test_what_falls_on_a_lens_was_not_there_a_moment_before() -> None:
    found = find(SITUATIONS["main_covered"], 2, seed=11)
    assert len(found) == 2
    was, now = (found.world.truth(found.cars, found.begins + shift).covered[:, 0] for shift in (-40, 20))
    assert (was < 0.4).all()
    assert (now > 0.6).all()


def test_a_near_miss_holds_nothing_that_must_fire_the_rule() -> None:
    near_miss = SITUATIONS["motorway_lead"]
    assert near_miss.without is not None
    found = find(near_miss, 2, seed=11)
    assert len(found) == 2
    for look in looks_of(near_miss):
        assert not near_miss.without(found.world.truth(found.cars, found.begins + look)).any()


def test_what_is_over_too_soon_is_no_passage() -> None:
    asked = SITUATIONS["vehicle_beside"]
    found = find(asked, 1, seed=11)
    assert asked.shows is not None
    assert asked.least_s > 0
    lasts = found.begins + round(asked.least_s * TICKS_PER_S)
    assert asked.shows(found.world.truth(found.cars, found.begins)).all()
    assert asked.shows(found.world.truth(found.cars, lasts)).all()


def test_cars_of_a_passage_have_clocks_of_their_own(outcome: Outcome) -> None:
    found = outcome.courses["sharp_crest"].passages
    own = OwnClocks(found.world, found.cars, found.begins)
    there = found.world.motion(found.cars, found.begins + 7)
    assert np.array_equal(own.motion([0], 7).odometer_m, there.odometer_m)


def test_the_page_shows_pictures_shares_and_the_spec(outcome: Outcome, tmp_path: Path) -> None:
    specs, texts = library_rules([RULE])
    write_proving(page_of(outcome, specs, texts), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "1 of 1 rules fire where they must" in text
    assert text.count("data:image/jpeg") == 2
    assert "1 of 1" in text
    assert "kind: expression" in text
    assert told(outcome)["rules"][RULE]["fires_on"]["sharp_crest"]["fired"] == 1


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(UnknownRule, match="no published rule 'slopping_road'; did you mean 'sloping_road'"):
        library_rules(["slopping_road"])
