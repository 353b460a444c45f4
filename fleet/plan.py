"""A run as one frozen value: `RunPlan`, every field with its unit and default."""

import datetime as dt
import math
import re
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

SECOND_US = 1_000_000
TICK_US = 100_000  # the camera's; as scenarios has it, whose import takes seconds
DAY_US = 86_400 * SECOND_US
_UNITS_US = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3_600 * SECOND_US, "d": DAY_US}


def duration_us(text: object) -> int:
    """Microseconds of `90s`, `1m`, `2h30m` or a plain number of seconds; ValueError for anything else."""
    us = -1.0
    if isinstance(text, int | float) and not isinstance(text, bool):
        us = text * SECOND_US
    elif isinstance(text, str) and re.fullmatch(r"(\d{1,9}(\.\d+)?[smhd])+", text.strip()):
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
        us = sum(float(number) * _UNITS_US[unit] for number, unit in parts)
    if not 0 <= us < math.inf or round(us) % TICK_US:
        message = 'a length of time such as "90s", "1m" or "2h30m", a multiple of 0.1 s'
        raise ValueError(message)
    return round(us)


def clock_us(text: object) -> int:
    """Microseconds after midnight of `18:30` or `18:30:15`; ValueError for anything else."""
    if isinstance(text, str) and (parts := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", text.strip())):
        hours, minutes, seconds = (int(part or 0) for part in parts.groups())
        return ((hours * 60 + minutes) * 60 + seconds) * SECOND_US
    message = 'a time of day such as "18:30"'
    raise ValueError(message)


def show_duration(us: int) -> str:
    """The shortest text that `duration_us` reads back."""
    for unit in "hm":
        if us and us % _UNITS_US[unit] == 0:
            return f"{us // _UNITS_US[unit]}{unit}"
    return f"{us / SECOND_US:f}".rstrip("0").rstrip(".") + "s"


def show_clock(us: int) -> str:
    """Simulated time as people say it, `18:30:04` (with a day in front after midnight)."""
    days, rest = divmod(us // SECOND_US, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def _on_camera_ticks(seconds: float) -> float:
    if round(seconds * 10) < 1 or abs(seconds * 10 - round(seconds * 10)) > 1e-9:
        message = "a multiple of 0.1 s, the camera's tick"
        raise ValueError(message)
    return round(seconds * 10) / 10


Duration = Annotated[
    int,
    BeforeValidator(duration_us),
    PlainSerializer(show_duration),
    WithJsonSchema({"type": ["string", "number"], "examples": ["90s", "1m", "2h30m"]}),
]
Clock = Annotated[
    int,
    BeforeValidator(clock_us),
    PlainSerializer(show_clock),
    WithJsonSchema({"type": "string", "examples": ["18:30"]}),
]
Period = Annotated[float, Field(strict=False), AfterValidator(_on_camera_ticks)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class TopDownPlan(_Part):
    """What makes maps of production's features, by name; one word is the viewer that the car drives by.

    production: the viewer that the car drives by
    shadows:    viewers that only watch
    """

    production: str
    shadows: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_production(cls, value: object) -> object:
        return {"production": value} if isinstance(value, str) else value

    @property
    def viewers(self) -> tuple[str, ...]:
        """Production first, then the shadows."""
        return (self.production, *self.shadows)


class LoadoutPlan(_Part):
    """What a car runs, by name.

    production: the network that drives
    shadows:    networks that only watch
    top_down:   what makes maps of the first's features (default: nothing does)
    triggers:   specs, by the name of one that ships or by file; or packages (`.pack`), which the cars take or refuse
    trust:      the root that the cars are built with, by which they judge packages: a file `N.root.json`
    """

    production: str = "hydranet-v1"
    shadows: tuple[str, ...] = ()
    top_down: TopDownPlan | None = None
    triggers: tuple[str, ...] = ()
    trust: str | None = None

    @property
    def viewers(self) -> tuple[str, ...]:
        """What makes maps, production first; mostly nothing."""
        return self.top_down.viewers if self.top_down else ()


class WorldPlan(_Part):
    """Which world, and what it is opened with (`drives: DIR` for `recorded`)."""

    model_config = ConfigDict(extra="allow")

    name: str

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class FencePlan(_Part):
    """A place of which nothing is recorded: WGS 84 degrees, and a radius in metres."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    radius_m: float = Field(gt=0, le=100_000)


class PrivacyPlan(_Part):
    """What the cars keep to themselves, besides their homes.

    opted_out: share of cars whose owners want nothing sent, 0 to 1
    fences:    places of which nothing is recorded
    """

    opted_out: Annotated[float, Field(ge=0, le=1)] = 0.0
    fences: tuple[FencePlan, ...] = ()


class UplinkPlan(_Part):
    """How fast cars upload: a kind and what it needs (`files`, `scale` for `trace`)."""

    model_config = ConfigDict(extra="allow")

    kind: str = "lte"

    @model_validator(mode="before")
    @classmethod
    def _from_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class PartitionPlan(_Part):
    """A part of every car's outbox."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="as `clip.partition` of a trigger gives it")
    mb: float | None = Field(
        None, gt=0, description="megabytes that it holds of one car; null: what the outbox has room for"
    )
    ttl_us: Duration | None = Field(
        None,
        alias="ttl",
        description="how long a clip waits before it is given up, such as 7d; null: until there is no room",
    )
    when: Literal["any", "wifi", "metered"] = Field(
        "any", description="links that it is sent over; metered: Wi-Fi, and mb_per_day over cellular"
    )
    mb_per_day: float | None = Field(
        None, gt=0, description="where metered: megabytes of one car over cellular on one simulated day"
    )
    priority: int = Field(0, ge=0, le=100, description="the highest is sent first and given up last")
    from_priority: int = Field(
        0,
        ge=0,
        le=100,
        description="a trigger that names no partition goes to the first whose from_priority its priority reaches",
    )

    @model_validator(mode="after")
    def _has_a_budget_where_it_is_metered(self) -> Self:
        if (self.when == "metered") != (self.mb_per_day is not None):
            raise ValueError("`when: metered` and `mb_per_day` together, or neither")
        if self.ttl_us == 0:
            raise ValueError("a ttl above 0 s")
        return self

    @property
    def cellular_mb(self) -> float:
        """Megabytes of one car over cellular on one day; inf where nothing bounds them."""
        return {"any": math.inf, "wifi": 0.0}.get(self.when, self.mb_per_day or 0.0)


class OutboxPlan(_Part):
    """How the cars' outboxes are divided.

    partitions: one or several; without any, one part for all clips, sent over any link and kept until there is no room
    """

    partitions: Annotated[tuple[PartitionPlan, ...], Field(min_length=1)] = (
        PartitionPlan.model_validate({"name": "clips"}),
    )

    @field_validator("partitions")
    @classmethod
    def _take_every_trigger(cls, partitions: tuple[PartitionPlan, ...]) -> tuple[PartitionPlan, ...]:
        names = [each.name for each in partitions]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names that differ; '{twice[0]}' stands twice")
        if all(each.from_priority for each in partitions):
            raise ValueError("one partition with `from_priority: 0`, for triggers that name none")
        return partitions

    @property
    def names(self) -> tuple[str, ...]:
        """What `clip.partition` of a trigger may say."""
        return tuple(each.name for each in self.partitions)


class RunPlan(_Part):
    """A whole run. Every field may be set with `--set field=value`, parts with `--set loadout.production=…`.

    name:             what the run folder is called after (default: the file's name)
    seed:             the run's only source of chance
    cars:             how many
    date:             simulated day on which the run starts, `2027-01-31`; triggers and packages expire by it (default:
                      no day, and no trigger expires)
    start:            simulated time of day, `18:30`
    duration:         simulated length, `90s`, `1m`, `2h`
    world:            a name, or a mapping with `name` and the world's own options
    perceive_every_s: seconds between two looks of a car
    signals_every_s:  seconds between two rows of telemetry of a driving car
    barrier_every_s:  seconds between two barriers, where the outside enters and a checkpoint is written
    cohort_cars:      cars ticked together; changes speed, never the outcome
    shards:           worker processes; changes speed, never the outcome (default: by cores and cars)
    loadout:          production network, shadows, triggers
    uplink:           how fast cars upload
    privacy:          what the cars keep to themselves
    false_suspensions: how likely the circuit breaker is ever to suspend a trigger that keeps to its forecast, at most
    outbox_mb:        megabytes of clips a car keeps until they are acknowledged
    outbox:           its partitions: how much each holds and for how long, which links carry it, what goes first
    plugins:          modules to import first; they add kinds, conditions, tasks, uplinks
    """

    model_config = ConfigDict(title="RunPlan", serialize_by_alias=True)

    name: str = Field("run", pattern=r"^[A-Za-z0-9_.-]+$")
    seed: int = Field(7, ge=0, lt=2**63)
    cars: int = Field(100, ge=1, le=10_000_000)
    date: dt.date | None = None
    start_us: Clock = Field("08:00", alias="start")  # type: ignore[assignment]
    duration_us: Duration = Field("1m", alias="duration", gt=0, le=366 * DAY_US)  # type: ignore[assignment]
    world: WorldPlan
    perceive_every_s: Period = 1.0
    signals_every_s: Period = 5.0
    barrier_every_s: Period = 10.0
    cohort_cars: int = Field(250, ge=1)
    shards: int | None = Field(None, ge=1, le=1024)
    loadout: LoadoutPlan = LoadoutPlan()
    uplink: UplinkPlan = UplinkPlan()
    privacy: PrivacyPlan = PrivacyPlan()
    false_suspensions: float = Field(0.001, gt=0, lt=1)
    outbox_mb: float = Field(64.0, gt=0)
    outbox: OutboxPlan = OutboxPlan()
    plugins: tuple[str, ...] = ()

    @property
    def end_us(self) -> int:
        """Simulated time at which the run ends."""
        return self.start_us + self.duration_us

    def to_yaml(self) -> str:
        """The plan as a file that `load_plan` reads back to an equal plan."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
