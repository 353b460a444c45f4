"""A user's module goes through the same contracts: `pytest tests/contracts --plugins my_fleet`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MY_FLEET = """
from scenarios import CONDITIONS, ENCOUNTERS, Condition, Encounter, thing
from scenarios.paint.scene import Kind

def sandstorm(view, severity):
    return view.mix((0.76, 0.60, 0.42), {share} * severity)

def sandbags(sites):
    return [thing(sites, Kind.BOX, along=sites.along, aside=sites.edge, size=(0.4, 1.2), z=(0.0, {top}),
                  colour=(0.7, 0.6, 0.4), part=0)]

CONDITIONS["sandstorm_of_mine"] = Condition(0.01, sandstorm)
ENCOUNTERS["sandbags_of_mine"] = Encounter("Sandbags at the kerb.", sandbags, per_km=0.01)
"""


@pytest.mark.parametrize(("share", "top", "broken"), [(0.8, 0.6, 0), (1.5, -0.1, 2)])
def test_what_a_module_adds_is_put_to_the_contracts(tmp_path: Path, share: float, top: float, broken: int) -> None:
    (tmp_path / "my_fleet.py").write_text(MY_FLEET.format(share=share, top=top))
    files = [f"tests/contracts/test_{name}.py" for name in ("conditions", "every_encounter")]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *files,
        "--plugins",
        "my_fleet",
        "-k",
        "of_mine",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if broken else 0), done.stdout[-2000:]
    assert " passed" in done.stdout
    assert done.stdout.count("FAILED") >= broken
