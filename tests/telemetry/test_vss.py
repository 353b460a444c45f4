import json
import os
from pathlib import Path
from typing import Any

import pytest

from telemetry.tables import TABLES
from telemetry.vss import RELEASE, SIGNALS, Signal

DATA = Path(os.environ.get("OUTRIDER_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def tree() -> dict[str, Any]:
    file = DATA / "vss" / f"vss_release_{RELEASE}.json"
    if not file.exists():
        pytest.skip("the VSS release is not there")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=list(SIGNALS))
def test_a_signal_is_as_the_release_has_it(tree: dict[str, Any], signal: Signal) -> None:
    leaf: dict[str, Any] = {"children": tree}
    for step in signal.path.split("."):
        leaf = leaf["children"][step]
    ours = (signal.datatype, signal.unit, signal.low, signal.high)
    assert ours == (leaf["datatype"], leaf.get("unit", ""), leaf.get("min"), leaf.get("max"))


def test_telemetry_has_a_column_for_every_signal_with_its_unit() -> None:
    columns = TABLES["signals"].columns
    assert {name: columns[name].unit for name in list(columns)[3:]} == {path: s.unit for path, s in SIGNALS.items()}
