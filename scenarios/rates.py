"""Base rates: how often a car meets what, per kilometre driven, by road type and region, each with its source."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scenarios.errors import BadWorld, UnknownRegion
from scenarios.exposure import PLACES
from scenarios.fields import Lines, read_fields
from scenarios.trips import ROADS

RATES = Path(__file__).parent / "rates.yaml"
_MOST_PER_KM = 10.0
"""Encounters of all kinds together: a cell of 40 m holds at most one, so more would crowd each other out."""


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Factor(_Checked):
    """How much more or less often something is met in a region."""

    factor: float = Field(ge=0, le=20)
    because: str = Field(min_length=1)


class BaseRate(_Checked):
    """How often one thing is met.

    per_km: by road type, per kilometre driven on it, in the us
    source: who counted it, how; or why it is guessed so
    regions: factors where it is otherwise; 1 where a region is not named
    """

    per_km: dict[str, float]
    source: str = Field(min_length=1)
    regions: dict[str, Factor] = {}


class BaseRates(_Checked):
    """Everything `rates.yaml` says; regions are names with what is special there."""

    regions: dict[str, str]
    rates: dict[str, BaseRate]


@cache
def base_rates(file: Path = RATES) -> BaseRates:
    """The rates of a file, checked, with their sources. Raises BadWorld."""
    said, lines = read_fields(file)
    try:
        found = BaseRates.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise _bad(file, lines, tuple(map(str, first["loc"])), first["msg"]) from None
    for name, rate in found.rates.items():
        if problem := _problem(rate, found):
            raise _bad(file, lines, ("rates", name), problem)
    for region in found.regions:
        rows = [_row(rate, _factor(rate, region)) for name, rate in found.rates.items() if name not in PLACES]
        for road, together in zip(ROADS, np.sum(rows, axis=0) if rows else (), strict=False):
            if together >= _MOST_PER_KM:
                problem = f"{together:.1f} encounters per km on {road} in {region}; expected less than {_MOST_PER_KM:g}"
                raise _bad(file, lines, ("rates",), problem)
    return found


@cache
def per_km(region: str = "us") -> dict[str, NDArray[np.float64]]:
    """Rates per km driven of every encounter and place that ships: (len(ROADS),) float64 by ROADS, read-only.

    Raises UnknownRegion, BadWorld.
    """
    found = base_rates()
    if region not in found.regions:
        raise UnknownRegion(region, tuple(found.regions))
    return {name: _row(rate, _factor(rate, region)) for name, rate in found.rates.items()}


_PAGE = """# Base rates

How often a car meets what, per kilometre driven on a type of road. A world takes these for its region where its file
does not say otherwise (`encounters_per_km`). They are kept in `scenarios/rates.yaml`; this page is printed by
`outrider world rates --markdown`, and a test compares the two.

A source begins with *counted* (in open data, and how), *published* (somebody's figure, and how a rate was made of it)
or *estimate* (nobody seems to know). What was assumed is said. Believe an estimate to within a factor of ten, no more;
where a decision hangs on one, count.

{regions}

| name | {roads} | source |
|---|{rule}---|
{rows}

## Other regions

| region | name | factor | because |
|---|---|---:|---|
{factors}
"""


def page() -> str:
    """The rates with their sources as a Markdown page."""
    found = base_rates()
    rows = [
        f"| `{name}` | " + " | ".join(f"{rate.per_km[road]:g}" for road in ROADS) + f" | {rate.source} |"
        for name, rate in found.rates.items()
    ]
    factors = [
        f"| {region} | `{name}` | {said.factor:g} | {said.because} |"
        for name, rate in found.rates.items()
        for region, said in rate.regions.items()
    ]
    return _PAGE.format(
        regions="\n".join(f"- `{name}`: {says}" for name, says in found.regions.items()),
        roads=" | ".join(road.replace("_", " ") for road in ROADS),
        rule="---:|" * len(ROADS),
        rows="\n".join(rows),
        factors="\n".join(factors),
    )


def _factor(rate: BaseRate, region: str) -> float:
    said = rate.regions.get(region)
    return said.factor if said else 1.0


def _row(rate: BaseRate, factor: float) -> NDArray[np.float64]:
    row = np.array([rate.per_km[road] * factor for road in ROADS])
    row.flags.writeable = False
    return row


def _problem(rate: BaseRate, found: BaseRates) -> str | None:
    if set(rate.per_km) != set(ROADS):
        return f"per_km names {', '.join(sorted(rate.per_km))}; expected {', '.join(ROADS)}"
    if not all(0.0 <= each <= 20.0 for each in rate.per_km.values()):
        return "a rate is below 0 or above 20 per km"
    unknown = sorted(set(rate.regions) - set(found.regions))
    return str(UnknownRegion(unknown[0], tuple(found.regions))) if unknown else None


def _bad(file: Path, lines: Lines, place: tuple[str, ...], problem: Any) -> BadWorld:
    line = next((lines[place[:depth]] for depth in range(len(place), -1, -1) if place[:depth] in lines), 0)
    return BadWorld(file, line, ".".join(place), str(problem))
