import numpy as np
import pytest

from scenarios import Draws, open_world
from vehicle import TASKS
from vehicle.lead import ASIDE, DISTANCE, measure_lead, measured_by

WORLD = open_world("sunny_city", seed=3, cars=400)


def test_the_box_of_a_car_says_how_far_it_is_and_where() -> None:
    cars = np.arange(400, dtype=np.uint32)
    truth = WORLD.truth(cars, Draws(3).integers("any time", cars, high=864_000))
    task = TASKS["lead_box"]
    assert task.subject is not None
    which, sides = task.subject(truth), task.label(truth).numpy()
    rows = np.flatnonzero(which >= 0)
    rows = rows[(truth.distance_m[rows, which[rows]] < 30) & (truth.visible[rows, 0, which[rows]] > 0.9)]
    answers = {f"lead_box.{side}": sides[rows, i] for i, side in enumerate(("left", "top", "right", "bottom"))}
    measured, _ = measure_lead({"lead": np.ones(len(rows), np.float32), **answers}, WORLD.rig)
    x, y = (values[rows, which[rows]] for values in (truth.x_m, truth.y_m))
    assert len(rows) > 50
    assert np.median(np.abs(measured[DISTANCE] / (x - 2.3) - 1)) < 0.1  # the box is that of its back
    assert np.median(np.abs(measured[ASIDE] - y)) < 0.2


@pytest.mark.parametrize(("lead", "there"), [(0.9, True), (0.2, False)])
def test_a_box_means_something_only_where_there_is_a_lead(lead: float, *, there: bool) -> None:
    answers = {f"lead_box.{side}": np.array([40.0], np.float32) for side in ("left", "top", "right", "bottom")}
    _, valid = measure_lead({"lead": np.array([lead], np.float32), **answers}, WORLD.rig)
    assert [mask.tolist() for mask in valid.values()] == [[there]] * 6


def test_a_network_that_draws_no_boxes_adds_nothing() -> None:
    assert measure_lead({"lead": np.array([0.9], np.float32)}, WORLD.rig) == ({}, {})
    assert measured_by(["lead", "weather"]) == ()
    assert measured_by(["lead", "lead_box"]) == (DISTANCE, ASIDE)
