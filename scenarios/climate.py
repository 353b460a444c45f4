"""The weather of a place, hour by hour through a typical year: real hours, from what pvlib ships or from a CSV file.

    time,rain_mm,snow,visibility_m,cloud
    2013-01-01T00:00,0.0,0,16000,0.3

time: local standard time at which the hour begins, all of one year; 29 February is left out
rain_mm: what fell within the hour, as water; snow: 1 where it fell as snow, else 0
visibility_m: empty where unlimited; cloud: share of the sky under opaque cloud

Any other empty cell, or an hour that is not there, takes the hour before.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios.errors import BadHours

YEAR_H = 8760
_COLUMNS = {"rain_mm": 305.0, "snow": 1.0, "visibility_m": np.inf, "cloud": 1.0}  # and the most each can be
_EMPTY = {"visibility_m": "inf"}
_RATE = {"light": 1.0, "moderate": 5.0, "heavy": 12.0, "trace": 0.2}  # mm/h, where only a word is on record
_WMO_RAIN = {
    *range(50, 70),
    *range(80, 83),
    *range(91, 93),
    95,
    97,
}  # table 4677; drizzle, showers, thunder
_WMO_SNOW = {*range(70, 80), *range(83, 89)}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """The hours of a year, (8760,) float32 each, from midnight of 1 January.

    rain, snow, fog: severities in [0, 1]
    cloud: share of the sky
    """

    rain: NDArray[np.float32]
    snow: NDArray[np.float32]
    fog: NDArray[np.float32]
    cloud: NDArray[np.float32]


def rain_severity(mm_per_hour: Floats) -> Floats:
    """Light below 0.35, moderate to 0.6, heavy above: AMS Glossary, "rain": 2.5 and 7.6 mm/h; 50 mm/h and more is 1."""
    return np.interp(mm_per_hour, [0.0, 0.25, 2.5, 7.6, 50.0], [0.0, 0.1, 0.35, 0.6, 1.0])


def snow_severity(visibility_m: Floats) -> Floats:
    """Of falling snow: light below 0.35, moderate to 0.6, heavy above: AMS Glossary, "snow": 1 km and 500 m."""
    return np.interp(visibility_m, [100.0, 500.0, 1000.0, 10_000.0], [1.0, 0.6, 0.35, 0.1])


def fog_severity(visibility_m: Floats) -> Floats:
    """Fog is visibility below 1 km; Koschmieder with 5 % contrast, as it is painted: V = 3 / (0.0033 + 0.11 s)."""
    severity = np.clip((3.0 / np.maximum(visibility_m, 1.0) - 0.0033) / 0.11, 0.0, 1.0)
    return np.where(visibility_m < 1000.0, severity, 0.0)


@cache
def hours_of(name: str) -> Hours:
    """The hours of a climate that ships, or of a CSV file; read once. Raises BadHours."""
    if name in CLIMATES:
        return CLIMATES[name]()
    return _from_csv(Path(name))


@cache
def hours_digest(name: str) -> str:
    """Hex digest of a climate's hours."""
    hours = hours_of(name)
    return sha256(b"".join(each.tobytes() for each in (hours.rain, hours.snow, hours.fog, hours.cloud))).hexdigest()


def _severe(rain_mm: Floats, snow: NDArray[np.bool_], visibility_m: Floats, cloud: Floats) -> Hours:
    """From what was measured, (8760,) each. Falling snow and heavy rain explain a short sight themselves."""
    rain = np.where(snow, 0.0, rain_severity(rain_mm))
    fog = np.where(snow | (rain > 0.6), 0.0, fog_severity(visibility_m))
    severities = (rain, np.where(snow, snow_severity(visibility_m), 0.0), fog, cloud)
    return Hours(*(each.astype(np.float32) for each in severities))


def _greensboro() -> Hours:
    """TMY3 723170, Greensboro, North Carolina (Wilcox & Marion 2008, NREL/TP-581-43156).

    The gauge counts 0.1 mm, whatever the column's head says: its steps are hundredths of an inch, 3, 5, 8, 10, 13.
    Where it is dry and the observer saw rain (WMO table 4677), rain is a trace. Code 45 stands for all mist, so fog is
    told by visibility. Negative numbers are missing.
    """
    from pvlib import iotools

    table, _ = iotools.read_tmy3(_shipped("723170TYA.CSV"), map_variables=False)
    gauge, sight, cloud, degrees, code = (
        table[column].to_numpy(np.float64)
        for column in (
            "Lprecip depth (mm)", "Hvis (m)", "OpqCld (tenths)", "Dry-bulb (C)", "PresWth (METAR code)",
        )
    )  # fmt: skip
    seen = np.isin(code, list(_WMO_RAIN))
    rain = np.where(gauge > 0, 0.1 * gauge, np.where(seen, _RATE["trace"], 0.0))
    snow = np.isin(code, list(_WMO_SNOW)) | ((gauge > 0) & (degrees <= 0.0) & ~seen)
    return _severe(rain, snow, np.where(sight < 0, np.inf, sight), np.clip(cloud / 10.0, 0.0, 1.0))


