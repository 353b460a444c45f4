from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triggers import KINDS, SignalTable
from triggers.kinds import build, faults_of

Tables = Callable[..., SignalTable]


def test_a_disagreement_is_with_all_candidates_or_with_one(table: Tables) -> None:
    cars = table(lane__disagreement=[0.1, 0.9], lane__disagreement__v2=[0.1, 0.2])
    of_all, of_one = (
        KINDS["disagreement"](task="lane", threshold=1),
        KINDS["disagreement"](task="lane", threshold=1, candidate="v2"),
    )
    assert of_all(cars).tolist() == cars["lane.disagreement"].tolist()
    assert of_one(cars).tolist() == cars["lane.disagreement.v2"].tolist()


def test_a_disagreement_without_a_value_is_undefined(table: Tables) -> None:
    cars = table(lane__disagreement=[0.1, np.inf, 0.3], valid={"lane__disagreement": [False, True, True]})
    assert np.isnan(KINDS["disagreement"](task="lane", threshold=1)(cars)).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("kind", "params", "faults"),
    [
        ("disagreement", {"task": "a", "threshold": 1}, []),
        ("disagreement", {"task": "a", "threshold": True}, [("threshold", "expected a number, and this is True")]),
        ("disagreement", {"task": 3, "threshold": 1}, [("task", "expected a text, and this is 3")]),
        ("disagreement", {"task": "a", "threshold": 1, "candidate": None}, []),
        ("disagreement", {"task": None, "threshold": 1}, [("task", "expected a text, and this is None")]),
        ("probe", {"weights": "w", "threshold": 0.5, "layer": "trunk"}, []),
        ("probe", {"weights": 5}, [("weights", "expected a file, and this is 5")]),
        ("expression", {}, [("fire_when", "`expression` needs it, and it is not there")]),
    ],
)
def test_parameters_are_checked_against_the_kind(
    kind: str, params: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert faults_of(kind, params) == faults


def test_a_kind_with_open_parameters_takes_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "open", lambda **params: lambda table: table["a"] > params["b"])
    assert faults_of("open", {"b": 3}) == []


def test_files_are_looked_for_beside_the_spec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def of_file(*, file: Path, other: Path | None = None, text: str = "") -> tuple[Path, Path | None, str]:
        return file, other, text

    monkeypatch.setitem(KINDS, "of_file", of_file)
    made = build("of_file", {"file": "a", "other": "/b", "text": "c"}, tmp_path)
    assert made == (tmp_path / "a", Path("/b"), "c")
