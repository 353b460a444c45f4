"""The figure to show: what is painted covers what was logged, in all eight cameras; see benchmarks/painted_boxes.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from painted_boxes import Comparison, compared
from scenarios.recorded import open_drives

MOMENTS = 3


@pytest.fixture(scope="module")
def every(argoverse_logs: Path, nuscenes_logs: Path, commonroad_logs: Path) -> list[Comparison]:
    """Every drive at a few logged moments."""
    return [each for logs in (argoverse_logs, nuscenes_logs, commonroad_logs) for each in compared(logs, MOMENTS)]


def test_painted_boxes_cover_the_logged_ones_in_every_drive(every: list[Comparison], record_property: Callable) -> None:
    for each in every:
        record_property(f"median_iou of {each.drive}", each.median_iou)
        assert len(each.overlaps) > 30
        assert each.median_iou >= 0.95, each.told()


def test_painted_boxes_cover_the_logged_ones_overall(every: list[Comparison], record_property: Callable) -> None:
    overall = float(np.median([overlap for each in every for overlap in each.overlaps]))
    record_property("median_iou", overall)
    assert overall >= 0.95


def test_every_drive_there_is_was_compared(every: list[Comparison], argoverse_logs: Path) -> None:
    names = {drive.name for drive in open_drives(argoverse_logs)}
    assert names <= {each.drive for each in every}
    assert {each.source for each in every} == {"argoverse2-sensor", "argoverse2-motion", "scenarionet", "commonroad"}
