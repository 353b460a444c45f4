"""The house as it was agreed: who may import whom, where third-party modules live, and how long things may get."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LADDER = {
    "scenarios": set(),
    "triggers": set(),
    "telemetry": set(),
    "vehicle": {"scenarios", "triggers"},
    "fleet": {"scenarios", "triggers", "telemetry", "vehicle"},
}
HOMES = {  # third-party module: the only places that may import it
    "simpy": ("fleet/simulation/", "fleet/rollout/"),
    "zmq": ("telemetry/",),
    "msgpack": ("telemetry/",),
    "msgspec": ("telemetry/",),
    "apsw": ("telemetry/",),
    "xxhash": ("telemetry/",),
    "deltalake": ("telemetry/",),
    "onnxruntime": ("vehicle/",),
    "pvlib": ("scenarios/climate.py", "scenarios/sun.py"),
    "tuf": ("triggers/packages/",),
    "securesystemslib": ("triggers/packages/",),
    "cryptography": ("triggers/packages/",),
    "sklearn": ("triggers/train.py", "triggers/train/", "fleet/engine/"),
}
NO_TORCH = ("telemetry/", "triggers/", "fleet/report/")
FUNCTION_LINES, FILE_LINES, NAMES = 40, 400, 12
# they have tables that users add to, and what an entry is made of; or rooms; or both ends of a wire and its keys
MORE_NAMES = {"scenarios": 28, "triggers": 16, "vehicle": 28, "telemetry": 25}
SHORT_FILES = {"vehicle/onboard.py": 60, "fleet/simulation/simulation.py": 150, "examples/hello_fleet.py": 55}

SOURCES = sorted(path for package in LADDER for path in (ROOT / package).rglob("*.py"))
every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


@every_source
def test_imports_only_point_down_the_ladder(path: Path) -> None:
    package = _package(path)
    ours = {module.split(".")[0] for module, _ in _imports(path)} & LADDER.keys()
    assert ours - {package} <= LADDER[package]


@every_source
def test_another_package_is_used_by_the_names_it_lists(path: Path) -> None:
    package = _package(path)
    for module, names in _imports(path):
        top, _, below = module.partition(".")
        if top in LADDER and top != package:
            assert not below, f"{module} is the inside of {top}"
            assert set(names) <= _listed(top), f"{top} does not list {sorted(set(names) - _listed(top))}"


@every_source
def test_third_party_modules_stay_at_home(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for module in {module.split(".")[0] for module, _ in _imports(path)}:
        assert place.startswith(HOMES.get(module, (place,))), f"{module} lives in {HOMES[module]}"
        assert module != "torch" or not place.startswith(NO_TORCH), "torch has no business here"


@every_source
def test_logs_are_configured_in_one_place(path: Path) -> None:
    assert path == ROOT / "fleet/logs.py" or "structlog.configure(" not in path.read_text()


@pytest.mark.parametrize("package", LADDER)
def test_a_package_lists_at_most_twelve_names_that_it_has(package: str) -> None:
    assert len(_listed(package)) <= MORE_NAMES.get(package, NAMES)
    defined = {
        name.asname or name.name
        for node in ast.walk(_tree(ROOT / package / "__init__.py"))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in node.names
    }
    assert _listed(package) <= defined | _assigned(_tree(ROOT / package / "__init__.py"))


def test_nobody_is_above_the_fleet() -> None:
    assert len(_tree(ROOT / "fleet/__init__.py").body) == 1


def test_no_two_modules_import_each_other() -> None:
    edges = {_module(path): _modules_needed(path) for path in SOURCES}
    assert not _cycle(edges)


@every_source
def test_a_function_fits_on_a_screen(path: Path) -> None:
    long = [f"{node.name}: {lines}" for node in _functions(path) if (lines := _body_lines(node)) > FUNCTION_LINES]
    assert not long


@every_source
def test_a_file_says_one_thing(path: Path) -> None:
    allowed = SHORT_FILES.get(path.relative_to(ROOT).as_posix(), FILE_LINES)
    assert len(path.read_text().splitlines()) <= allowed


@pytest.mark.parametrize(("place", "lines"), SHORT_FILES.items())
def test_the_files_to_read_first_are_short(place: str, lines: int) -> None:
    assert len((ROOT / place).read_text().splitlines()) <= lines


@every_source
def test_every_function_is_fully_annotated(path: Path) -> None:
    for node in _functions(path):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        bare = [a.arg for a in given if a and a.annotation is None and a.arg not in {"self", "cls"}]
        assert not bare, f"{node.name} says nothing of {bare}"
        assert node.returns is not None, f"{node.name} does not say what comes out"


@every_source
def test_a_module_begins_with_what_it_is_for(path: Path) -> None:
    assert re.match(r"[A-Z`*].*[.:!](\n|$)", ast.get_docstring(_tree(path)) or "", re.DOTALL)


@pytest.mark.parametrize(
    ("start", "heavy"),
    [
        (
            "import telemetry",
            {"torch", "scenarios", "vehicle", "pyarrow", "deltalake", "duckdb", "pandas", "structlog"},
        ),
        ("import triggers", {"torch", "sklearn"}),
        ("import fleet", {"torch", "numpy"}),
        (
            "import sys; sys.argv = ['outrider', '--help']; import fleet.cli.main as m; m.main()",
            {"torch", "duckdb", "scipy"},
        ),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(start: str, heavy: set[str]) -> None:
    listing = f"import atexit, sys; atexit.register(lambda: print('LOADED', *sys.modules)); {start}"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert not loaded & heavy


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Every absolute import of a file, wherever it stands: the module, and the names taken from it."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((name.name, []) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            yield str(node.module), [name.name for name in node.names]


@cache
def _listed(package: str) -> set[str]:
    """A package's `__all__`."""
    for node in _tree(ROOT / package / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def _assigned(tree: ast.Module) -> set[str]:
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return names | {
        ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    }


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring apart."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _modules_needed(path: Path) -> set[str]:
    """The modules of ours that a file imports when it is itself imported."""
    known = {_module(source) for source in SOURCES}
    found: set[str] = set()
    for node in _tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{name.name}" for name in node.names} & known
            found |= parts or ({node.module} & known)
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names} & known
    return found - {_module(path)}


def _cycle(edges: dict[str, set[str]]) -> list[str]:
    """One ring of modules, or nothing (depth first, three colours)."""
    done: set[str] = set()

    def walk(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return trail[trail.index(module) :]
        if module in done:
            return []
        for needed in sorted(edges.get(module, ())):
            if ring := walk(needed, [*trail, module]):
                return ring
        done.add(module)
        return []

    return next((ring for module in sorted(edges) if (ring := walk(module, []))), [])
