"""The clips themselves: what the cameras saw when a trigger fired, and just before and after."""

from dataclasses import dataclass
from typing import Any

import duckdb
from markupsafe import Markup

from fleet.errors import FleetError
from fleet.report.folder import Run
from fleet.report.maps import is_map, legend_of
from fleet.report.markup import nothing
from fleet.report.pictures import Picture, data_url, nearest, read_pictures
from fleet.report.svg import clock
from fleet.report.templates import template

BEST, WRONG = {1: 9, 2: 6}, 3  # best clips a trigger, by how many triggers there are; else three
_CAMERAS = 2
_AROUND_US = 2_000_000

View = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """One clip on the sheet; views, maps: (camera or viewer, before, at the fire, after) as data URLs, maybe empty."""

    clip: str
    car: int
    when: str
    score: float
    slices: str
    right: bool | None
    views: tuple[View, ...]
    maps: tuple[View, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    trouble: str = ""


def contact_sheet(run: Run) -> Markup:
    """The best clips of every trigger by score, and the best-scored ones that truth calls wrong."""
    chosen = _choose(run.db)
    if not chosen:
        return nothing("Clips", "The collection server keeps no clip of this run.")
    triggers = dict.fromkeys(row[0] for row in chosen)
    groups = [
        (trigger, *_counts(run.db, trigger), [_card(run, row) for row in chosen if row[0] == trigger])
        for trigger in triggers
    ]
    return Markup(template("contact_sheet.html.j2").render(groups=groups))  # noqa: S704 – the template escapes


def _choose(db: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    query = """
        WITH told AS (
            SELECT clips.trigger, clips.clip, clips.car, clips.t_us, clips.score, clips.cameras, clips.file,
                   sliced.slices, judged."right"
            FROM clips
            LEFT JOIN judged ON judged.car = clips.car AND judged.t_us = clips.t_us AND judged.trigger = clips.trigger
            ASOF LEFT JOIN sliced ON sliced.car = clips.car AND sliced.t_us >= clips.t_us),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY trigger ORDER BY score DESC, md5(clip)) AS place,
                   row_number() OVER (PARTITION BY trigger, "right" ORDER BY score DESC, md5(clip)) AS among
            FROM told)
        SELECT * EXCLUDE (place, among) FROM ranked WHERE place <= ? OR ("right" = false AND among <= ?)
        ORDER BY trigger, score DESC, md5(clip)"""
    triggers = db.execute("SELECT count(DISTINCT trigger) FROM clips").fetchall()[0][0]
    return db.execute(query, [BEST.get(triggers, 3), WRONG]).fetchall()


def _counts(db: duckdb.DuckDBPyConnection, trigger: str) -> tuple[int, float, float]:
    """How many clips, the lowest and the highest score."""
    query = "SELECT count(*), min(score), max(score) FROM clips WHERE trigger = ?"
    number, low, high = db.execute(query, [trigger]).fetchall()[0]
    return number, low, high


def _card(run: Run, row: tuple[Any, ...]) -> Card:
    _, clip, car, t_us, score, cameras, file, slices, right = row
    told: dict[str, Any] = {
        "clip": clip,
        "car": car,
        "when": clock(t_us),
        "score": score,
        "slices": ", ".join(slices or ()),
        "right": right,
    }
    try:
        pictures = read_pictures(run.store / str(file))
    except FleetError as error:
        return Card(**told, views=(), trouble=str(error))
    names = [name for name in str(cameras).split(",") if name][:_CAMERAS]
    seen_above = [picture for picture in pictures if is_map(picture.encoded)]
    viewers = list(dict.fromkeys(picture.camera for picture in seen_above))[:_CAMERAS]
    return Card(
        **told,
        views=tuple(_view(pictures, name, t_us) for name in names),
        maps=tuple(_view(seen_above, name, t_us) for name in viewers),
        legend=tuple(legend_of(seen_above[0].encoded)) if seen_above else (),
    )


def _view(pictures: list[Picture], camera: str, t_us: int) -> tuple[str, str, str, str]:
    fired, before, after = (nearest(pictures, camera, t_us + shift) for shift in (0, -_AROUND_US, _AROUND_US))
    return camera, _url(before), _url(fired), _url(after)


def _url(picture: Picture | None) -> str:
    if picture is None:
        return ""
    return data_url("png" if is_map(picture.encoded) else "jpeg", picture.encoded)
