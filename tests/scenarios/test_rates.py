import re
from pathlib import Path

import numpy as np
import pytest

from scenarios.encounters import ENCOUNTERS
from scenarios.errors import BadWorld, UnknownRegion
from scenarios.exposure import PLACES
from scenarios.rates import RATES, base_rates, page, per_km
from scenarios.roads import CELL_M
from scenarios.traffic import STRETCH_M
from scenarios.trips import ROADS

PAGE = Path(__file__).parents[2] / "docs" / "base_rates.md"
STOP_SIGNS = ("held", "on_tree", "on_gate", "with_plate", "behind_foliage", "tilted")
every_name = pytest.mark.parametrize("name", [*ENCOUNTERS, *PLACES])
URBAN, MOTORWAY = ROADS.index("urban"), ROADS.index("motorway")


@every_name
def test_every_encounter_and_place_has_a_rate_on_some_road(name: str) -> None:
    assert per_km()[name].shape == (len(ROADS),)
    assert per_km()[name].max() > 0.0


@every_name
def test_every_rate_says_where_it_comes_from(name: str) -> None:
    assert re.match(r"(counted|published|estimate: because): ?\S|estimate: because \S", base_rates().rates[name].source)


def test_nothing_has_a_rate_that_nobody_could_meet() -> None:
    assert set(per_km()) == {*ENCOUNTERS, *PLACES}


def test_every_region_has_its_own_factors_and_their_reasons() -> None:
    assert np.allclose(per_km("europe")["stop_sign"], 0.1 * per_km("us")["stop_sign"])
    assert np.allclose(per_km("europe")["cone"], per_km("us")["cone"])
    assert all(said.because for rate in base_rates().rates.values() for said in rate.regions.values())


def test_rare_things_are_rare() -> None:
    rates = per_km()
    assert all((rates[f"stop_sign_{each}"] < 0.05 * rates["stop_sign"])[URBAN:].all() for each in STOP_SIGNS)
    assert max(rates["stop_sign_held"].max(), rates["stop_sign_on_tree"].max()) <= 1e-3
    assert rates["animal"].max() <= 0.01


def test_a_motorway_has_no_crossings_and_a_city_no_cut_in_a_kilometre() -> None:
    rates = per_km()
    assert all(rates[name][MOTORWAY] == 0.0 for name in ("crosswalk", "junction", "traffic_light", "stop_sign"))
    assert rates["cut_in"].max() < 0.2


@pytest.mark.parametrize("region", base_rates().regions)
def test_a_world_has_room_for_all_of_them(region: str) -> None:
    for on, length_m in (("cell", CELL_M), ("stretch", STRETCH_M)):
        together = sum(row for name, row in per_km(region).items() if name in ENCOUNTERS and ENCOUNTERS[name].on == on)
        assert (together * length_m / 1000.0).max() < 0.95


def test_the_page_says_what_the_file_says() -> None:
    assert PAGE.read_text() == page()


def test_an_unknown_region_says_which_was_probably_meant() -> None:
    with pytest.raises(UnknownRegion, match="unknown region 'europa'; did you mean 'europe'"):
        per_km("europa")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("urban: 0.03,", "urban: -0.03,", "rates.caution_light: a rate is below 0 or above 20 per km"),
        ("urban: 0.03,", "urban: .nan,", "rates.caution_light: a rate is below 0 or above 20 per km"),
        ("urban: 0.03,", "urbn: 0.03,", "rates.caution_light: per_km names .*; expected motorway, urban"),
        ("urban: 0.6,", "urban: 9.6,", "encounters per km on urban in us; expected less than 10"),
        ("{europe: {factor: 0.02", "{europ: {factor: 0.02", "caution_light_on_bus: .*did you mean 'europe'"),
        (
            '    source: "estimate',
            '    sauce: "estimate',
            "rates.caution_light.source: Field required",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text(RATES.read_text().replace(old, new, 1))
    with pytest.raises(BadWorld, match=message):
        base_rates(file)
