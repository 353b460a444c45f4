"""A suite as data, `suites/NAME.yaml`: one task, and for each slice what must hold on which cases."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fleet.errors import BadPlan, BadSuite, Problem, SuiteNotFound, UnknownInSuite, hint
from fleet.plan_file import import_plugins
from fleet.yaml_lines import Lines, parse

SUITES = Path(__file__).parents[3] / "suites"
"""Where the suites of the source tree lie; an installed package has none."""

_MUST = re.compile(r"(?:(recall) *>=|(false_alarms) *<=) *((?:0?\.\d+|0|1)(?:\.0*)?)")


def _claim(text: str) -> str:
    if not _MUST.fullmatch(text.strip()):
        message = '"recall >= 0.8" or "false_alarms <= 0.05"'
        raise ValueError(message)
    return text.strip()


def _span(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        message = "the smaller number first"
        raise ValueError(message)
    return span


def _several(value: object) -> object:
    return (value,) if isinstance(value, str | int | float) else value


Span = Annotated[tuple[float, float], AfterValidator(_span)]
Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_several)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slice(_Part):
    """One unit test.

    name, says: for people; the name also for pytest
    must:       `recall >= SHARE` of cases that show the thing, or `false_alarms <= SHARE` of cases that do not
    cases:      how many it takes before there is a verdict
    confidence: of the interval that must lie on the good side; None = the suite's
    threshold:  the answer from which on it is a yes; None = the suite's
    world, options: where to look for cases, and what makes them common; options over those of the suite
    thing:      kinds of which a case shows one: what the task is about, or what resembles it; empty = moments
    where:      slices and traits that the case lies in, `not NAME` for one that it does not
    output:     which of the task's outputs is asked; None = the camera's, else the first
    cameras:    those that count; empty = the suite's
    distance_m, tilt_deg, visible: bounds of the thing, both included; visible is a share of its silhouette
    min_pixels: of the thing, in the camera that shows most of it
    state:      which looks of the thing count; empty = all
    severity:   bounds of conditions, for those that no slice names
    """

    name: str = Field(pattern=r"^[^\s:/\[\]][^:/\[\]\n]*$")
    says: str = ""
    must: Annotated[str, AfterValidator(_claim)]
    cases: int = Field(100, ge=1, le=100_000)
    confidence: Share | None = None
    threshold: Share | None = None
    world: str | None = None
    options: dict[str, Any] = {}
    thing: Names = ()
    where: Names = ()
    output: str | None = None
    cameras: Names = ()
    distance_m: Span | None = None
    tilt_deg: Span | None = None
    visible: Span | None = None
    min_pixels: float = Field(0, ge=0)
    state: Numbers = ()
    severity: dict[str, Span] = {}

    @property
    def wants_yes(self) -> bool:
        """Whether its cases show the thing."""
        return self.must.startswith("recall")

    @property
    def bound(self) -> float:
        """The share that must be reached, or not be passed."""
        found = _MUST.fullmatch(self.must)
        return float(found[3]) if found else math.nan  # it was checked when it was read


class SuiteSpec(_Part):
    """A suite's file.

    task:    whose answers are tested: a name, or the task's YAML file
    says:    one sentence for people
    world, cars, options: where to look for cases, unless a slice says otherwise
    threshold, confidence, cameras: for every slice that does not say otherwise
    plugins: modules to import first; they add tasks and conditions
    slices:  the unit tests
    """

    task: str
    says: str = ""
    world: str = "all_weather"
    cars: int = Field(20_000, ge=1, le=10_000_000)
    options: dict[str, Any] = {}
    threshold: Share = 0.5
    confidence: Share = 0.95
    cameras: Names = ()
    plugins: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite that was read: its file, and its slices with everything filled in.

    file: the YAML; cases lie beside it
    spec: what it says
    slices: name to slice, where nothing is None any more but `output`
    """

    file: Path
    spec: SuiteSpec
    slices: Mapping[str, Slice]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.stem

    @property
    def word(self) -> str:
        """What one types to mean it: its name where that is enough, else the file."""
        return self.name if self.file.parent in _folders() else str(self.file)

    @property
    def cases_file(self) -> Path:
        """Where its cases lie."""
        return self.file.with_suffix(".cases.jsonl")

    def slice(self, name: str) -> Slice:
        """One slice; UnknownInSuite with the nearest name."""
        if name not in self.slices:
            raise UnknownInSuite("slice", name, self.slices, f"suite {self.name!r}")
        return self.slices[name]


