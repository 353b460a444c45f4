"""Where the recorded drives are that some tests look at; without them these tests are skipped."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("OUTRIDER_DATA") or Path(__file__).parents[4] / "shared" / "data")


def _folder(name: str) -> Path:
    place = DATA / name
    if not place.exists():
        pytest.skip(f"no recorded data at {place}; set OUTRIDER_DATA")
    return place


@pytest.fixture(scope="session")
def argoverse_logs() -> Path:
    return _folder("logs_argoverse2_ncsa")


@pytest.fixture(scope="session")
def nuscenes_logs() -> Path:
    return _folder("logs_nuscenes_ncsa")


@pytest.fixture(scope="session")
def commonroad_logs() -> Path:
    return _folder("logs_commonroad_ngsim")


@pytest.fixture(scope="session")
def camera_boxes() -> Path:
    return _folder("camera_boxes_ncsa")
