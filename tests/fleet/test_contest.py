"""Viewers against one another: what is counted, and what comes of it."""

from dataclasses import replace

import numpy as np
import pytest
from little_viewer import make_viewer

from fleet.engine.contest import REGIONS, Sheet, contest, judged, regions
from fleet.engine.contest_figures import Comparison, overlap, recall, table
from fleet.engine.contest_pictures import contest_picture
from fleet.engine.sampling import Sampler
from scenarios import CLASSES, Draws, open_world
from scenarios.cameras import EIGHT_CAMERAS
from vehicle import Network, Sight, load_network, load_viewer

CARS = 300
NAMES = ("all", "half", "none")


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(open_world("all_weather", seed=5, cars=CARS, compiled=False), CARS, Draws(5))


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("hydranet-v1")


@pytest.fixture(scope="module")
def sight(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Sight:
    folder = tmp_path_factory.mktemp("viewers")
    made = [make_viewer(folder / name, name, network.backbone, scale=2.0 + i) for i, name in enumerate(NAMES)]
    return Sight(tuple(load_viewer(each, EIGHT_CAMERAS) for each in made))


@pytest.fixture(scope="module")
def sheet(sampler: Sampler, sight: Sight) -> Sheet:
    """One viewer that sees the truth, one that sees every other row of it, and one that sees nothing."""
    cars, ticks = sampler.moments(0, 24)
    cells = sampler.world.top_down(cars, ticks).cells.astype(np.float32)
    half = cells.copy()
    half[:, :, ::2] = 0
    maps = {"all": cells, "half": half, "none": 0 * cells}
    return judged(sampler, sight, maps, cars, ticks)


def test_who_sees_the_truth_overlaps_it_wholly_and_who_sees_nothing_not_at_all(sheet: Sheet) -> None:
    for name in CLASSES:
        assert overlap(sheet, 0, name).value == 1.0
        assert overlap(sheet, 1, name).value == pytest.approx(0.5, abs=0.12)
        assert overlap(sheet, 2, name).value == 0.0


def test_a_thing_is_found_by_who_holds_half_of_its_cells(sheet: Sheet) -> None:
    assert len(sheet.distance_m) > 30
    found = [recall(sheet, viewer, least=0.0, most=1.01).value for viewer in range(3)]
    assert found[0] == 1.0
    assert 0.3 < found[1] < 1.0
    assert found[2] == 0.0
    few = recall(sheet, 0, least=0.0, most=0.4)
    assert few.value == 1.0


def test_bands_of_distance_make_up_the_whole() -> None:
    found = dict(zip(REGIONS, regions(EIGHT_CAMERAS), strict=True))
    bands = found["within_10_m"].astype(int) + found["10_to_20_m"] + found["beyond_20_m"]
    assert (bands == 1).all()
    assert found["everywhere"].all()
    assert 0.02 < found["seams"].mean() < 0.3
    assert not found["seams"][:20, 38:42].any()  # straight ahead three cameras look


def test_the_bands_counts_add_up(sheet: Sheet) -> None:
    bands = [REGIONS.index(name) for name in ("within_10_m", "10_to_20_m", "beyond_20_m")]
    assert np.array_equal(sheet.either[..., bands].sum(axis=3), sheet.either[..., REGIONS.index("everywhere")])


def test_a_mean_over_classes_is_of_the_same_classes_for_every_viewer(sheet: Sheet) -> None:
    either, shared = sheet.either.copy(), sheet.shared.copy()
    crosswalk = CLASSES.index("crosswalk")
    either[0, :, crosswalk] = shared[:, :, crosswalk] = 0  # none there, and the first viewer says none
    without = replace(sheet, either=either, shared=shared)
    for viewer in range(3):
        others = [overlap(without, viewer, name).value for name in CLASSES if name != "crosswalk"]
        assert overlap(without, viewer, "all").value == pytest.approx(np.mean(others))


def test_a_contest_is_the_same_whenever_it_is_held(sampler: Sampler, network: Network, sight: Sight) -> None:
    done: list[int] = []
    first, second = (contest(sampler, network, sight, 32, progress=done.append) for _ in range(2))
    assert done == [32, 32]
    assert np.array_equal(first.shared, second.shared)
    assert np.array_equal(first.found, second.found)


def test_figures_name_what_they_are_and_what_they_are_held_against(sheet: Sheet) -> None:
    comparison = Comparison(NAMES)
    sheets = {"everywhere": sheet, "junction": sheet}
    figures = [*comparison.headline(sheet), *comparison.slices(sheets), *comparison.recalls(sheet)]
    by_name = {each.figure: each for each in figures}
    assert len(by_name) == len(figures)
    assert by_name["iou_over_tracker.vehicle"].value == pytest.approx(2.0, abs=0.5)
    assert by_name["iou_over_tracker.standing"].target == 1.3
    assert by_name["iou_less_single.everywhere.all"].value == 1.0
    assert by_name["iou_less_tracker.night.drivable"].runs > 1
    assert "| iou_over_tracker.standing | " in table(figures, comparison)


def test_a_picture_shows_moments_side_by_side(sampler: Sampler, network: Network, sight: Sight) -> None:
    assert contest_picture(sampler, network, sight, rows=2).startswith(b"\x89PNG")
