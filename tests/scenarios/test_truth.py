import numpy as np
import pytest
from scenes import drawn, scene_of

from scenarios import CONDITIONS, KINDS, Truth
from scenarios.cameras import EIGHT_CAMERAS
from scenarios.paint.scene import Kind
from scenarios.telling import Known, told

EVENING = 19 * 36_000
CARS = np.arange(24)
ROAD = ("lane_offset_m", "heading_error_rad", "curvature_1pm", "crosswalk_m", "lanes", "speed_mps")


def truth_of(things: list[dict[str, float]]) -> Truth:
    scene = scene_of([things])
    numbers = np.arange(1, len(things) + 1)[None]
    known = Known(numbers, 0 * numbers, 0.0 * numbers)
    road = {name: np.zeros(1) for name in ROAD} | {"road": np.ones(1, np.int64), "tunnel": np.zeros(1, np.bool_)}
    return told(np.zeros(1, np.uint32), np.zeros(1, np.int64), scene, EIGHT_CAMERAS, known, {}, **road)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return drawn("all_weather").truth(CARS, EVENING)


def test_what_hides_behind_a_truck_is_not_visible() -> None:
    truck = {"x": 10.0, "half_length": 3.6, "half_width": 1.2, "z1": 3.0, "kind": Kind.TRUCK}
    walker = {"x": 18.0, "half_length": 0.3, "half_width": 0.3, "z1": 1.7, "kind": Kind.PEDESTRIAN, "round": 0.55}
    told_of = truth_of([truck, walker])
    main = EIGHT_CAMERAS.names.index("main")
    assert told_of.visible[0, main].tolist() == [1.0, 0.0]
    assert told_of.pixels[0, main, 1] == 0
    assert (told_of.box[0, main, 1, 2:] > told_of.box[0, main, 1, :2]).all()  # where it would be


def test_what_is_half_hidden_is_half_visible() -> None:
    wall = {"x": 10.0, "y": 2.0, "half_length": 0.1, "half_width": 2.0, "z1": 3.0}
    car = {"x": 20.0, "half_width": 1.0, "half_length": 2.0, "kind": Kind.VEHICLE}
    main = EIGHT_CAMERAS.names.index("main")
    assert 0.3 < truth_of([wall, car]).visible[0, main, 1] < 0.7


def test_an_empty_place_is_nothing() -> None:
    told_of = truth_of([{"x": 10.0}, {"kind": Kind.NONE, "x": 5.0}])
    assert told_of.valid.tolist() == [[True, False]]
    assert told_of.encounter.tolist() == [[1, 0]]
    assert told_of.pixels[:, :, 1].max() == 0


def test_only_what_stands_there_is_told(truth: Truth) -> None:
    assert np.array_equal(truth.valid, truth.kind > 0)
    assert (truth.encounter[~truth.valid] == 0).all()
    nothing = ~np.broadcast_to(truth.valid[:, None], truth.pixels.shape)
    assert truth.pixels[nothing].max() == 0
    assert truth.visible[nothing].max() == 0
    assert truth.box[nothing].max() == 0


def test_what_is_seen_is_never_more_than_what_is_there(truth: Truth) -> None:
    assert truth.visible.min() >= 0.0
    assert truth.visible.max() <= 1.0
    left, top, right, bottom = np.moveaxis(truth.box, -1, 0)
    most = (right - left) * (bottom - top + 1.0)  # a flat thing can hold the middles of a whole row
    assert (truth.pixels <= most * 1.05).all()
    assert left.min() >= 0
    assert right.max() <= 96
    assert bottom.max() <= 64
    assert top.min() >= 0


def test_places_and_distances_agree(truth: Truth) -> None:
    assert truth.distance_m == pytest.approx(np.hypot(truth.x_m, truth.y_m))


def test_shapes_and_types_are_as_promised(truth: Truth) -> None:
    n, places = truth.kind.shape
    assert (truth.kind.dtype, truth.valid.dtype, truth.encounter.dtype) == (np.uint8, np.bool_, np.int64)
    assert truth.pixels.shape == truth.visible.shape == (n, 8, places)
    assert truth.box.shape == (n, 8, places, 4)
    for name in ("distance_m", "x_m", "y_m", "state", "pixels", "visible", "box", *ROAD):
        assert getattr(truth, name).dtype == np.float32, name
    assert set(truth.severities) == set(CONDITIONS)
    assert (truth.traits.dtype, truth.tilt_deg.dtype, truth.road.dtype) == (np.int64, np.float32, np.uint8)
    assert truth.covered.shape == (n, 8)


def test_the_own_lane_and_the_next_crosswalk_are_told(truth: Truth) -> None:
    assert np.abs(truth.lane_offset_m).max() <= 0.23
    ahead = np.isfinite(truth.crosswalk_m)
    assert ahead.any()
    assert not ahead.all()
    assert truth.crosswalk_m[ahead].min() >= -1.0


def test_everything_that_the_world_meets_has_a_name(truth: Truth) -> None:
    seen = {KINDS[kind] for kind in np.unique(truth.kind[truth.valid])}
    assert {"vehicle", "truck", "pedestrian", "pole", "tree"} <= seen
