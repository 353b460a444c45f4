"""Figures of benchmarks: what `outrider bench` tells of them, and of which files."""

import json
import math

from test_cli import refusal

from fleet.measured import HEADS, Figure, row, told


def test_a_figure_is_told_with_its_target_and_its_range() -> None:
    figures = [Figure.of("ratio", [3.0, 1.0, 2.0], 1.5, "a loop"), Figure("lost", 2, 0), Figure("share", math.nan)]
    ratio, lost, share = json.loads(json.dumps(told("tick", figures)))["figures"]
    assert ratio == {
        "bench": "tick", "figure": "ratio", "value": 2.0, "target": 1.5, "floor_or_rival": "a loop", "runs": 3,
        "low": 1.0, "high": 3.0,
    }  # fmt: skip
    assert (lost["value"], lost["low"], lost["high"], lost["runs"]) == (2, 2, 2, 1)
    assert share["value"] is None, "JSON has no number for what could not be counted"


def test_figures_are_rows_of_a_table_for_people() -> None:
    figures = [Figure("ratio", 2.0, 1.5, "a loop", 3, 1.0, 3.0), Figure("share", math.nan)]
    ratio, share = map(row, told("tick", figures)["figures"])
    assert dict(zip(HEADS, ratio, strict=True)) == {
        "bench": "tick", "figure": "ratio", "value": 2.0, "target": 1.5, "range": "1 to 3", "runs": 3,
        "against": "a loop",
    }  # fmt: skip
    assert share[2:5] == (None, None, " to ")


def test_only_benchmarks_are_offered_and_not_what_they_measure_with() -> None:
    said = refusal("bench", "instruments")
    assert "unknown benchmark 'instruments'" in said
    assert "cars" not in said
    assert "did you mean 'soak'?" in refusal("bench", "soack")
