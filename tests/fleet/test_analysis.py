"""The analysis scripts run over a finished run, say something and leave a picture."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from synthetic_run import write_run

SCRIPTS = sorted((Path(__file__).parents[2] / "examples/analysis").glob("*.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "evening")


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_an_analysis_prints_its_figures_and_draws_them(script: Path, run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, script, run, picture],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1
    with Image.open(picture) as image:
        assert min(image.size) > 100
        assert len(image.convert("RGB").getcolors(1_000_000) or []) > 10


def test_there_are_six_of_them() -> None:
    assert len(SCRIPTS) >= 6
