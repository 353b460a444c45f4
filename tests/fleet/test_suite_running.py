import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from suite_parts import TINY, blank_network, copied, grow_slice, grown_suite, write_suite
from typer.testing import CliRunner, Result

from fleet.cli import suite as commands
from fleet.engine.suites.cases import Case, append_cases, read_cases
from fleet.engine.suites.running import SliceResult, Trial
from fleet.engine.suites.spec import load_suite
from fleet.errors import BadSuite, UnknownInSuite
from vehicle import VehicleError, load_network


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    blank_network(folder / "blank")
    return grown_suite(folder)


def tried(file: Path, *names: str, **how: object) -> list[SliceResult]:
    return Trial(load_suite(str(file)), load_network(network_of(file)), **how).run(names, lambda _, __: None)


def network_of(file: Path) -> Path:
    """The blank network beside the suite."""
    return file.parent / "blank"


def outrider(*words: object) -> Result:
    app = typer.Typer(rich_markup_mode="rich")
    commands.register(app)
    typer.main.get_command(app)
    return CliRunner().invoke(
        app, ["suite", *(str(word) for word in words)] if _grouped(app) else list(map(str, words))
    )


def _grouped(app: typer.Typer) -> bool:
    return bool(app.registered_groups)


def repainted(file: Path, folder: Path) -> Path:
    """The suite, with two stored hashes that are not those of the pictures."""
    there = copied(file, folder)
    (folder / "blank").symlink_to(network_of(file))
    cases = read_cases(load_suite(str(there)).cases_file)
    load_suite(str(there)).cases_file.unlink()
    append_cases(load_suite(str(there)).cases_file, [_spoilt(case) if i < 2 else case for i, case in enumerate(cases)])
    return there


def _spoilt(case: Case) -> Case:
    return replace(case, pixels="00")


def test_a_slice_passes_and_another_fails(suite: Path) -> None:
    near, no_entry = tried(suite)
    assert (near.verdict, near.judged.k, near.judged.n) == ("pass", 6, 6)
    assert (no_entry.verdict, no_entry.judged.figure) == ("fail", 1.0)


def test_a_failure_says_figure_interval_bound_and_where_to_look(suite: Path) -> None:
    story = tried(suite, "no entry")[0].story()
    assert "false_alarms 1.000 (6 of 6), 80% interval 0.681 to 1.000; must be false_alarms <= 0.5" in story
    assert f"outrider suite look {suite} " in story


def test_another_threshold_gives_another_verdict(suite: Path) -> None:
    assert [each.judged.k for each in tried(suite, threshold=1.0)] == [0, 0]


def test_pictures_that_differ_make_a_slice_inconclusive_until_they_are_accepted(suite: Path, tmp_path: Path) -> None:
    file = repainted(suite, tmp_path)
    near = tried(file, "near")[0]
    assert (near.verdict, near.differing) == ("inconclusive", 2)
    assert "2 of 6 pictures are not those that were stored: another torch or processor painted it" in near.story()
    assert tried(file, "near", repaint=True)[0].verdict == "pass"


def test_too_few_cases_are_inconclusive(suite: Path, tmp_path: Path) -> None:
    file = write_suite(tmp_path)
    (tmp_path / "blank").symlink_to(network_of(suite))
    grow_slice(file, "near", n=4)
    near, no_entry = tried(file)
    assert (near.verdict, near.judged.n) == ("inconclusive", 4)
    assert (no_entry.verdict, no_entry.judged.figure) == ("inconclusive", None)


def test_a_slice_cannot_be_dropped_with_its_cases(suite: Path, tmp_path: Path) -> None:
    file = copied(suite, tmp_path)
    (tmp_path / "blank").symlink_to(network_of(suite))
    file.write_text(TINY.replace("name: near", "name: nearby"))
    with pytest.raises(BadSuite, match="there are cases of 'near', which the suite no longer has"):
        tried(file)


def test_a_network_without_the_task_is_refused(suite: Path) -> None:
    network = load_network(network_of(suite))
    trial = Trial(load_suite(str(suite)), network)
    object.__setattr__(network, "tasks", {})
    with pytest.raises(UnknownInSuite, match="network 'blank' has no task 'stop_sign'"):
        trial.run((), lambda _, __: None)


def test_a_slice_that_is_not_there_is_refused(suite: Path) -> None:
    with pytest.raises(UnknownInSuite, match="did you mean 'near'"):
        tried(suite, "nera")


def test_a_network_that_is_not_there_is_refused(suite: Path) -> None:
    assert isinstance(outrider("run", suite, "--network", "hydranett").exception, VehicleError)


def test_the_command_tells_its_verdict_by_its_exit_code(suite: Path, tmp_path: Path) -> None:
    run = ("run", suite, "--network", network_of(suite))
    assert outrider(*run).exit_code == 1
    assert outrider(*run, "--slice", "near").exit_code == 0
    assert outrider("run", repainted(suite, tmp_path), "--network", network_of(suite), "--slice", "near").exit_code == 3


def test_the_command_gives_one_json_object_and_a_junit_file(suite: Path, tmp_path: Path) -> None:
    done = outrider("run", suite, "--network", network_of(suite), "--json", "--junit", tmp_path / "out.xml")
    told = json.loads(done.stdout)
    assert [one["verdict"] for one in told["slices"]] == ["pass", "fail"]
    assert (told["verdict"], len(told["cases_head"])) == ("fail", 64)
    tests = ET.parse(tmp_path / "out.xml").getroot().findall(".//testcase")  # noqa: S314 - our own file
    assert [(one.get("name"), one.find("failure") is not None) for one in tests] == [
        ("near", False),
        ("no entry", True),
    ]


def test_the_command_grows_a_suite_and_shows_a_case(tmp_path: Path) -> None:
    file = write_suite(tmp_path)
    added = json.loads(outrider("grow", file, "--slice", "near", "--n", 1, "--json").stdout)["added"]
    shown = json.loads(outrider("look", file, 1, "--png", tmp_path / "case.png", "--json").stdout)
    assert shown["recipe"] == added[0]["recipe"]
    assert shown["as_stored"]


def test_the_command_lists_suites_with_their_slices() -> None:
    found = {one["suite"]: one for one in json.loads(outrider("list", "--json").stdout)["suites"]}
    slices = {one["slice"]: one for one in found["stop_sign"]["slices"]}
    assert slices["held by hand"].keys() == {"slice", "must", "cases", "wanted"}


@pytest.mark.parametrize("command", commands.EXAMPLES)
def test_every_command_helps_with_examples(command: str) -> None:
    done = outrider(command, "--help")
    assert done.exit_code == 0
    assert f"outrider suite {command}" in done.stdout
