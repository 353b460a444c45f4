"""From a YAML file and `--set` to a `RunPlan`, checked down to every name before anything starts."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from fleet.errors import BadPlan, PlanNotFound, PluginMissing, Problem, hint, root_errors
from fleet.plan import RunPlan
from fleet.yaml_lines import Lines, parse, parse_scalar

if TYPE_CHECKING:
    from scenarios import World

PLANS = Path(__file__).parent / "plans"
# a part that may be written as one word, and the field the word is for
_SHORT = {"world": "name", "uplink": "kind", "top_down": "production"}


def plan_names() -> list[str]:
    """The plans that ship."""
    return sorted(path.stem for path in PLANS.glob("*.yaml"))


def load_plan(source: str, overrides: Sequence[str] = ()) -> RunPlan:
    """A plan that ships, by name, or from a file, with `a.b=c` overrides; all names in it are known afterwards.

    Raises PlanNotFound, BadPlan (every wrong field with file, line, what was expected) and PluginMissing.
    """
    path = PLANS / f"{source}.yaml" if source in plan_names() else Path(source)
    if not path.is_file():
        raise PlanNotFound(source, plan_names())
    shown = path.name if path.parent == PLANS else str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadPlan([Problem(shown, "", f"not UTF-8 text: {error.reason}")]) from error
    raw, lines = parse(text, shown)
    if not isinstance(raw, dict):
        raise BadPlan([Problem(lines.where(()), "", "expected a mapping of fields to values")])
    origin = _Origin(lines, overrides)
    merged = origin.apply({"name": path.stem, **raw})
    plan = _checked(merged, origin)
    load_plugins(plan, path.parent)
    return _with_known_names(_anchored(plan, path.resolve().parent), origin)


def load_plugins(plan: RunPlan, *beside: Path) -> None:
    """Import the plan's plugins, looked for on the path, in the working directory and beside the plan."""
    import_plugins(plan.plugins, *beside)


def import_plugins(modules: Sequence[str], *beside: Path) -> None:
    """Import modules by name, looked for on the path, in the working directory and beside. Raises PluginMissing."""
    for folder in (Path.cwd(), *beside):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise PluginMissing(module, str(error)) from error


