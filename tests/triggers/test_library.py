from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triggers import Evaluator, Memory, Reason, SignalTable, load_spec
from triggers.errors import MissingWeights
from triggers.probe import Probe
from triggers.spec import LIBRARY, shipped

Tables = Callable[..., SignalTable]
Row = dict[str, list[Any]]

COLUMNS = {
    "Vehicle.IsMoving": bool,
    "Vehicle.Speed": float,
    "Vehicle.Acceleration.Longitudinal": float,
    "pedestrians.disagreement": float,
}


def fired(name: str, table: Tables, ticks: list[Row]) -> int:
    """How often one car fires over these rows, one a second."""
    evaluator = Evaluator([load_spec(name)], Memory(0, 1), tick_us=100_000, columns=COLUMNS, backbone="")
    reasons = [evaluator.observe(table(tick=10 * i, **row)).reasons[0, 0] for i, row in enumerate(ticks)]
    return reasons.count(Reason.FIRED)


def driving(**columns: float) -> Row:
    return {"Vehicle__IsMoving": [True]} | {name: [value] for name, value in columns.items()}


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_trigger_loads_by_its_name(name: str) -> None:
    spec = load_spec(name)
    assert (spec.name, spec.folder) == (name, LIBRARY)


@pytest.mark.parametrize(("strength", "fires"), [(-6.0, 1), (-3.5, 0)])
def test_hard_braking_fires_on_braking_hard_and_not_on_braking_well(table: Tables, strength: float, fires: int) -> None:
    course = [0.0, 0.0, strength, strength, strength, 0.0]
    rows = [driving(Vehicle__Acceleration__Longitudinal=each) for each in course]
    assert fired("hard_braking", table, rows) == fires


def test_one_bump_is_not_hard_braking(table: Tables) -> None:
    rows = [driving(Vehicle__Acceleration__Longitudinal=each) for each in [0.0, -9.0, 0.0, 0.0]]
    assert fired("hard_braking", table, rows) == 0


@pytest.mark.parametrize(("most", "fires"), [(0.8, 1), (0.08, 0)])
def test_shadow_surprise_fires_where_the_candidate_sees_otherwise(table: Tables, most: float, fires: int) -> None:
    rows = [driving(pedestrians__disagreement=each) for each in [0.03, most, 0.10, most, 0.03]]
    assert fired("shadow_surprise", table, rows) == fires


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
