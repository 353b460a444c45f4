import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from suite_parts import TINY, blank_network, grow_slice, grown_suite, write_suite

ROOT = Path(__file__).parents[2]
PLUGIN = "fleet.engine.suites.plugin"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    blank_network(folder / "blank")
    return grown_suite(folder)


def run_pytest(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """pytest as CI runs it, with our plugin and no other."""
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, *map(str, words)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def verdicts(file: Path) -> dict[str, str]:
    """Test case to what became of it, as a JUnit file says."""
    cases = ET.parse(file).getroot().iter("testcase")  # noqa: S314 - our own file
    sorts = ("failure", "skipped", "error")
    return {str(case.get("name")): next((one for one in sorts if case.find(one) is not None), "pass") for case in cases}


def test_each_slice_is_an_item_with_a_readable_failure(suite: Path) -> None:
    done = run_pytest(suite.parent, "--outrider-suite", suite, "--outrider-network", "blank", "--junit-xml=out.xml")
    assert done.returncode == 1, done.stderr
    assert verdicts(suite.parent / "out.xml") == {"near": "pass", "no entry": "failure"}
    assert "no entry: false_alarms 1.000 (6 of 6), 80% interval 0.681 to 1.000" in done.stdout
    assert "outrider suite look" in done.stdout
    assert "tiny.yaml::no entry" in done.stdout
    assert "Traceback" not in done.stdout


def test_inconclusive_slices_are_skipped_and_fail_where_it_is_strict(suite: Path, tmp_path: Path) -> None:
    file = write_suite(tmp_path, TINY[: TINY.index("  - name: no entry")])
    grow_slice(file, "near", n=1)
    options = ("--outrider-suite", file, "--outrider-network", suite.parent / "blank")
    lenient = run_pytest(tmp_path, *options, "-rs")
    assert lenient.returncode == 0, lenient.stdout
    assert "inconclusive: 1 of 6 cases" in lenient.stdout
    assert run_pytest(tmp_path, *options, "--outrider-strict").returncode == 1


def test_a_suite_that_does_not_hold_together_ends_in_words(tmp_path: Path) -> None:
    file = write_suite(tmp_path, TINY.replace("must: recall", "must: recoll", 1))
    done = run_pytest(tmp_path, "--outrider-suite", file)
    assert (done.returncode, "tiny.yaml:8: slices.0.must" in done.stderr) == (4, True)


def test_an_unknown_network_ends_in_words(suite: Path) -> None:
    done = run_pytest(suite.parent, "--outrider-suite", suite, "--outrider-network", "hydranett", "-k", "near")
    assert "hydranett" in done.stdout
    assert "Traceback" not in done.stdout


def test_ordinary_runs_are_left_alone(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import sys\ndef test_light():\n    assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)\n"
    )
    (tmp_path / "tiny.yaml").write_text(suite.read_text())
    done = run_pytest(tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_the_plugin_is_named_where_pytest_looks_for_it() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert hasattr(import_module(told["outrider"]), "pytest_addoption")
