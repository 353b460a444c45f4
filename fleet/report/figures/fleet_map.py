"""Where the cars were, and where they fired."""

import math
from collections.abc import Sequence
from typing import Any

import duckdb
from markupsafe import Markup

from fleet.report import svg
from fleet.report.figures.palette import OTHERS, trigger_colours
from fleet.report.markup import figure, many, nothing

_SIZE = 720
_EDGE = 24
_MOST_POINTS = 24_000
_METRES_PER_DEGREE = 111_320.0
_LATITUDE, _LONGITUDE = '"Vehicle.CurrentLocation.Latitude"', '"Vehicle.CurrentLocation.Longitude"'


def fleet_map(db: duckdb.DuckDBPyConnection) -> Markup:
    """Every place the telemetry knows as a faint dot, every fire as a bright one, with a scale bar."""
    title = "Where the fleet was"
    places = _places(db)
    if not places:
        return nothing(title, "No car has reported a position.")
    fires = _fires(db)
    colours = trigger_colours(db)
    x, y, metres_per_pixel = _scales(places)
    marks = [svg.dots(x, y, places, "c6 faint", 0.9), svg.dots(x, y, _last(db), "c6", 1.7)]
    for name, kind in colours.items():
        own = [(row[1], row[2]) for row in fires if (row[0] if row[0] in colours else OTHERS) == name]
        marks += [svg.dots(x, y, own, f"{kind} halo", 9), svg.dots(x, y, own, kind, 3.5)]
    says = f"{many(len(fires))} fires among the positions of the fleet, north up"
    drawn = svg.drawing(title, says, _SIZE, round(y.start) + _EDGE, *marks, _bar(metres_per_pixel, y.start))
    legend = [("c6", "cars"), *((kind, name) for name, kind in colours.items())]
    return figure(
        title, drawn, note="Faint: every reported position; grey: the last one of each car.", legend=legend, wide=True
    )


def _places(db: duckdb.DuckDBPyConnection) -> list[tuple[float, float]]:
    """Longitudes and latitudes, thinned to what a page can carry: whole cars are kept as long as they fit."""
    rows = db.execute("SELECT count(*) FROM signals").fetchall()[0][0]
    every = max(math.ceil(rows / _MOST_POINTS), 1)
    query = f"""
        SELECT {_LONGITUDE}, {_LATITUDE} FROM (SELECT *, row_number() OVER (ORDER BY t_us, car) AS number FROM signals)
        WHERE number % ? = 0 AND isfinite({_LONGITUDE}) AND isfinite({_LATITUDE})"""  # noqa: S608
    return db.execute(query, [every]).fetchall()


def _last(db: duckdb.DuckDBPyConnection) -> list[tuple[float, float]]:
    query = f"""
        SELECT arg_max({_LONGITUDE}, t_us), arg_max({_LATITUDE}, t_us) FROM signals
        WHERE isfinite({_LONGITUDE}) AND isfinite({_LATITUDE}) GROUP BY car ORDER BY car"""  # noqa: S608
    return db.execute(query).fetchall()


def _fires(db: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Trigger, longitude, latitude of each fire: the car's latest known place, else its next."""
    query = f"""
        WITH placed AS (SELECT car, t_us, {_LONGITUDE} AS x, {_LATITUDE} AS y FROM signals WHERE isfinite({_LATITUDE}))
        SELECT fires.trigger, coalesce(before.x, after.x), coalesce(before.y, after.y) FROM fires
        ASOF LEFT JOIN placed AS before ON before.car = fires.car AND before.t_us <= fires.t_us
        ASOF LEFT JOIN placed AS after ON after.car = fires.car AND after.t_us >= fires.t_us
        WHERE coalesce(before.x, after.x) IS NOT NULL
        ORDER BY fires.trigger, fires.t_us, fires.car"""  # noqa: S608
    return db.execute(query).fetchall()


def _scales(places: Sequence[tuple[float, float]]) -> tuple[svg.Scale, svg.Scale, float]:
    """An equirectangular map of the places' middle latitude: both scales, and metres per pixel."""
    west, east = min(place[0] for place in places), max(place[0] for place in places)
    south, north = min(place[1] for place in places), max(place[1] for place in places)
    narrowing = math.cos(math.radians((south + north) / 2))
    metres_per_pixel = max((east - west) * narrowing, (north - south), 1e-4) * _METRES_PER_DEGREE / (_SIZE - 2 * _EDGE)
    width = (east - west) * narrowing * _METRES_PER_DEGREE / metres_per_pixel
    height = max((north - south) * _METRES_PER_DEGREE / metres_per_pixel, 120)
    left = (_SIZE - width) / 2
    return svg.Scale(west, east, left, left + width), svg.Scale(south, north, _EDGE + height, _EDGE), metres_per_pixel


def _bar(metres_per_pixel: float, bottom: float) -> str:
    """A scale bar of a round length, about a sixth of the map wide."""
    wished = metres_per_pixel * _SIZE / 6
    size = 10.0 ** math.floor(math.log10(wished))
    length = next(size * factor for factor in (5, 2, 1) if size * factor <= wished)
    end = _EDGE + length / metres_per_pixel
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    return (
        f'<path class="mark solid" d="M{_EDGE} {bottom + 4:.1f}v6H{end:.1f}v-6"/>'
        f'<text class="note" x="{end + 6:.1f}" y="{bottom + 12:.1f}">{label}</text>'
    )
