"""How often things happen: a world as data, read from `catalog/*.yaml` and checked."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from scenarios.cameras import rig_names
from scenarios.climate import CLIMATES
from scenarios.conditions import CONDITIONS
from scenarios.errors import BadWorld, UnknownWorld, nearest
from scenarios.fields import YAML, Lines, line_of, read_fields

CATALOG = Path(__file__).parent / "catalog"
TICK_US = 100_000
"""A camera tick, microseconds."""

DEFAULT_RIG = "eight_cameras"

PLACES = ("crosswalk", "junction", "tunnel", "overpass", "blinded_camera", "dead_zone", "crest")
"""What a car meets that is no thing; rates name them like encounters."""

RoadName = Literal["motorway", "urban", "residential", "parking_lot"]
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
    hours: str | None = Field(None, description="weather from real hours: a climate that ships, or a CSV file of them")
    night: Nightfall | None = Field(None, description="instead of the sun; must be said where there are no hours")
    conditions: dict[str, Weather] = Field({}, description="instead of the hours, or of a condition's own share")
    rig: str = Field(DEFAULT_RIG, description="the cameras of its cars: a rig that ships, or a YAML file of one")

    @model_validator(mode="after")
    def _dark_at_some_time(self) -> Self:
        if self.night is None and (self.hours is None or not isinstance(self, WorldSpec)):
            raise PydanticCustomError("no_night", "say when it is dark by `night:`, or name a place's `hours:`")
        return self


class WorldSpec(Climate):
    """A world: where it is, its light and weather, and how often a car meets what.

    Rates are per kilometre driven or per hour driven, shares between 0 and 1.
    """

    latitude: float = Field(ge=-80, le=80, description="degrees")
    longitude: float = Field(ge=-180, le=180, description="degrees")
    region: str = Field("us", description="whose base rates of encounters hold")
    roads: dict[RoadName, Share] = Field({"urban": 1.0}, description="shares of trips on each type of road; sum 1")
    drive_minutes: float = Field(gt=1, le=120, description="length of a trip")
    park_minutes: float = Field(ge=0, le=1440, description="rest between trips")
    leaving: tuple[Share, ...] | None = Field(
        None, min_length=24, max_length=24, description="chance that a window of drive + park has its trip, by the hour"
    )
    top_speed_mps: float = Field(gt=3, le=45, description="in a city; other roads have their own")
    hard_brakes_per_hour: Rate = Field(description="per hour driven, always from above 8 m/s; parking lots have none")
    parked_share: Share = Field(description="of kerb places taken by parked vehicles")
    walkers_share: Share = Field(description="of 40 m of pavement with somebody on it")
    crosswalks_per_km: Rate
    junctions_per_km: Rate
    dead_zones_per_km: Rate = Field(description="400 m without a link")
    encounters_per_km: dict[str, Rate] = Field({}, description="instead of the base rates, by name")

    @field_validator("roads")
    @classmethod
    def _all_trips_are_somewhere(cls, roads: dict[RoadName, float]) -> dict[RoadName, float]:
        if abs(sum(roads.values()) - 1.0) > 1e-6:
            raise PydanticCustomError(
                "shares", "shares must sum to 1, not {total}", {"total": f"{sum(roads.values()):g}"}
            )
        return roads


RECORDED = "recorded"
"""The world of recorded drives; it has a climate, the rest is in the logs."""


def world_names() -> list[str]:
    """The worlds that ship, sorted."""
    return sorted(path.stem for path in CATALOG.glob("*.yaml"))


def load_world(name: str, changes: Mapping[str, Any] | None = None) -> WorldSpec:
    """A shipped world by name, or one from a YAML file; changes replace top-level fields.

    `hours` in a file is found from the file's own folder.

    Raises UnknownWorld, BadWorld.
    """
    path = Path(name) if name.endswith(YAML) else CATALOG / f"{name}.yaml"
    return _checked(WorldSpec, path, name, changes or {})


def load_climate(changes: Mapping[str, Any]) -> Climate:
    """The climate of recorded drives; changes replace top-level fields. Raises BadWorld."""
    return _checked(Climate, CATALOG / f"{RECORDED}.yaml", RECORDED, changes)


def worlds() -> dict[str, Climate]:
    """Every world that ships, by name, as its file says it: a `WorldSpec`, but for recorded drives a climate."""
    return {name: load_climate({}) if name == RECORDED else load_world(name) for name in world_names()}


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
    for place, said_name, known, what in _names(checked):
        if said_name not in known:
            raise BadWorld(path, _line(lines, place, changes), ".".join(place), f"{what}; {nearest(said_name, known)}")
    found = {}
    for field, said_file in _files(checked):
        file = Path(said_file) if field in changes else path.parent / said_file
        if not file.is_file():
            raise BadWorld(path, _line(lines, (field,), changes), field, f"there is no file {file}")
        found[field] = str(file)
    return checked.model_copy(update=found)


def _files(spec: Climate) -> Iterator[tuple[str, str]]:
    """Fields that name a file, and what they say."""
    if spec.hours is not None and spec.hours not in CLIMATES:
        yield "hours", spec.hours
    if spec.rig.endswith(YAML):
        yield "rig", spec.rig


def _names(spec: Climate) -> Iterator[tuple[tuple[str, ...], str, Sequence[str], str]]:
    """Names that tables elsewhere must know: where each stands, itself, the names known there, and what it else is."""
    weather = [each for each in CONDITIONS if each != "night"]
    yield from ((("conditions", each), each, weather, "no such condition") for each in spec.conditions)
    if spec.hours is not None and not spec.hours.endswith(".csv"):
        yield ("hours",), spec.hours, tuple(CLIMATES), f"no such climate as {spec.hours!r}, and no .csv file"
    if not spec.rig.endswith(YAML):
        yield ("rig",), spec.rig, rig_names(), f"no such rig as {spec.rig!r}, and no {YAML[0]} file"
    if isinstance(spec, WorldSpec):
        from scenarios.encounters import ENCOUNTERS  # which is made for worlds, and so imports this module

        known = (*ENCOUNTERS, *PLACES)
        yield from ((("encounters_per_km", each), each, known, "unknown name") for each in spec.encounters_per_km)


def _problem(error: ErrorDetails, place: tuple[str, ...]) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown field; {nearest(place[-1], _FIELDS)}"
    if error["type"] == "literal_error":
        return f"unknown name; {nearest(place[-1], get_args(RoadName))}"
    return error["msg"]


def _line(lines: Lines, place: tuple[str, ...], changes: Mapping[str, Any]) -> int:
    """The line of a field, or of the nearest thing around it; 0 for what a caller changed."""
    if place[:1] and place[0] in changes:
        return 0
    return line_of(lines, place)
