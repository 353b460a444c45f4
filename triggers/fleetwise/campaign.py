"""An AWS IoT FleetWise campaign as its public API has it, checked with the API's own ranges and patterns.

Fields, ranges and patterns are those of the service model 2021-06-17, operations CreateCampaign and GetCampaign. Files
of the edge agent's own examples, which leave `name` and the ARNs to a script, are read too.
"""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from triggers.errors import BadSpec, Problem, hint

MAX_BYTES = 1024 * 1024
FOREVER_S = 253402214400  # the API's "no expiry", the last day of the year 9999

U32 = Annotated[int, Field(strict=True, ge=0, le=2**32 - 1)]
SampleCount = Annotated[int, Field(strict=True, ge=1, le=2**32 - 1)]
Arn = Annotated[str, Field(strict=True, max_length=2048)]
Condition = Annotated[str, Field(strict=True, min_length=1, max_length=2048)]
PartitionId = Annotated[str, Field(strict=True, max_length=128, pattern=r"^[a-zA-Z0-9]+$")]
NodePath = Annotated[str, Field(strict=True, max_length=150, pattern=r"^[a-zA-Z0-9_.]+$")]
Language = Annotated[int, Field(strict=True, ge=1, le=1)]
Mode = Literal["ALWAYS", "RISING_EDGE"]


def _in_range(seconds: object) -> object:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        raise ValueError("seconds since 1970, or a time such as 2027-01-31T00:00:00Z")  # noqa: TRY004 -- pydantic's
    if isinstance(seconds, str):
        moment = dt.datetime.fromisoformat(seconds)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    if not 0 <= seconds <= FOREVER_S:
        raise ValueError(f"a time from 0 to {FOREVER_S} s since 1970")
    return float(seconds)


Time = Annotated[Any, AfterValidator(_in_range)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OneOf(_Shape):
    """Exactly one of its members is there."""

    @model_validator(mode="after")
    def _is_one(self) -> "_OneOf":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)}")
        return self


class TimeBased(_Shape):
    """Collect every so often."""

    periodMs: Annotated[int, Field(strict=True, ge=10_000, le=86_400_000)]


class ConditionBased(_Shape):
    """Collect where a condition holds."""

    expression: Condition
    minimumTriggerIntervalMs: U32 | None = None
    triggerMode: Mode | None = None
    conditionLanguageVersion: Language | None = None


class Scheme(_OneOf):
    """When to collect."""

    timeBasedCollectionScheme: TimeBased | None = None
    conditionBasedCollectionScheme: ConditionBased | None = None


class Signal(_Shape):
    """A signal to collect; a name may have `*` in it."""

    name: Annotated[str, Field(strict=True, max_length=150, pattern=r"^[\w|*|-]+(\.[\w|*|-]+)*$")]
    maxSampleCount: SampleCount | None = None
    minimumSamplingIntervalMs: U32 | None = None
    dataPartitionId: PartitionId | None = None


class MaximumSize(_Shape):
    """Of a partition."""

    unit: Literal["MB", "GB", "TB"]
    value: Annotated[int, Field(strict=True, ge=1, le=1_073_741_824)]


class TimeToLive(_Shape):
    """Of what lies in a partition."""

    unit: Literal["HOURS", "DAYS", "WEEKS"]
    value: Annotated[int, Field(strict=True, ge=1, le=876_600)]


class Storage(_Shape):
    """Where and how long a partition keeps things."""

    maximumSize: MaximumSize
    storageLocation: Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
    minimumTimeToLive: TimeToLive


class Upload(_Shape):
    """When a partition is sent."""

    expression: Condition
    conditionLanguageVersion: Language | None = None


class Partition(_Shape):
    """A store on the car's disk."""

    id: PartitionId
    storageOptions: Storage
    uploadOptions: Upload | None = None


class FetchEvery(_Shape):
    """Ask an ECU every so often."""

    executionFrequencyMs: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]


class FetchWhen(_Shape):
    """Ask an ECU where a condition holds."""

    conditionExpression: Annotated[str, Field(strict=True, min_length=1, max_length=400)]
    triggerMode: Mode


