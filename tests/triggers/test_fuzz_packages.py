import json
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "benchmarks/fuzz_packages.py"


def test_hostile_packages_and_campaigns_raise_only_errors_of_ours() -> None:
    """The first 1,000 inputs of the benchmark, which ends at anything else."""
    done = subprocess.run([sys.executable, str(FUZZ), "1000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = {each["figure"]: each["value"] for each in json.loads(done.stdout)["figures"]}
    for what in ("packages", "campaigns"):
        assert figures[f"{what}.inputs"] == 500
        assert 0 < figures[f"{what}.accepted"] < 250
        assert figures[f"{what}.growth_mb"] < 50
