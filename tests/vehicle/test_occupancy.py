"""The occupancy tracker's geometry: what answers mean on the ground, and how long that is remembered."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import CLASSES, GRID, Draws
from scenarios.cameras import EIGHT_CAMERAS
from vehicle import Viewer, load_viewer
from vehicle.networks.occupancy import Tuning, added_up, cells_then, evidence, probabilities, remembered
from vehicle.networks.sights import ANSWERS, COLUMNS, ROWS, Reach, first_row, sights_of
from vehicle.perceive import CHUNK

EACH = np.ones(len(CLASSES), np.float32)
REACH = Reach(length_m=3.0, width_m=2.0, girth_m=0.5, margin_m=(0.25, 0.25))
TUNING = Tuning(np.float32([0.3, 0.05, 0.01, 0.02, 0.005]), REACH, 0.5 * EACH, EACH, 0 * EACH)
SIGHTS = sights_of(EIGHT_CAMERAS, REACH)
FIRST = first_row(EIGHT_CAMERAS) * ROWS
SHAPE = (len(EIGHT_CAMERAS.cameras), EIGHT_CAMERAS.height - FIRST, EIGHT_CAMERAS.width // COLUMNS, len(ANSWERS))
VEHICLE = CLASSES.index("vehicle")
X, Y = GRID.middles()[..., 0], GRID.middles()[..., 1]
NOWHERE = np.zeros((GRID.rows * GRID.columns, len(CLASSES)), np.int8)


def empty_street() -> NDArray[np.float32]:
    """Answers of cameras that see open tarmac and nothing on it."""
    logits = np.full(SHAPE, -9.0, np.float32)
    logits[..., ANSWERS.index("drivable")] = 4.0
    return logits


def vehicle_ahead(foot_m: float) -> NDArray[np.float32]:
    """The same with a vehicle across all of every forward camera, whose foot line is so far ahead of the car."""
    logits = empty_street()
    for name in ("main", "narrow", "wide"):
        number = EIGHT_CAMERAS.names.index(name)
        _, row, _ = EIGHT_CAMERAS.cameras[number].project(np.array([foot_m, 0.0, 0.0]))
        row = min(int(row) - FIRST, SHAPE[1] - 1)
        logits[number, row, :, ANSWERS.index("vehicle")] = 9.0
        logits[number, : row + 1, :, ANSWERS.index("hidden")] = 9.0
    return logits


def seen(logits: NDArray[np.float32], name: str = "vehicle") -> NDArray[np.float32]:
    """Log-odds of a class, (rows, columns)."""
    return evidence(logits, SIGHTS, TUNING)[:, CLASSES.index(name)].reshape(GRID.rows, GRID.columns)


def marked(x_m: float, y_m: float) -> NDArray[np.int8]:
    """A remembered look with a vehicle in one cell."""
    look = NOWHERE.copy()
    look[np.hypot(X - x_m, Y - y_m).argmin(), VEHICLE] = 100
    return look


def where(total: NDArray[np.float32]) -> tuple[float, float]:
    """Where a vehicle is most likely."""
    best = int(total[:, VEHICLE].argmax())
    return float(X.ravel()[best]), float(Y.ravel()[best])


def test_open_tarmac_is_drivable_and_empty() -> None:
    away = np.hypot(X, Y) > 3.5
    assert (seen(empty_street(), "drivable")[away] > 2.0).all()
    assert (seen(empty_street())[away] < -1.0).all()  # far off, a cell is hidden from view by its own pixel's size


def test_a_vehicle_stands_from_its_foot_line_as_far_back_as_vehicles_reach() -> None:
    found = seen(vehicle_ahead(9.0))[:, GRID.columns // 2]  # straight ahead
    x = X[:, 0]
    assert (found[(x > 9.4) & (x < 11.6)] > 3.0).all()
    assert (found[(x > 4.5) & (x < 8.0)] < -1.5).all()


def test_what_a_vehicle_hides_is_unknown_and_not_empty() -> None:
    found, ground = (seen(vehicle_ahead(9.0), name)[:, GRID.columns // 2] for name in ("vehicle", "drivable"))
    behind = X[:, 0] > 15.0
    assert np.abs(found[behind]).max() < 0.5
    assert np.abs(ground[behind]).max() < 0.5


def test_a_cell_that_no_camera_sees_is_unknown() -> None:
    beneath = np.hypot(X, Y) < 0.6
    assert (seen(empty_street(), "drivable")[beneath] == 0).all()


def test_looks_are_moved_with_the_car() -> None:
    then = marked(10.25, 2.25)[None]
    for pose, place in {
        (-5.0, 0.0, 0.0): (5.25, 2.25),  # five metres on, it is five metres nearer
        (0.0, 0.0, np.pi / 2): (-2.25, 10.25),  # the car has turned right by a quarter: what was ahead is on the left
        (-4.0, 1.0, 0.0): (6.25, 3.25),
    }.items():
        total = added_up(NOWHERE, then, np.array([pose]), np.array([1]), TUNING)
        assert where(total) == pytest.approx(place, abs=0.51)


def test_a_vehicle_that_becomes_hidden_is_remembered_and_then_forgotten() -> None:
    look, pose = marked(10.25, 2.25)[None], np.zeros((1, 3))
    held = [float(added_up(NOWHERE, look, pose, np.array([age]), TUNING)[:, VEHICLE].max()) for age in (1, 2, 3)]
    assert held == pytest.approx([100 / 16 / 2**age for age in (1, 2, 3)])
    nothing = added_up(NOWHERE, look[:0], pose[:0], np.array([], np.intp), TUNING)  # older than the last look kept
    assert not nothing.any()


def test_what_is_seen_now_outweighs_what_was_seen_then() -> None:
    now = NOWHERE.copy()
    now[:, VEHICLE] = -80  # clearly empty
    total = added_up(now, marked(10.25, 2.25)[None], np.zeros((1, 3)), np.array([1]), TUNING)
    assert (total[:, VEHICLE] < 0.0).all()
    assert total[:, VEHICLE].max() == pytest.approx((50 - 80) / 16)


def test_what_leaves_the_grid_is_forgotten() -> None:
    far = np.array([-60.0, 0.0, 0.0])
    assert (cells_then(far) == GRID.rows * GRID.columns).all()
    assert not added_up(NOWHERE, marked(10.25, 2.25)[None], far[None], np.array([1]), TUNING).any()


def test_where_nobody_has_looked_a_cell_is_as_likely_as_anywhere() -> None:
    maps = probabilities(np.zeros((1, GRID.rows * GRID.columns, len(CLASSES)), np.float32), TUNING)
    assert maps.shape == (1, len(CLASSES), GRID.rows, GRID.columns)
    assert maps[0, :, 3, 5] == pytest.approx(TUNING.prior, rel=1e-5)


def test_a_look_keeps_its_log_odds_to_a_sixteenth_and_never_overflows() -> None:
    kept = remembered(np.array([[0.5, -0.03, 99.0, -99.0, 7.9]], np.float32))
    assert kept.dtype == np.int8
    assert kept.tolist() == [[8, 0, 127, -127, 126]]


def test_numbers_on_a_card_come_back() -> None:
    again = Tuning.from_card(TUNING.on_card())
    assert again.reach == TUNING.reach
    assert np.array_equal(again.prior, TUNING.prior)
    assert np.array_equal(again.decay, TUNING.decay)


@pytest.fixture(scope="module")
def tracker() -> Viewer:
    return load_viewer("occupancy-v1", EIGHT_CAMERAS)


def features(tracker: Viewer, stream: str) -> dict[str, NDArray[np.float32]]:
    """Of CHUNK cars that have nothing to do with one another."""
    draws, sizes = Draws(4), {"fine": (32, 16, 24), "x": (80, 8, 12)}
    assert tracker.card["input"]["cameras"] == SHAPE[0]
    return {
        name: draws.uniform(stream, np.arange(CHUNK * SHAPE[0] * int(np.prod(size))))
        .reshape(CHUNK * SHAPE[0], *size)
        .astype(np.float32)
        for name, size in sizes.items()
    }


def test_a_car_is_seen_the_same_in_any_company(tracker: Viewer) -> None:
    one, other = features(tracker, "these"), features(tracker, "those")
    first = slice(0, SHAPE[0])
    for name, part in other.items():
        part[first] = one[name][first]
    alone = {name: np.concatenate([part[first], np.zeros_like(part[SHAPE[0] :])]) for name, part in one.items()}
    looks = [tracker.look(each) for each in (one, other, alone)]
    assert np.array_equal(looks[0][0], looks[1][0])
    assert np.array_equal(looks[0][0], looks[2][0])
    assert not np.array_equal(looks[0][1], looks[1][1])


def test_a_car_remembers_the_same_in_any_company(tracker: Viewer) -> None:
    looks = [tracker.look(features(tracker, stream)) for stream in ("now", "a second ago", "two seconds ago")]
    earlier = np.stack([*looks[1:], np.zeros_like(looks[0])], axis=1)
    moved = np.tile(np.array([[-6.0, 0.2, 0.01], [-12.0, 0.5, 0.02], [0.0, 0.0, 0.0]]), (CHUNK, 1, 1))
    present = np.tile(np.array([True, True, False]), (CHUNK, 1))
    together = tracker.fuse(looks[0], earlier, moved, present)
    present[1:] = False
    assert np.array_equal(tracker.fuse(looks[0], earlier, moved, present)[0], together[0])
    assert not np.array_equal(tracker.fuse(looks[0], earlier, moved, present)[1], together[1])


def test_the_shipped_tracker_is_bounded_and_says_what_it_was_tuned_on(tracker: Viewer) -> None:
    assert tracker.looks * int(np.prod(tracker.shape)) * tracker.dtype.itemsize <= 160_000
    assert set(tracker.card["thresholds"]) == set(CLASSES)
    assert tracker.card["tuned_on"] >= 64
    assert tracker.card["measured_seed"] != tracker.card["seed"]
