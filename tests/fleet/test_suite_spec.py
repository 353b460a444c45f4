from pathlib import Path

import pytest
from suite_parts import TINY, write_suite

from fleet.engine.suites.finding import quest
from fleet.engine.suites.spec import SUITES, load_suite
from fleet.errors import BadSuite, PluginMissing, SuiteNotFound, UnknownInSuite
from scenarios.cameras import EIGHT_CAMERAS

CAMERAS = [camera.name for camera in EIGHT_CAMERAS.cameras]
SHIPPED = sorted(SUITES.glob("*.yaml"))


def refused(folder: Path, was: str, now: str) -> str:
    assert was in TINY
    file = write_suite(folder, TINY.replace(was, now, 1))
    with pytest.raises(BadSuite) as error:
        whole(file)
    return str(error.value)


def whole(file: Path) -> None:
    """Everything that the suite names is looked up."""
    suite = load_suite(str(file))
    for name in suite.slices:
        quest(suite, name, CAMERAS)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_suite_that_ships_names_only_what_there_is(file: Path) -> None:
    whole(file)


def test_four_suites_ship() -> None:
    assert {"stop_sign", "warning_lamp", "pedestrians", "traffic_light"} <= {file.stem for file in SHIPPED}


def test_a_slice_takes_over_what_the_suite_says(tmp_path: Path) -> None:
    one = load_suite(str(write_suite(tmp_path))).slice("near")
    assert (one.world, one.confidence, one.cameras) == ("all_weather", 0.8, ("main", "narrow", "wide"))


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("    must: recall >= 0.5", "    mist: recall >= 0.5", "tiny.yaml:8: slices.0.mist: unknown field; did you"),
        ("recall >= 0.5", "recall > 0.5", 'tiny.yaml:8: slices.0.must: expected "recall >= 0.8" or'),
        ("recall >= 0.5", "recall >= 1.0", "not even a perfect network passes"),
        ("    cases: 6", "    cases: 2", "with 2 cases not even a perfect network passes 'recall >= 0.5'; it takes 4"),
        ("name: no entry", "name: near", "tiny.yaml:14: slices.1.name: 'near' twice"),
        ("min_pixels: 20", "distance_m: [9, 1]", "expected the smaller number first"),
        ("thing: stop_sign", "thing: stop_sing", "slice 'near': thing: unknown kind 'stop_sing'; did you mean"),
        ("not far", "not fra", "slice 'near': where: unknown slice or trait 'fra'; did you mean 'far'?"),
        ("task: stop_sign", "task: stop_sing", "unknown task 'stop_sing'; did you mean 'stop_sign'?"),
        ("task: stop_sign", "task: lane", "'lane' answers with quantities"),
        ("cameras: [main", "cameras: [mian", "unknown camera 'mian'; did you mean 'main'?"),
        ("task: stop_sign", "task: a\ntask: b", "this key stands twice"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_meant(tmp_path: Path, was: str, now: str, says: str) -> None:
    assert says in refused(tmp_path, was, now)


def test_a_suite_that_is_not_there_is_refused() -> None:
    with pytest.raises(SuiteNotFound, match="did you mean 'stop_sign'"):
        load_suite("stop_sgn")


def test_a_slice_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownInSuite, match="suite 'tiny' has no slice 'nera'; did you mean 'near'"):
        load_suite(str(write_suite(tmp_path))).slice("nera")


def test_a_plugin_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginMissing, match="no_such_fleet"):
        load_suite(str(write_suite(tmp_path, "plugins: [no_such_fleet]\n" + TINY)))
