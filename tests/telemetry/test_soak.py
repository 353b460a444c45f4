"""`benchmarks/soak.py` for six seconds: its server is the real command, and its count is right."""

from pathlib import Path

import pytest

import soak


def test_under_steady_load_nothing_is_lost_and_nothing_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "LAG_S", 240.0)  # how fast the tables are is not what is tested here
    figures = {each.figure: each.value for each in soak.soak(tmp_path, minutes=0.1, cars=500, every_s=5.0)}
    assert figures["acknowledged_per_s"] > 0
    assert (figures["lost"], figures["doubled"], figures["lag_at_the_end"], figures["exit_code"]) == (0, 0, 0, 0)


def test_memory_that_grows_shows_in_the_slope() -> None:
    notes = soak.Notes(at_s=[float(at) for at in range(0, 3600, 60)])
    assert notes.slope_mb_per_h([60.0] * 60) == pytest.approx(0.0, abs=1e-6)
    assert notes.slope_mb_per_h([60.0 + at / 360 for at in notes.at_s]) == pytest.approx(10.0)
