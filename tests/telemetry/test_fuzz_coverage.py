"""`benchmarks/fuzz_coverage.py` for a few thousand messages, where libFuzzer is there."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fuzz_coverage.py"
BREAKS = """
import runpy, sys
sys.argv = sys.argv[1:]
import atheris
with atheris.instrument_imports(include=["telemetry"]):
    from telemetry import codec, intake
whole, known, calls = codec.decode, set(), [0]
def breaks(frames):
    message, parts = whole(frames)
    calls[0] += 1
    if calls[0] < 200:  # those that it begins with
        known.add(codec.digest_of(frames))
    elif codec.digest_of(frames) not in known:
        raise KeyError("found")
    return message, parts
intake.decode = breaks
sys.path.insert(0, str(__import__("pathlib").Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def fuzzed(folder: Path, *before: str) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("atheris", reason="needs the extra `fuzz`")
    (folder / "corpus").mkdir()
    options = ["-runs=3000", "-seed=1", "-max_len=4096", f"-artifact_prefix={folder}/", str(folder / "corpus")]
    command = [sys.executable, *before, str(BENCHMARK), "fuzz", *options]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def test_messages_that_learn_meet_nothing_but_refusals(tmp_path: Path) -> None:
    done = fuzzed(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr


def test_a_door_that_breaks_on_some_message_is_found(tmp_path: Path) -> None:
    done = fuzzed(tmp_path, "-c", BREAKS)
    assert done.returncode != 0
    assert "KeyError: 'found'" in done.stderr + done.stdout
