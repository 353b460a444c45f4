"""A task as data: what a YAML file may say, and an error that names the line when it says something else.

A family adds the fields of its own in a subclass; the annotation of a family's argument says which.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scenarios import CONDITIONS, KINDS, ROADS, TRAITS
from vehicle.errors import BadTask, hint
from vehicle.tasks.source import Place, Source


def one_of(what: str, known: Collection[str]) -> AfterValidator:
    """Accepts only known names; the refusal names the nearest. known: as it stands when something is checked."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}{hint(name, known)}")
        return name

    return AfterValidator(check)


def listed(known: Collection[str]) -> Any:
    """Puts the known names into the JSON Schema, so that an editor completes them."""

    def note(schema: dict[str, Any]) -> None:
        schema["enum"] = list(known)

    return Field(json_schema_extra=note)


KindName = Annotated[str, one_of("kind", KINDS), listed(KINDS)]
TraitName = Annotated[str, one_of("trait", TRAITS), listed(TRAITS)]
RoadName = Annotated[str, one_of("road", ROADS), listed(ROADS)]
ConditionName = Annotated[str, one_of("condition", CONDITIONS), listed(CONDITIONS)]
Name = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Positive = Annotated[float, Field(gt=0)]


class Part(BaseModel):
    """Anything that a file says: nothing unknown in it, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskSpec(Part):
    """What every task says; its family says the rest."""

    name: Name = Field(description="in lower_case; its signals are called `name` and `name.output`")
    family: str = Field(description="its sort, a key of `FAMILIES`")
    says: str = Field(description="the question, one sentence for people")
    classes: tuple[KindName, ...] = Field(default=(), description="the kinds of things that it is about")
    subtasks: Mapping[Name, Any] = Field(default_factory=dict, description="further outputs, by name")

    @classmethod
    def of(cls, source: Source) -> Self:
        """The spec that a file says. Raises BadTask with everything that is wrong with it."""
        try:
            return cls.model_validate(source.data)
        except ValidationError as error:
            problems = [_problem(cls, source, each) for each in error.errors()]
            raise BadTask(source.file, problems) from None


def _problem(model: type[BaseModel], source: Source, error: Mapping[str, Any]) -> Any:
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    given = error.get("input")
    match error["type"]:
        case "missing":
            text = "needed, and it is not there"
        case "extra_forbidden":
            text = f"unknown field {str(place[-1])!r}{hint(str(place[-1]), _fields_at(model, place[:-1]))}"
        case "literal_error":
            words = re.findall(r"'(\w+)'", str(error["msg"]))
            text = f"expected {', '.join(words)}, and this is {given!r}{hint(str(given), words)}"
        case "value_error":
            text = str(error["msg"]).removeprefix("Value error, ")
        case _:
            text = f"{str(error['msg']).replace('Input should', 'should')}, and this is {given!r}"
    return source.problem(place, text)


def _fields_at(model: type[BaseModel], place: Place) -> Iterable[str]:
    """The fields that may stand at a place."""
    for part in place:
        if part in model.model_fields:
            model = _model_in(model.model_fields[str(part)].annotation) or model
    return model.model_fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation speaks of, such as that of `dict[str, Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
