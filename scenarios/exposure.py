"""How often things happen: a world as data, read from `catalog/*.yaml` and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from scenarios.conditions import CONDITIONS
from scenarios.errors import BadWorld, UnknownWorld, nearest
from scenarios.fields import Lines, read_fields

CATALOG = Path(__file__).parent / "catalog"
TICK_US = 100_000
"""A camera tick, microseconds."""

EncounterName = Literal["caution_light", "balloon", "dark_lamp", "stop_sign", "no_entry", "cone"]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=20)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Nightfall(_Checked):
    """When it is dark: between two times of day, or for a share of car-hours."""

    begins: Clock = "18:45"
    ends: Clock = "19:45"
    spread_minutes: float = Field(0.0, ge=0, le=240, description="cars differ by up to this much")
    share: Share | None = Field(None, description="instead of the clock: this share of car-hours is dark")


class Weather(_Checked):
    """How likely a condition is in a car-hour, and how strong it then is."""

    probability: Share
    low: Share = 0.1
    high: Share = 1.0


class Climate(_Checked):
    """The light and weather of a world."""

    name: str
    says: str = Field(description="one sentence for people")
    night: Nightfall
    conditions: dict[str, Weather]


class WorldSpec(Climate):
    """A world: where it is, its light and weather, and how often a car meets what.

    Rates are per kilometre driven or per hour driven, shares between 0 and 1.
    """

    latitude: float = Field(ge=-80, le=80, description="degrees")
    longitude: float = Field(ge=-180, le=180, description="degrees")
    drive_minutes: float = Field(gt=1, le=120, description="length of a trip")
    park_minutes: float = Field(ge=0, le=1440, description="rest between trips")
    top_speed_mps: float = Field(gt=3, le=45)
    hard_brakes_per_hour: Rate = Field(description="per hour driven in legs that begin and end faster than 8 m/s")
    parked_share: Share = Field(description="of kerb places taken by parked vehicles")
    walkers_share: Share = Field(description="of 40 m of pavement with somebody on it")
    crosswalks_per_km: Rate
    junctions_per_km: Rate
    dead_zones_per_km: Rate = Field(description="400 m without a link")
    encounters_per_km: dict[EncounterName, Rate]


RECORDED = "recorded"
"""The world of recorded drives; it has a climate, the rest is in the logs."""


def world_names() -> list[str]:
    """The worlds that ship, sorted."""
    return sorted(path.stem for path in CATALOG.glob("*.yaml"))


def load_world(name: str, changes: Mapping[str, Any] | None = None) -> WorldSpec:
    """A shipped world by name, or one from a YAML file; changes replace top-level fields.

    Raises UnknownWorld, BadWorld.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else CATALOG / f"{name}.yaml"
    return _checked(WorldSpec, path, name, changes or {})


def load_climate(changes: Mapping[str, Any]) -> Climate:
    """The climate of recorded drives; changes replace top-level fields. Raises BadWorld."""
    return _checked(Climate, CATALOG / f"{RECORDED}.yaml", RECORDED, changes)


_Spec = TypeVar("_Spec", bound=Climate)
_FIELDS = tuple(sorted({*WorldSpec.model_fields, *Nightfall.model_fields, *Weather.model_fields}))


def _checked(spec: type[_Spec], path: Path, name: str, changes: Mapping[str, Any]) -> _Spec:
    if not path.is_file():
        raise UnknownWorld(name, world_names())
    said, lines = read_fields(path)
    try:
        checked = spec.model_validate({**said, **changes})
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] == "missing")  # a misspelt field is missing, too
        place = tuple(str(part) for part in first["loc"] if part != "[key]")
        raise BadWorld(path, _line(lines, place, changes), ".".join(place), _problem(first, place)) from None
    weather = [each for each in CONDITIONS if each != "night"]
    for each in checked.conditions:
        if each not in weather:
            line = _line(lines, ("conditions", each), changes)
            raise BadWorld(path, line, f"conditions.{each}", f"no such condition; {nearest(each, weather)}")
    return checked


def _problem(error: ErrorDetails, place: tuple[str, ...]) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown field; {nearest(place[-1], _FIELDS)}"
    if error["type"] == "literal_error":
        return f"unknown name; {nearest(place[-1], get_args(EncounterName))}"
    return error["msg"]


def _line(lines: Lines, place: tuple[str, ...], changes: Mapping[str, Any]) -> int:
    """The line of a field, or of the nearest thing around it; 0 for what a caller changed."""
    if place[:1] and place[0] in changes:
        return 0
    return next((lines[place[:depth]] for depth in range(len(place), -1, -1) if place[:depth] in lines), 0)
