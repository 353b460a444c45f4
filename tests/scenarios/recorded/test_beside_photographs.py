"""Scene-0061 at its first moment: labelled vehicles in the photographs, and where we paint them."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("beside_photographs")


def test_every_labelled_vehicle_within_60_m_is_painted_in_its_camera_at_its_place(
    bench: ModuleType, camera_boxes: Path, nuscenes_logs: Path
) -> None:
    frame = next(camera_boxes.glob("nuscenes_scene-0061_frame0/*.pkl"))
    moment = bench.Moment(frame, nuscenes_logs / "sd_nuscenes_v1.0-mini_scene-0061.pkl")
    vehicles = moment.vehicles()
    assert len(vehicles) == 8
    assert {each.camera for each in vehicles} == {"CAM_FRONT", "CAM_FRONT_LEFT", "CAM_BACK"}
    for each in vehicles:
        assert each.iou >= 0.85, each
        assert each.visible >= 0.4, each
