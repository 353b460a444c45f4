"""Suites as pytest items: `pytest --outrider-suite suites/stop_sign.yaml --outrider-network NAME`.

pytest loads this module in every run where Outrider is installed: nothing of ours, and nothing heavy, is imported
before a suite is asked for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fleet.engine.suites.running import SliceResult, Trial

FILES = pytest.StashKey[list[Path]]()
PRODUCTION = "hydranet-v1"


class SliceFailed(Exception):
    """A slice that does not hold; its message is for people."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("outrider", "perception suites")
    group.addoption(
        "--outrider-suite",
        action="append",
        default=[],
        metavar="SUITE",
        help="a perception suite, by name or file; repeatable. Without other paths nothing else is collected",
    )
    group.addoption(
        "--outrider-network",
        default=PRODUCTION,
        metavar="NETWORK",
        help=f"the network to test, a shipped name or a folder; {PRODUCTION} by default",
    )
    group.addoption("--outrider-strict", action="store_true", help="inconclusive slices fail instead of being skipped")
    group.addoption("--outrider-repaint", action="store_true", help="accept pictures that are not those stored")


def pytest_configure(config: pytest.Config) -> None:
    """Add the suites to what is collected."""
    config.stash[FILES] = []
    asked = config.getoption("--outrider-suite")
    if not asked:
        return
    from fleet.engine.suites.spec import load_suite
    from fleet.errors import FleetError

    try:
        files = [load_suite(each).file.resolve() for each in asked]
    except FleetError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[FILES] = files
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args.clear()
    config.args.extend(str(file) for file in files if str(file) not in config.args)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SuiteFile | None":
    """A suite's file, where it was asked for."""
    wanted = file_path.resolve() in parent.config.stash[FILES]
    return SuiteFile.from_parent(parent, path=file_path) if wanted else None


class SuiteFile(pytest.File):
    """A suite: one item for each slice. The network is loaded when the first of them runs."""

    trial: "Trial | None" = None

    def collect(self) -> Iterator["SliceItem"]:
        """The slices, in the suite's order."""
        from fleet.engine.suites.spec import load_suite

        for name, asked in load_suite(str(self.path)).slices.items():
            yield SliceItem.from_parent(self, name=name, must=asked.must)

    def run(self, name: str) -> "SliceResult":
        """One slice's outcome."""
        if self.trial is None:
            from fleet.engine.suites.running import Trial
            from fleet.engine.suites.spec import load_suite
            from vehicle import load_network

            network = load_network(self.config.getoption("--outrider-network"))
            repaint = bool(self.config.getoption("--outrider-repaint"))
            self.trial = Trial(load_suite(str(self.path)), network, repaint=repaint)
        return self.trial.run([name], lambda _, __: None)[0]


class SliceItem(pytest.Item):
    """One slice."""

    def __init__(self, *, must: str, **named: Any) -> None:
        super().__init__(**named)
        self.must = must

    def runtest(self) -> None:
        """Pass, fail, or skip where it is inconclusive."""
        assert isinstance(self.parent, SuiteFile)  # noqa: S101 - for the type checker
        result = self.parent.run(self.name)
        told = result.told()
        self.user_properties += [(name, told[name]) for name in ("must", "figure", "low", "high", "n", "verdict")]
        if told["verdict"] == "fail" or (told["verdict"] != "pass" and self.config.getoption("--outrider-strict")):
            raise SliceFailed(result.story())
        if told["verdict"] != "pass":
            pytest.skip(f"inconclusive: {told['why']}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A foreseen failure in words; anything else as pytest shows it."""
        from fleet.errors import root_errors

        if isinstance(excinfo.value, (SliceFailed, *root_errors())):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands and what it is called."""
        return self.path, None, f"{self.path.name}::{self.name} ({self.must})"
