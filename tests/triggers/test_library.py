from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triggers import Evaluator, Memory, Reason, SignalTable, load_spec
from triggers.errors import MissingWeights
from triggers.probe import Probe
from triggers.spec import LIBRARY, shipped

RADAR = "Vehicle__ADAS__ObstacleDetection__Front__Center__Distance"
AHEAD = {
    "lead": 1.0, "lead_distance__m": 14.0, RADAR: 11.0, "radar__aside_m": 0.0, "lane__offset_m": 0.0,
    "lane__heading_deg": 0.0, "camera_covered__main": 0.0, "camera_covered__narrow": 0.0,
    "Vehicle__AngularVelocity__Yaw": 0.0,
}  # fmt: skip
"""A vehicle ahead that keeps its distance, and nothing else to tell."""

Tables = Callable[..., SignalTable]
Row = dict[str, list[Any]]

COLUMNS = {
    "Vehicle.IsMoving": bool,
    "Vehicle.Speed": float,
    "Vehicle.Acceleration.Longitudinal": float,
    "pedestrians.disagreement": float,
    **{name.replace("__", "."): float for name in AHEAD},
}


def fired(name: str, table: Tables, ticks: list[Row], every: int = 10) -> int:
    """How often one car fires over these rows, one every so many ticks; a second, if nothing is said."""
    evaluator = Evaluator([load_spec(name)], Memory(0, 1), tick_us=100_000, columns=COLUMNS, backbone="")
    reasons = [evaluator.observe(table(tick=every * i, **row)).reasons[0, 0] for i, row in enumerate(ticks)]
    return reasons.count(Reason.FIRED)


def driving(**columns: float) -> Row:
    return {"Vehicle__IsMoving": [True]} | {name: [value] for name, value in columns.items()}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_trigger_loads_by_its_name(name: str) -> None:
    spec = load_spec(name)
    assert (spec.name, spec.folder) == (name, LIBRARY)


@pytest.mark.parametrize(("strength", "fires"), [(-6.0, 1), (-3.5, 0)])
def test_hard_braking_fires_on_braking_hard_and_not_on_braking_well(table: Tables, strength: float, fires: int) -> None:
    pulls = [0.0, 0.0, strength, strength, strength, 0.0]
    rows = [driving(Vehicle__Acceleration__Longitudinal=each) for each in pulls]
    assert fired("hard_braking", table, rows) == fires


def test_one_bump_is_not_hard_braking(table: Tables) -> None:
    rows = [driving(Vehicle__Acceleration__Longitudinal=each) for each in [0.0, -9.0, 0.0, 0.0]]
    assert fired("hard_braking", table, rows) == 0


@pytest.mark.parametrize(("most", "fires"), [(0.8, 1), (0.08, 0)])
def test_shadow_surprise_fires_where_the_candidate_sees_otherwise(table: Tables, most: float, fires: int) -> None:
    rows = [driving(pedestrians__disagreement=each) for each in [0.03, most, 0.10, most, 0.03]]
    assert fired("shadow_surprise", table, rows) == fires


def course(**columns: list[float]) -> list[Row]:
    """Twenty looks at a vehicle ahead; columns: those that change, the last value of each stays."""
    return [
        driving(**AHEAD | {name: values[min(i, len(values) - 1)] for name, values in columns.items()})
        for i in range(20)
    ]


@pytest.mark.parametrize(
    ("columns", "fires"),
    [
        ({"radar__aside_m": [0.0] * 11 + [1.0]}, 1),
        ({"radar__aside_m": [0.0] * 11 + [1.0], "lane__offset_m": [0.0] * 11 + [-1.0]}, 0),  # the car itself moved
        ({"radar__aside_m": [0.0] * 11 + [1.0, 0.0]}, 0),  # one echo that wanders
        ({"radar__aside_m": [0.0] * 11 + [1.0], RADAR: [11.0] * 11 + [4.0]}, 0),  # another thing, nearer
    ],
)
def test_a_lead_moves_sideways_where_the_radar_hears_it_elsewhere_in_the_lane(
    table: Tables, columns: dict[str, list[float]], fires: int
) -> None:
    assert fired("lead_moves_sideways", table, course(**columns), every=4) == fires


@pytest.mark.parametrize(
    ("columns", "fires"),
    [
        ({"lead_distance__m": [14.0] * 6 + [13.0, 16.0] * 7}, 1),
        ({"lead_distance__m": [14.0 - 0.4 * i for i in range(20)], RADAR: [11.0 - 0.4 * i for i in range(20)]}, 0),
        ({RADAR: [11.0] * 6 + [8.0, 11.0] * 7}, 0),  # it is the radar's that swings
    ],
)
def test_a_box_jitters_where_its_depth_swings_and_the_radars_does_not(
    table: Tables, columns: dict[str, list[float]], fires: int
) -> None:
    assert fired("box_jitter", table, course(**columns), every=4) == fires


@pytest.mark.parametrize(("narrow", "fires"), [(0.0, 1), (1.0, 1)])
def test_a_camera_is_blinded_anew_whether_or_not_the_other_is_already(table: Tables, narrow: float, fires: int) -> None:
    rows = course(camera_covered__main=[0.0] * 10 + [1.0], camera_covered__narrow=[narrow])
    assert fired("camera_blinded", table, rows, every=4) == fires


def test_what_covers_a_camera_all_the_time_blinds_it_no_more(table: Tables) -> None:
    assert fired("camera_blinded", table, course(camera_covered__main=[1.0]), every=4) == 0


def test_a_probe_without_its_weights_is_refused_when_it_is_to_run(tmp_path: Path) -> None:
    path = tmp_path / "caution_light.yaml"
    path.write_text((LIBRARY / "caution_light.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    spec = load_spec(path)
    with pytest.raises(MissingWeights, match=r"caution_light.safetensors: no such weights"):
        Evaluator([spec], Memory(0, 1), tick_us=100_000, columns=COLUMNS, backbone="ab")


def test_a_probe_finds_its_weights_beside_its_spec(tmp_path: Path, probe: Probe, table: Tables) -> None:
    path = tmp_path / "caution_light.yaml"
    path.write_text((LIBRARY / "caution_light.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    probe.save(tmp_path / "caution_light.safetensors")
    evaluator = Evaluator([load_spec(path)], Memory(0, 3), tick_us=100_000, columns=COLUMNS, backbone=probe.backbone)
    cars = table(Vehicle__IsMoving=[True] * 3, Vehicle__Speed=[30.0, 5.0, 30.0])
    verdicts = evaluator.observe(cars)
    assert np.array_equal(verdicts.scores[[0, 2], 0], probe(cars)[[0, 2]])
    assert Reason(verdicts.reasons[1, 0]) is Reason.GATED
