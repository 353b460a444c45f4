"""The example of a CI job passes, refuses, or says what it would take."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCRIPT = Path(__file__).parents[2] / "examples/ci/trigger_gate.sh"


@pytest.mark.parametrize(
    ("required", "code", "says"),
    [
        ("precision>=0.6", 0, "pass: precision>=0.6"),
        ("precision>=0.99", 1, "fail: precision>=0.99"),
        ("precision>=0.82", 3, "times as many encounters would tell"),
        ("precison>=0.6", 2, ""),
    ],
)
def test_the_exit_code_is_the_exams_and_each_requirement_is_told(
    tmp_path: Path, required: str, code: int, says: str
) -> None:
    n = np.arange(200)
    frames = {"encounter": n, "label": n % 5 > 0, "fired": n % 2 == 0}  # four in five alerts are right
    pq.write_table(pa.table(frames), tmp_path / "frames.parquet")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [SCRIPT, "theirs", required, "--scores", "frames.parquet"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert says in done.stdout
    assert (tmp_path / "exam.html").exists() == (code != 2)
