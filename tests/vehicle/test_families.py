from dataclasses import replace

import numpy as np
import pytest
import torch
from little_world import LittleWorld
from torch.nn.functional import binary_cross_entropy_with_logits

from scenarios import KINDS, TRAITS, Truth
from vehicle import TASKS, Task

MAIN, NARROW, REAR = 0, 1, 7


@pytest.fixture
def nothing(world: LittleWorld) -> Truth:
    """One car that has nothing around it, and places for two things."""
    truth = world.truth([0], 700)
    two = {name: np.repeat(getattr(truth, name)[:, :1] * 0, 2, axis=1) for name in ("kind", "encounter")}
    flat = {name: np.zeros((1, 2), np.float32) for name in ("distance_m", "x_m", "y_m", "state", "tilt_deg")}
    two["traits"] = np.zeros((1, 2), np.int64)
    seen = {name: np.zeros((1, 8, 2), np.float32) for name in ("pixels", "visible")}
    return replace(truth, valid=np.zeros((1, 2), bool), box=np.zeros((1, 8, 2, 4), np.float32), **two, **flat, **seen)


def put(truth: Truth, slot: int, kind: str, *traits: str, **values: float) -> Truth:
    """The same with a thing in a place, seen by the cameras given as `main=pixels`."""
    told = {"x_m": 20.0, "y_m": 0.0, "visible": 1.0, "state": 0.0, "tilt_deg": 0.0} | values
    cameras = {"main": MAIN, "narrow": NARROW, "rear": REAR}
    fields = ("kind", "valid", "distance_m", "x_m", "y_m", "state", "tilt_deg", "traits")
    copies = {name: getattr(truth, name).copy() for name in fields}
    pixels, visible = truth.pixels.copy(), truth.visible.copy()
    copies["kind"][0, slot], copies["valid"][0, slot] = KINDS.index(kind), True
    copies["traits"][0, slot] = sum(1 << TRAITS.index(trait) for trait in traits)
    copies["distance_m"][0, slot] = np.hypot(told["x_m"], told["y_m"])
    for name in ("x_m", "y_m", "state", "tilt_deg"):
        copies[name][0, slot] = told[name]
    for name, camera in cameras.items():
        pixels[0, camera, slot], visible[0, camera, slot] = told.get(name, 0.0), told["visible"]
    return replace(truth, pixels=pixels, visible=visible, **copies)


def told(name: str, truth: Truth) -> tuple[list[float], list[bool]]:
    task = TASKS[name]
    assert task.labelable is not None
    return task.label(truth)[0].tolist(), task.labelable(truth).reshape(1, -1)[0].tolist()


def yes(name: str, truth: Truth) -> set[str]:
    """The columns that a labeller would say yes to."""
    label, sure = told(name, truth)
    columns = TASKS[name].columns(name)
    return {column for column, value, can in zip(columns, label, sure, strict=True) if can and value > 0.5}


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
    for name, near_miss in (("stop_sign", "no_entry"), ("traffic_light", "lamp_sign"), ("cyclist", "bicycle")):
        label, sure = told(name, put(nothing, 0, near_miss, main=60))
        assert (label[0], sure[0]) == (0, True)
    assert yes("stop_sign", put(nothing, 0, "stop_sign", narrow=60)) == {"stop_sign"}


def test_a_sign_behind_the_car_does_not_count(nothing: Truth) -> None:
    assert yes("stop_sign", put(nothing, 0, "stop_sign", rear=60)) == set()


def test_what_is_asked_of_a_sign_is_labelled_only_where_there_is_one(nothing: Truth) -> None:
    assert told("stop_sign", nothing)[1] == [True] + [False] * 6
    held = put(nothing, 0, "stop_sign", "held", main=60, tilt_deg=-25)
    assert told("stop_sign", held)[1] == [True] * 7
    assert yes("stop_sign", held) == {"stop_sign", "stop_sign.held", "stop_sign.tilted"}
    assert yes("stop_sign", put(nothing, 0, "stop_sign", main=60, visible=0.4)) == {"stop_sign", "stop_sign.occluded"}


def test_it_is_asked_of_the_largest(nothing: Truth) -> None:
    both = put(put(nothing, 0, "traffic_light", main=20, state=1), 1, "traffic_light", main=40, state=3)
    assert yes("traffic_light", both) == {"traffic_light", "traffic_light.green"}
    subject = TASKS["traffic_light"].subject
    assert subject is not None
    assert subject(both).tolist() == [1]
    assert subject(nothing).tolist() == [-1]


def test_a_number_is_read_only_where_it_is_large_enough(nothing: Truth) -> None:
    assert told("speed_sign", put(nothing, 0, "speed_sign", main=20, state=2))[1] == [True] + [False] * 4
    assert yes("speed_sign", put(nothing, 0, "speed_sign", main=60, state=2)) == {"speed_sign", "speed_sign.limit_80"}


def test_a_dark_lamp_is_a_lamp_that_is_not_lit(nothing: Truth) -> None:
    assert yes("warning_lamp", put(nothing, 0, "dark_lamp", main=30)) == {"warning_lamp"}
    lit = put(nothing, 0, "caution_light", "on_bus", main=30, state=1)
    assert yes("warning_lamp", lit) == {"warning_lamp", "warning_lamp.lit", "warning_lamp.on_bus"}


def test_the_lead_is_the_nearest_vehicle_in_the_own_lane(nothing: Truth) -> None:
    beside = put(nothing, 0, "vehicle", main=300, x_m=12, y_m=3.5, state=1.0)
    assert told("lead", beside) == ([0, 0], [True, False])
    ahead = put(beside, 1, "truck", main=200, x_m=30, state=1.0)
    assert told("lead", ahead) == ([1, 1], [True, True])
    assert told("lead_distance", ahead) == ([30], [True])


def test_somebody_is_in_the_way_in_the_lane_or_on_the_way_into_it(nothing: Truth) -> None:
    for place, traits, expected in (
        ({"x_m": 15.0, "y_m": 0.5}, (), True),
        ({"x_m": 15.0, "y_m": 3.5}, (), False),
        ({"x_m": 15.0, "y_m": 3.5}, ("crossing",), True),
        ({"x_m": 40.0, "y_m": 0.5}, (), False),
    ):
        assert bool(yes("path_pedestrian", put(nothing, 0, "pedestrian", *traits, main=60, **place))) is expected


def test_only_who_pulls_over_cuts_in(nothing: Truth) -> None:
    assert yes("cut_in", put(nothing, 0, "vehicle", "cutting_in", main=200)) == {"cut_in"}
    assert yes("cut_in", put(nothing, 0, "vehicle", "drifting", main=200)) == set()


def test_a_lens_between_clear_and_covered_is_not_labelled(nothing: Truth) -> None:
    covered = np.array([[0.9, 0.5, 0.1, 0, 0, 0, 0, 0]], np.float32)
    label, sure = told("camera_covered", replace(nothing, covered=covered))
    assert label == [1, 0, 0, 0, 0, 0, 0, 0]
    assert sure == [True, False, True, True, True, True, True, True]


def test_a_road_is_of_one_sort(nothing: Truth) -> None:
    inside = replace(nothing, road=np.array([0], np.uint8), tunnel=np.array([1], np.float32))
    assert yes("road", inside) == {"road.motorway", "road.tunnel"}


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
