"""The proving ground, small: two rules that need nothing but the car's own motion, on a passage or two each."""

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import UnknownRule
from fleet.proving.ground import PROOFS, SITUATIONS
from fleet.proving.page import page_of, told
from fleet.proving.passages import OwnClocks, find
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
