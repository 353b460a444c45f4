import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "new_trigger.py"


def test_the_example_of_a_new_kind_runs_and_says_what_it_saw() -> None:
    done = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "tick 0: BELOW BELOW HELD GATED",
        "tick 1: BELOW FIRED HELD GATED",
        "tick 2: BELOW HELD HELD GATED",
    ]


def test_a_new_kind_takes_eight_lines() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").split("def between")[1].split("def main")[0].splitlines()
    code = [line for line in lines if line.strip() and '"""' not in line]
    assert len(code) <= 8
