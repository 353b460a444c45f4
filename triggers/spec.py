"""A trigger as data: what a YAML file may say, and an error that names the line when it says something else."""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from triggers.errors import BadExpression, BadSpec, Problem, UnknownKind, UnknownTrigger, hint
from triggers.expression import Expression
from triggers.kinds import KINDS, build, faults_of, threshold_of
from triggers.yaml_source import Place, Source, read_yaml

LIBRARY = Path(__file__).parent / "library"
DAY_S = 86_400

Seconds = Annotated[float, Field(strict=True, ge=0, le=DAY_S)]
Margin = Annotated[float, Field(strict=True, ge=0, le=60)]
NotNegative = Annotated[float, Field(strict=True, ge=0)]
Megabytes = Annotated[float, Field(strict=True, gt=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fire(_Part):
    """When a condition that holds becomes a fire; simulated time throughout."""

    edge: Literal["rising", "falling", "always"] = Field(
        default="rising", description="the change of the condition that fires; always: no change is needed"
    )
    dwell_s: Seconds = Field(default=0.0, description="how long the condition must hold without a break, seconds")
    cooldown_s: Seconds = Field(
        default=0.0, description="how long after a fire nothing fires, seconds; an edge in it is lost"
    )
    hysteresis: NotNegative = Field(
        default=0.0, description="how far below the threshold the score must fall to be low again, units of the score"
    )


class Window(_Part):
    """What a fire records."""

    before_s: Margin = Field(default=4.0, description="before the fire, seconds")
    after_s: Margin = Field(default=4.0, description="after the fire, seconds")
    cameras: tuple[str, ...] = Field(default=(), description="names of cameras; empty: all")
    merge: Flag = Field(default=True, description="join clips of one car that overlap")
    longest_s: Annotated[float, Field(strict=True, gt=0, le=300)] | None = Field(
        default=None,
        description="the longest that joined clips become, seconds; a fire that would make one longer begins another; "
        "null: 60, or before_s and after_s together where that is more",
    )
    hz: Annotated[float, Field(strict=True, gt=0, le=10)] = Field(default=1.0, description="frames a second")
    partition: Name | None = Field(
        default=None,
        description="the partition of the cars' outboxes that it lies in, by the name that the plan gives it; "
        "null: the first partition that takes triggers of this priority",
    )

    @field_validator("longest_s")
    @classmethod
    def _has_room_for_one_fire(cls, longest_s: float | None, info: ValidationInfo) -> float | None:
        one_s = info.data.get("before_s", 0.0) + info.data.get("after_s", 0.0)
        if longest_s is not None and longest_s < one_s:
            raise ValueError(f"no shorter than before_s and after_s together, {one_s:g} s")
        return longest_s

    @property
    def most_s(self) -> float:
        """The longest that joined clips become, seconds."""
        return max(60.0, self.before_s + self.after_s) if self.longest_s is None else self.longest_s


class Limits(_Part):
    """How much a trigger may collect; null: no limit."""

    per_car_day: Count | None = Field(default=None, description="fires of one car in one simulated day")
    fleet_total: Count | None = Field(default=None, description="fires of the whole fleet, counted at barriers")
    mb_per_clip: Megabytes | None = Field(
        default=None, description="the most a clip may weigh, megabytes; a heavier one never leaves the car"
    )
    mb_per_car_day: Megabytes | None = Field(
        default=None,
        description="clips of one car that fired on one simulated day, megabytes; what goes over is not sent",
    )
    expires: dt.date | None = Field(default=None, description="the last day on which it fires")

    @field_validator("expires", mode="before")
    @classmethod
    def _is_a_date(cls, value: object) -> object:
        if isinstance(value, bool | int | float):  # which pydantic would take for seconds since 1970
            raise ValueError("a date is written 2027-01-31")  # noqa: TRY004 -- pydantic reports only ValueError
        return value


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a spec was read: the file with its lines, and the folder for what lies beside it."""

    source: Source
    folder: Path


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("an interval is written [low, high]")
    return ends


Interval = Annotated[tuple[NotNegative, NotNegative], AfterValidator(_ascending)]


class Forecast(_Part):
    """What an exam foretold, per car and day of the whole fleet; a run that goes above it suspends the trigger."""

    fires_per_car_day: Interval | None = Field(default=None, description="[low, high], an interval for fires")
    mb_per_car_day: Interval | None = Field(default=None, description="[low, high], an interval for megabytes of clips")
    driving_h: Annotated[float, Field(strict=True, gt=0, le=24)] = Field(
        description="hours that an average car drives in such a day, by which a run of any length is compared"
    )


class TriggerSpec(_Part):
    """A trigger as data. Immutable: a change is a new version.

    `load_spec` reads one from YAML and checks its kind, parameters and expressions; made in code, an `Evaluator` does.
    """

    name: Name = Field(description="in lower_case; cooldowns and quotas are remembered by it")
    version: Count = Field(default=1, description="counts up with every change")
    kind: Text = Field(description="its sort, a key of `KINDS`")
    params: dict[str, Any] = Field(default_factory=dict, description="what its kind asks for")
    when: Text | None = Field(default=None, description="a cheap condition that must hold first")
    fire: Fire = Field(default_factory=Fire)
    clip: Window = Field(default_factory=Window)
    limits: Limits = Field(default_factory=Limits)
    forecast: Forecast | None = Field(
        default=None, description="what an exam foretold, for the fleet's circuit breaker"
    )
    priority: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=50, description="0 to 100; the highest is sent first"
    )

    _origin: Origin | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path:
        """Where files named in `params` are looked for: beside the spec's file, else the working directory."""
        return self._origin.folder if self._origin else Path()

    def threshold(self) -> float:
        """From which score on it fires, as its evaluator has it; the middle of no and yes where it says only these."""
        found = threshold_of(build(self.kind, self.params, self.folder), self.params)
        return 0.5 if found is None else found

    def where(self, *place: str) -> str:
        """`file:line: field` for messages, or `name: field` for a spec made in code."""
        field_name = ".".join(place)
        if self._origin is None:
            return f"{self.name}: {field_name}"
        return f"{self._origin.source.file}:{self._origin.source.line(place)}: {field_name}"

    def refusal(self, place: Place, problem: str) -> BadSpec:
        """The error that says what is wrong at this place."""
        source = self._origin.source if self._origin else Source(self.name, None)
        return BadSpec(source.file, [Problem(source.line(place), ".".join(map(str, place)), problem)])

    def must_film(self, cameras: Collection[str]) -> None:
        """Raise BadSpec where the cars have none of the cameras that clips are to be of; cameras: those they have."""
        if self.clip.cameras and not set(self.clip.cameras) & set(cameras):
            named = self.clip.cameras[0]
            raise self.refusal(("clip", "cameras"), f"the cars have no camera '{named}'{hint(named, cameras)}")

    def must_lie_in(self, partitions: Collection[str]) -> None:
        """Raise BadSpec where it names a partition that the outboxes do not have; partitions: those they have."""
        named = self.clip.partition
        if named is not None and named not in partitions:
            said = f"the cars' outboxes have no partition '{named}'{hint(named, partitions)}"
            raise self.refusal(("clip", "partition"), said)

    @classmethod
    def of(cls, source: Source, folder: Path) -> Self:
        """The spec that a file says; folder: where what it names lies. Raises BadSpec."""
        if not isinstance(source.data, dict):
            raise BadSpec(source.file, [Problem(1, "", "expected a mapping: `name: …`, `kind: …` and so on")])
        try:
            spec = cls.model_validate(source.data)
        except ValidationError as error:
            raise BadSpec(source.file, _problems(error, source)) from None
        spec._origin = Origin(source, folder)  # noqa: SLF001 -- its own
        return spec


def load_spec(name_or_path: str | Path) -> TriggerSpec:
    """The spec of a shipped name (`caution_light`) or of a file (`rules/mine.yaml`), checked as far as it goes alone.

    Raises UnknownTrigger (no such name or file), BadSpec, UnknownKind and BadExpression, with file and line.
    """
    path = path_of(name_or_path)
    source = read_yaml(path.read_text(encoding="utf-8"), path.name if path.parent == LIBRARY else str(name_or_path))
    spec = TriggerSpec.of(source, path.parent)
    check(spec)
    return spec


def check(spec: TriggerSpec) -> None:
    """Kind, parameters and the grammar of expressions. Raises UnknownKind, BadSpec and BadExpression."""
    if spec.kind not in KINDS:
        raise UnknownKind(spec.kind, KINDS, spec.where("kind"))
    for name, fault in faults_of(spec.kind, spec.params):
        raise spec.refusal(("params", name), fault)
    if spec.when is not None:
        parse(spec.when, spec.where("when"))
    if spec.kind == "expression":
        parse(spec.params["fire_when"], spec.where("params", "fire_when"))


def parse(text: str, where: str) -> Expression:
    """The expression, or a BadExpression that says where it stands."""
    try:
        return Expression(text)
    except BadExpression as error:
        raise BadExpression(error.text, error.position, error.problem, where) from None


def shipped() -> tuple[str, ...]:
    """Names of the triggers that ship, sorted."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.yaml")))


def path_of(name_or_path: str | Path) -> Path:
    """The file of a shipped name, or the file itself. Raises UnknownTrigger."""
    if str(name_or_path) in shipped():
        return LIBRARY / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise UnknownTrigger(str(name_or_path), shipped())


def _problems(error: ValidationError, source: Source) -> list[Problem]:
    out = []
    for each in error.errors():
        place = tuple(each["loc"])
        out.append(Problem(source.line(place), ".".join(map(str, place)), _expected(place, each)))
    return out


def _expected(place: Place, error: Mapping[str, Any]) -> str:
    said, given = str(error["msg"]), error["input"]
    match error["type"]:
        case "missing":
            return "needed, and it is not there"
        case "extra_forbidden":
            return f"unknown key '{place[-1]}'{hint(str(place[-1]), _fields_at(place[:-1]))}"
        case "literal_error":
            words = re.findall(r"'(\w+)'", said)
            return f"expected {', '.join(words)}, and this is {given!r}{hint(str(given), words)}"
        case "value_error":
            return f"{said.removeprefix('Value error, ')}, and this is {given!r}"
        case _:
            return f"expected {said.removeprefix('Input should be ')}, and this is {given!r}"


def _fields_at(place: Sequence[str | int]) -> Iterable[str]:
    model: type[BaseModel] = TriggerSpec
    for part in place:
        annotation = model.model_fields[str(part)].annotation
        inner = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
        parts = [each for each in inner if issubclass(each, BaseModel)]
        if not parts:
            return ()
        model = parts[0]
    return tuple(model.model_fields)
