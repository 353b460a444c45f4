import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fixtures import DATA, save_plan
from hypothesis import HealthCheck, settings

# the same examples on every machine, however slow it is
settings.register_profile(
    "same", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "Import this first, so that what it adds goes through tests/contracts, too; repeatable."
    parser.addoption("--plugins", dest="my_fleets", action="append", default=[], metavar="MODULE", help=told)


def pytest_configure(config: pytest.Config) -> None:
    for module in config.getoption("my_fleets"):
        importlib.import_module(module)
    # torch's compiler imports, when it first compiles, code of its own that it deprecates
    config.addinivalue_line("filterwarnings", r"ignore:`torch.jit:DeprecationWarning:torch\.jit")
    config.addinivalue_line("filterwarnings", r"ignore:`torch.jit:DeprecationWarning:torch\.utils")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command that a test calls configures the logs for its own stderr, which is closed when the test is over."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `small.yaml` and everything that it names."""
    folder = tmp_path_factory.mktemp("small")
    save_plan(folder)
    return folder


@pytest.fixture
def drives() -> Path:
    """A folder of recorded drives."""
    if not DATA.is_dir():
        pytest.skip(f"no recorded data at {DATA}; set OUTRIDER_DATA")
    return DATA / "logs_argoverse2_ncsa"