class _Origin:
    """Where each value came from: a line of the file or a `--set`."""

    def __init__(self, lines: Lines, overrides: Sequence[str]) -> None:
        self.lines = lines
        self.overrides = [self._split(text) for text in overrides]

    def apply(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The document with the overrides laid over it."""
        for keys, value, text in self.overrides:
            inner: Any = raw
            for key in keys[:-1]:
                if not isinstance(inner.get(key), dict):
                    inner[key] = {} if inner.get(key) is None else {_SHORT.get(key, key): inner[key]}
                inner = inner[key]
            if not keys[-1]:
                raise BadPlan([Problem(f"--set {text}", "", "expected field=value")])
            inner[keys[-1]] = value
        return raw

    def where(self, path: tuple[str | int, ...]) -> str:
        """`file:line`, or the `--set` that gave the value."""
        for keys, _, text in reversed(self.overrides):
            if path[: len(keys)] == tuple(keys):
                return f"--set {text}"
        return self.lines.where(path)

    @staticmethod
    def _split(text: str) -> tuple[list[str], Any, str]:
        field, equals, value = text.partition("=")
        if not equals or not field.strip():
            raise BadPlan([Problem(f"--set {text}", "", "expected field=value, for instance cars=500")])
        return field.strip().split("."), parse_scalar(value, f"--set {text}"), text


def _checked(raw: dict[str, Any], origin: _Origin) -> RunPlan:
    try:
        return RunPlan.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(dict(one), origin) for one in error.errors(include_url=False)]
        raise BadPlan(problems) from error


def _problem(error: Mapping[str, Any], origin: _Origin) -> Problem:
    path = tuple(error["loc"])
    field = ".".join(map(str, path))
    if error["type"] == "extra_forbidden":
        return Problem(origin.where(path), field, f"unknown field{hint(str(path[-1]), _fields_beside(path))}")
    if error["type"] == "missing":
        return Problem(origin.where(path[:-1]), field, "this field is needed")
    expected = re.sub(r"^(Value error, |Input should be )", "", error["msg"])
    return Problem(origin.where(path), field, f"expected {expected}, got {error['input']!r}")


def _fields_beside(path: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = RunPlan
    for key in path[:-1]:
        inner = model.model_fields.get(str(key))
        candidates = [inner.annotation, *get_args(inner.annotation)] if inner else []
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _anchored(plan: RunPlan, folder: Path) -> RunPlan:
    """The plan with the files it names made absolute, so that a run can be resumed from anywhere."""

    def anchor(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [anchor(one) for one in value]
        if isinstance(value, dict):
            return {key: anchor(one) for key, one in value.items()}
        if isinstance(value, str) and ("/" in value or "." in value):
            found = [base / value for base in (folder, Path.cwd()) if (base / value).exists()]
            return str(found[0].resolve()) if found else value
        return value

    raw = plan.model_dump(mode="json")
    raw |= {key: anchor(raw[key]) for key in ("world", "loadout", "uplink")}
    return RunPlan.model_validate(raw)


def _with_known_names(plan: RunPlan, origin: _Origin) -> RunPlan:
    """The same plan, once every world, network, trigger and uplink in it is known to exist."""
    from scenarios import open_world
    from telemetry import open_uplink
    from triggers import packages
    from vehicle import NETWORKS

    problems: list[Problem] = []

    def known(path: tuple[str | int, ...], what: str, name: str, names: Iterable[str]) -> None:
        if name not in names and not Path(name).exists():
            problems.append(
                Problem(origin.where(path), ".".join(map(str, path)), f"unknown {what} {name!r}{hint(name, names)}")
            )

    def opens(path: tuple[str | int, ...], opening: Callable[[], object]) -> None:
        try:
            opening()
        except root_errors(OSError) as error:
            problems.append(Problem(origin.where(path), ".".join(map(str, path)), str(error)))

    world = partial(open_world, plan.world.name, seed=plan.seed, cars=plan.cars, **plan.world.options)
    opens(("world",), world)
    known(("loadout", "production"), "network", plan.loadout.production, NETWORKS)
    for i, name in enumerate(plan.loadout.shadows):
        known(("loadout", "shadows", i), "network", name, NETWORKS)
    for path, opening in [] if problems else _viewers(plan, world):
        opens(path, opening)
    for i, name in enumerate(plan.loadout.triggers):
        package = name.endswith(packages.SUFFIX)
        opens(("loadout", "triggers", i), partial(_package, name) if package else partial(_trigger, name, plan))
    if any(name.endswith(packages.SUFFIX) for name in plan.loadout.triggers):
        problems += _missing_for_packages(plan, origin)
    opens(("uplink",), lambda: open_uplink(plan.uplink.model_dump(), plan.seed))
    if problems:
        raise BadPlan(problems)
    return plan


def _viewers(
    plan: RunPlan, open_it: Callable[[], "World"]
) -> Iterator[tuple[tuple[str | int, ...], Callable[[], object]]]:
    """Where each viewer stands in the plan, and what opens it for the cars' cameras and their network."""
    if not plan.loadout.viewers:
        return
    from vehicle import load_network, load_viewer

    world, backbone = open_it(), load_network(plan.loadout.production).backbone
    for i, name in enumerate(plan.loadout.viewers):
        place = ("production",) if i == 0 else ("shadows", i - 1)
        yield ("loadout", "top_down", *place), partial(load_viewer, name, world.rig, backbone)


def _trigger(name: str, plan: RunPlan) -> None:
    """A trigger must be there, and its partition, too."""
    from triggers import load_spec

    load_spec(name).must_lie_in(plan.outbox.names)


def _package(file: str) -> None:
    """A package must be there; whether cars take it is for the run to tell."""
    if not Path(file).is_file():
        message = f"there is no package {file}"
        raise FileNotFoundError(message)


def _missing_for_packages(plan: RunPlan, origin: _Origin) -> list[Problem]:
    """What a plan with packages must say."""
    found = []
    if plan.date is None:
        expected = "cars judge packages by the day: say which it is, for instance date: 2027-01-31"
        found.append(Problem(origin.where(("date",)), "date", expected))
    if plan.loadout.trust is None or not Path(plan.loadout.trust).is_file():
        expected = "cars judge packages by a root: give its file (`outrider trigger keys` makes one)"
        found.append(Problem(origin.where(("loadout", "trust")), "loadout.trust", expected))
    return found
