from pathlib import Path

import pytest

from scenarios import open_world
from scenarios.errors import BadWorld, NoDrivesNamed, UnknownWorld
from scenarios.exposure import CATALOG, PLACES, load_climate, load_world, world_names

TEXT = (CATALOG / "rainy_city.yaml").read_text()


@pytest.mark.parametrize("name", world_names())
def test_every_shipped_world_opens(name: str) -> None:
    if name == "recorded":
        assert load_climate({}).name == name
    else:
        assert load_world(name).name == name


def test_an_unknown_world_says_which_was_probably_meant() -> None:
    with pytest.raises(UnknownWorld, match="unknown world 'rany_city'; did you mean 'rainy_city'"):
        open_world("rany_city", seed=1, cars=1)


def test_options_replace_what_the_file_says() -> None:
    assert load_world("rainy_city", {"top_speed_mps": 9.0}).top_speed_mps == 9.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("parked_share", "parkd_share", "line17: parkd_share: unknown field; did you mean 'parked_share'"),
        ("high: 1.0", "hihg: 1.0", "line9: conditions.rain.hihg: unknown field; did you mean 'high'"),
        ("  rain:", "  rian:", "line9: conditions.rian: no such condition; did you mean 'rain'"),
        ("balloon:", "baloon:", "line24: encounters_per_km.baloon: unknown name; did you mean 'balloon'"),
        ("parked_share: 0.55", "parked_share: 55", "line17: parked_share: Input should be less than or equal to 1"),
        ('"18:45"', '"25:00"', "line7: night.begins: String should match"),
        ("balloon:", "tunnle:", "line24: encounters_per_km.tunnle: unknown name; did you mean 'tunnel'"),
        ("urban: 0.7", "urbn: 0.7", "line12: roads.urbn: unknown name; did you mean 'urban'"),
        ("urban: 0.7", "urban: 0.6", "line12: roads: shares must sum to 1, not 0.9"),
        ("roads:", "leaving: [0.1, 0.2]\nroads:", "line12: leaving: Tuple should have at least 24 items"),
        (
            "roads:",
            "hours: greensbro\nroads:",
            "line12: hours: no such climate as 'greensbro', and no .csv",
        ),
        ("roads:", "hours: mine.csv\nroads:", "line12: hours: there is no file"),
        ("night: {", "nights: {", "line7: nights: unknown field; did you mean 'night'"),
        ("latitude: 47.61", "latitude: x", "line5: latitude: Input should be a valid number"),
        ("longitude: -122.33", "latitude: 4", "line6: latitude: said twice; first on line 5"),
        ("latitude: 47.61", "latitude: [", "not YAML"),
        ("latitude: 47.61", "latitude: *nowhere", "not YAML: found undefined alias"),
        ("night: {", "night: &me {begins: *me, ", "nested too deep"),
        (TEXT, "", "not a mapping of fields to values"),
        (TEXT, "- rain", "not a mapping of fields to values"),
        (TEXT, "name: \x00", "not YAML"),
    ],
)
def test_a_bad_file_is_told_by_line_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(BadWorld) as caught:
        load_world(str(file))
    assert message in str(caught.value).replace(f"{file}:", "line")


def test_a_world_says_when_it_is_dark_or_where_its_hours_come_from() -> None:
    with pytest.raises(BadWorld, match="say when it is dark"):
        load_world("rainy_city", {"night": None})
    assert load_world("rainy_city", {"night": None, "hours": "miami"}).night is None
    with pytest.raises(BadWorld, match="say when it is dark"):
        load_climate({"night": None, "hours": "miami"})  # recorded drives are in many places


def test_places_have_rates_by_the_same_names_as_things() -> None:
    rates = dict.fromkeys(PLACES, 0.5)
    assert load_world("rainy_city", {"encounters_per_km": rates}).encounters_per_km == rates


def test_a_file_finds_its_hours_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").touch()
    (tmp_path / "mine.yaml").write_text(TEXT + "hours: ours.csv\n")
    assert load_world(str(tmp_path / "mine.yaml")).hours == str(tmp_path / "ours.csv")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(TEXT.replace("evening", "Straße").encode("latin-1"))
    with pytest.raises(BadWorld, match="not YAML"):
        load_world(str(tmp_path / "mine.yaml"))


def test_a_wrong_option_is_told_like_a_wrong_line() -> None:
    with pytest.raises(BadWorld, match="unknown field; did you mean 'top_speed_mps'") as caught:
        open_world("rainy_city", seed=1, cars=1, top_speed=9)
    assert caught.value.line == 0


def test_recorded_drives_want_to_know_where_they_are() -> None:
    with pytest.raises(NoDrivesNamed):
        open_world("recorded", seed=1, cars=1)