class FetchConfig(_OneOf):
    """When to ask an ECU."""

    timeBased: FetchEvery | None = None
    conditionBased: FetchWhen | None = None


class Fetch(_Shape):
    """A signal that an ECU must be asked for."""

    fullyQualifiedName: NodePath
    signalFetchConfig: FetchConfig
    conditionLanguageVersion: Language | None = None
    actions: Annotated[
        list[Annotated[str, Field(strict=True, min_length=1, max_length=100)]], Field(min_length=1, max_length=2)
    ]


class Campaign(_Shape):
    """A campaign, as CreateCampaign takes it or GetCampaign gives it."""

    name: Annotated[str, Field(strict=True, max_length=100, pattern=r"^[a-zA-Z\d\-_:]+$")] | None = None
    description: Annotated[str, Field(strict=True, min_length=1, max_length=2048)] | None = None
    signalCatalogArn: Arn | None = None
    targetArn: Arn | None = None
    startTime: Time = None
    expiryTime: Time = None
    postTriggerCollectionDuration: U32 | None = None
    diagnosticsMode: Literal["OFF", "SEND_ACTIVE_DTCS"] | None = None
    spoolingMode: Literal["OFF", "TO_DISK"] | None = None
    compression: Literal["OFF", "SNAPPY"] | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None = None
    signalsToCollect: Annotated[list[Signal], Field(max_length=1000)] = []
    collectionScheme: Scheme
    dataExtraDimensions: Annotated[list[NodePath], Field(max_length=5)] = []
    tags: Annotated[list[dict[str, Any]], Field(max_length=50)] = []
    dataDestinationConfigs: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=3)] | None = None
    dataPartitions: Annotated[list[Partition], Field(min_length=1, max_length=20)] | None = None
    signalsToFetch: Annotated[list[Fetch], Field(min_length=1, max_length=2)] | None = None
    arn: Arn | None = None
    status: Literal["CREATING", "WAITING_FOR_APPROVAL", "RUNNING", "SUSPENDED"] | None = None
    creationTime: Any = None
    lastModificationTime: Any = None

    @property
    def given(self) -> list[str]:
        """Fields that the file has and that say something."""
        return [name for name in type(self).model_fields if name in self.model_fields_set and getattr(self, name)]


def read_campaign(raw: bytes, file: str) -> Campaign:
    """The campaign in a JSON file; file: its name, for messages. Raises BadSpec with every field that does not hold."""
    if len(raw) > MAX_BYTES:
        raise BadSpec(file, [Problem(0, "", f"longer than {MAX_BYTES:,} bytes")])
    try:
        said = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadSpec(file, [Problem(error.lineno, "", f"not JSON: {error.msg} at column {error.colno}")]) from None
    except (ValueError, RecursionError) as error:
        raise BadSpec(file, [Problem(0, "", f"not JSON: {error}")]) from None
    if not isinstance(said, dict):
        raise BadSpec(file, [Problem(1, "", "expected one object, a campaign")])
    said.pop("ResponseMetadata", None)  # what SDKs add to an answer
    try:
        return Campaign.model_validate(said)
    except ValidationError as error:
        raise BadSpec(file, _problems(error)) from None


def every_field(shape: type[BaseModel] = Campaign, before: str = "") -> Iterator[str]:
    """All fields that a campaign may have, as dotted paths."""
    for name, field in shape.model_fields.items():
        yield before + name
        for inner in _shapes_in(field.annotation):
            yield from every_field(inner, f"{before}{name}.")


def _shapes_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _shapes_in(each)


def _problems(error: ValidationError) -> Iterator[Problem]:
    for each in error.errors():
        place = [str(part) for part in each["loc"]]
        said = str(each["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
        if each["type"] == "extra_forbidden":
            beside = [
                path for path in every_field() if path.count(".") == sum(not part.isdigit() for part in place) - 1
            ]
            said = f"the API has no such field{hint(place[-1], {path.rpartition('.')[2] for path in beside})}"
        elif each["type"] == "missing":
            said = "needed, and it is not there"
        else:
            said = f"expected {said}, and this is {str(each['input'])[:60]!r}"
        yield Problem(0, ".".join(place), said)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