def suite_names() -> list[str]:
    """The suites in `suites/`, here or in the source tree."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})


def load_suite(source: str) -> Suite:
    """A suite by the name of one in `suites/`, or from a file; raises SuiteNotFound, BadSuite, PluginMissing."""
    beside = [folder / f"{source}.yaml" for folder in _folders()]
    file = next((path for path in (*beside, Path(source)) if path.is_file()), None)
    if file is None:
        raise SuiteNotFound(source, suite_names())
    try:
        raw, lines = parse(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise BadSuite([Problem(str(file), "", f"not UTF-8 text: {error.reason}")]) from error
    except BadPlan as error:
        raise BadSuite(error.problems) from None
    if not isinstance(raw, dict):
        raise BadSuite([Problem(lines.where(()), "", "expected a mapping of fields to values")])
    spec = _checked(raw, lines)
    import_plugins(spec.plugins, file.resolve().parent)
    return Suite(file, spec, {one.name: _filled(one, spec) for one in spec.slices})


def fewest(bound: float, confidence: float) -> float:
    """How many cases a network that errs in none needs so that its whole interval is on the good side of a bound.

    bound: the share that must be right. The lower end of Clopper and Pearson's interval for n of n is
    (alpha / 2)^(1 / n); infinity for a bound of 1.
    """
    if bound <= 0:
        return 1
    return math.inf if bound >= 1 else math.ceil(math.log((1 - confidence) / 2) / math.log(bound))


def _folders() -> tuple[Path, ...]:
    return (Path("suites"), SUITES)


def _filled(one: Slice, suite: SuiteSpec) -> Slice:
    own = {name: getattr(one, name) or getattr(suite, name) for name in ("world", "cameras", "threshold", "confidence")}
    return one.model_copy(update={**own, "options": {**suite.options, **one.options}})


def _checked(raw: Mapping[str, Any], lines: Lines) -> SuiteSpec:
    try:
        spec = SuiteSpec.model_validate(raw)
    except ValidationError as error:
        raise BadSuite([_problem(dict(one), lines) for one in error.errors(include_url=False)]) from error
    problems, seen = [], set[str]()
    for i, one in enumerate(spec.slices):
        if one.name in seen:
            problems.append(Problem(lines.where(("slices", i, "name")), f"slices.{i}.name", f"{one.name!r} twice"))
        seen.add(one.name)
        needed = fewest(one.bound if one.wants_yes else 1 - one.bound, one.confidence or spec.confidence)
        if one.cases < needed:
            said = f"with {one.cases} cases not even a perfect network passes {one.must!r}; it takes {needed:g}"
            problems.append(Problem(lines.where(("slices", i, "cases")), f"slices.{i}.cases", said))
    if problems:
        raise BadSuite(problems)
    return spec


def _problem(error: Mapping[str, Any], lines: Lines) -> Problem:
    path = tuple(error["loc"])
    field = ".".join(map(str, path))
    if error["type"] == "extra_forbidden":
        model = Slice if path[0] == "slices" else SuiteSpec
        return Problem(lines.where(path), field, f"unknown field{hint(str(path[-1]), model.model_fields)}")
    if error["type"] == "missing":
        return Problem(lines.where(path[:-1]), field, "this field is needed")
    expected = re.sub(r"^(Value error, |Input should be )", "", error["msg"])
    return Problem(lines.where(path), field, f"expected {expected}, got {error['input']!r}")