def _miami() -> Hours:
    """TMY2 12839, Miami, Florida (Marion & Urban 1995, NREL/SP-463-7668).

    There is no gauge in it; ten digits tell what was seen: whether anybody looked, thunder, rain, drizzle or squalls,
    snow, snow showers, sleet, fog, haze, ice. Rain has three strengths in three sorts, 9 is none.
    """
    from pvlib import iotools

    table, _ = iotools.read_tmy2(_shipped("12839.tm2"))
    digits = np.array([list(f"{int(seen):010d}") for seen in table["PresentWeather"]], np.int64)
    words = np.array([_RATE["light"], _RATE["moderate"], _RATE["heavy"]] * 3 + [0.0])
    rain = np.maximum(words[digits[:, 2]], np.where(digits[:, 3] < 9, _RATE["trace"], 0.0))
    snow = (digits[:, 4] < 9) | (digits[:, 5] < 9)
    sight = 100.0 * table["Hvis"].to_numpy(np.float64)  # tenths of km; from 777.7 km on unlimited or missing
    return _severe(rain, snow, np.where(sight >= 777_700.0, np.inf, sight), table["OpqCld"].to_numpy(np.float64) / 10.0)


CLIMATES: dict[str, Callable[[], Hours]] = {"greensboro": _greensboro, "miami": _miami}
"""Climates that ship. pvlib has Sand Point, Alaska, too, but hardly any precipitation is on record there."""


def _shipped(file: str) -> Path:
    import pvlib

    return Path(pvlib.__file__).parent / "data" / file


def _from_csv(path: Path) -> Hours:
    """A user's file, in columns as above. Raises BadHours."""
    table = np.full((YEAR_H, len(_COLUMNS)), np.nan)
    years: dict[int, int] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            for column in ("time", *_COLUMNS):
                if column not in (rows.fieldnames or ()):
                    raise BadHours(path, 1, f"no column {column!r}", f"time,{','.join(_COLUMNS)}")
            for row in rows:
                hour, year = _hour_of_year(row["time"], path, rows.line_num)
                if years.setdefault(year, rows.line_num) and len(years) > 1:
                    raise BadHours(path, rows.line_num, f"{row['time']!r} is of another year", "hours of one year")
                if hour < YEAR_H:
                    table[hour] = [_number(row, column, path, rows.line_num) for column in _COLUMNS]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadHours(path, 0, str(error), "a CSV file in UTF-8") from None
    known = int(np.isfinite(table[:, 0]).sum())
    if known < 0.9 * YEAR_H:
        raise BadHours(path, 0, f"rain_mm is known for {known} hours", f"at least nine in ten of {YEAR_H}")
    rain, snow, sight, cloud = (_filled(table[:, i], empty) for i, empty in enumerate((0.0, 0.0, np.inf, 0.0)))
    return _severe(rain, (snow > 0.5) & (rain > 0), sight, cloud)


def _hour_of_year(text: str, path: Path, line: int) -> tuple[int, int]:
    """The hour, 0 to 8759, or 8760 on 29 February; and the year."""
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadHours(path, line, f"time is {text!r}", "a time such as 2013-01-31T23:00") from None
    if (when.month, when.day) == (2, 29):
        return YEAR_H, when.year
    return (when.replace(year=2001).timetuple().tm_yday - 1) * 24 + when.hour, when.year


def _number(row: dict[str, str], column: str, path: Path, line: int) -> float:
    text = (row[column] or "").strip()
    try:
        value = float(text or _EMPTY.get(column, "nan"))
    except ValueError:
        value = -1.0
    if value < 0.0 or value > _COLUMNS[column]:
        raise BadHours(path, line, f"{column} is {text!r}", f"nothing, or a number from 0 to {_COLUMNS[column]:g}")
    return value


def _filled(values: Floats, empty: float) -> Floats:
    """Gaps take the hour before; those before the first that is known take that; `empty` where nothing is."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(len(values), empty)
    before = np.maximum(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0)
    return values[known[before]]
