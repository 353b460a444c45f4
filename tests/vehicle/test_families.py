from dataclasses import replace

import numpy as np
import pytest
import torch
from little_world import LittleWorld
from torch.nn.functional import binary_cross_entropy_with_logits

from scenarios import KINDS, Truth
from vehicle import TASKS, Task

MAIN, NARROW, REAR = 0, 1, 7


@pytest.fixture
def nothing(world: LittleWorld) -> Truth:
    """One car that has nothing around it, and places for two things."""
    truth = world.truth([0], 700)
    two = {name: np.repeat(getattr(truth, name)[:, :1] * 0, 2, axis=1) for name in ("kind", "encounter")}
    flat = {name: np.zeros((1, 2), np.float32) for name in ("distance_m", "x_m", "y_m", "state")}
    seen = {name: np.zeros((1, 8, 2), np.float32) for name in ("pixels", "visible")}
    return replace(truth, valid=np.zeros((1, 2), bool), box=np.zeros((1, 8, 2, 4), np.float32), **two, **flat, **seen)


def put(truth: Truth, slot: int, kind: str, **values: float) -> Truth:
    """The same with a thing in a place, seen by the cameras given as `main=pixels`."""
    told = {"x_m": 20.0, "y_m": 0.0, "visible": 1.0, "state": 0.0} | values
    cameras = {"main": MAIN, "narrow": NARROW, "rear": REAR}
    copies = {name: getattr(truth, name).copy() for name in ("kind", "valid", "distance_m", "x_m", "y_m", "state")}
    pixels, visible = truth.pixels.copy(), truth.visible.copy()
    copies["kind"][0, slot], copies["valid"][0, slot] = KINDS.index(kind), True
    copies["distance_m"][0, slot] = np.hypot(told["x_m"], told["y_m"])
    for name in ("x_m", "y_m", "state"):
        copies[name][0, slot] = told[name]
    for name, camera in cameras.items():
        pixels[0, camera, slot], visible[0, camera, slot] = told.get(name, 0.0), told["visible"]
    return replace(truth, pixels=pixels, visible=visible, **copies)


def told(name: str, truth: Truth) -> tuple[list[float], list[bool]]:
    task = TASKS[name]
    assert task.labelable is not None
    return task.label(truth)[0].tolist(), task.labelable(truth).reshape(1, -1)[0].tolist()


def test_only_the_cameras_that_show_it_say_yes(nothing: Truth) -> None:
    label, sure = told("pedestrians", put(nothing, 0, "pedestrian", main=40))
    assert label == [1, 0, 0, 0, 0, 0, 0, 0]
    assert all(sure)


def test_what_is_small_or_hidden_is_neither_yes_nor_no(nothing: Truth) -> None:
    for thing in (put(nothing, 0, "pedestrian", main=7), put(nothing, 0, "pedestrian", main=40, visible=0.1)):
        label, sure = told("pedestrians", thing)
        assert label[MAIN] == 0
        assert sure == [False] + [True] * 7


def test_what_fog_swallows_is_neither_yes_nor_no(nothing: Truth) -> None:
    foggy = replace(nothing, severities={**nothing.severities, "fog": np.array([0.9], np.float32)})
    assert told("pedestrians", put(foggy, 0, "pedestrian", main=40, x_m=60))[1][MAIN] is False
    assert told("pedestrians", put(foggy, 0, "pedestrian", main=40, x_m=10))[0][MAIN] == 1


def test_a_thing_hardly_there_is_a_no(nothing: Truth) -> None:
    assert told("pedestrians", put(nothing, 0, "pedestrian", main=1)) == ([0] * 8, [True] * 8)


def test_a_near_miss_is_a_no(nothing: Truth) -> None:
    assert told("stop_sign", put(nothing, 0, "no_entry", main=60)) == ([0], [True])
    assert told("stop_sign", put(nothing, 0, "stop_sign", narrow=60)) == ([1], [True])


def test_a_sign_behind_the_car_does_not_count(nothing: Truth) -> None:
    assert told("stop_sign", put(nothing, 0, "stop_sign", rear=60))[0] == [0]


def test_the_lead_is_the_nearest_vehicle_in_the_own_lane(nothing: Truth) -> None:
    beside = put(nothing, 0, "vehicle", main=300, x_m=12, y_m=3.5, state=1.0)
    assert told("lead", beside) == ([0, 0], [True, False])
    ahead = put(beside, 1, "truck", main=200, x_m=30, state=1.0)
    assert told("lead", ahead) == ([1, 1], [True, True])
    assert told("lead_distance", ahead) == ([30], [True])


def test_the_own_lane_bends(nothing: Truth) -> None:
    bend = replace(nothing, curvature_1pm=np.array([0.005], np.float32))
    assert told("lead", put(bend, 0, "vehicle", main=300, x_m=40, y_m=4.0))[0] == [1, 0]
    assert told("lead", put(bend, 0, "vehicle", main=300, x_m=40, y_m=0.0))[0] == [0, 0]


def test_a_crosswalk_between_near_and_far_is_not_labelled(nothing: Truth) -> None:
    for distance_m, expected in ((10, ([1], [True])), (38, ([0], [False])), (80, ([0], [True]))):
        assert told("crosswalk", replace(nothing, crosswalk_m=np.array([distance_m], np.float32))) == expected


def test_a_distance_reads_in_metres() -> None:
    assert TASKS["lead_distance"].read(torch.zeros(1, 1)).item() == 20


def test_a_users_task_needs_four_functions(nothing: Truth) -> None:
    task = Task(
        outputs=1,
        label=lambda truth: torch.from_numpy(truth.speed_mps > 5).float().unsqueeze(1),
        loss=binary_cross_entropy_with_logits,
        disagree=lambda a, b: (a.sigmoid() - b.sigmoid()).abs().squeeze(1),
    )
    assert task.columns("fast") == ("fast",)
    assert task.label(nothing).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("outputs", "columns"), [(1, ("t",)), (2, ("t.0", "t.1")), (("far", "near"), ("t.far", "t.near"))]
)
def test_columns_are_named_after_task_and_output(outputs: int | tuple[str, ...], columns: tuple[str, ...]) -> None:
    assert replace(TASKS["weather"], outputs=outputs).columns("t") == columns
