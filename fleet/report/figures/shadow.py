"""Candidates against production: where they see the world differently."""

from typing import Any

import duckdb
from markupsafe import Markup, escape

from fleet.report.markup import figure, many, nothing, table

EVERYWHERE = "everywhere"
_QUERY = """
    WITH placed AS (
        SELECT shadow.*, unnest(list_concat(['everywhere'], coalesce(sliced.slices, []))) AS slice
        FROM shadow ASOF LEFT JOIN sliced ON sliced.car = shadow.car AND sliced.t_us >= shadow.t_us)
    SELECT candidate, task, slice, sum(ticks)::BIGINT AS ticks,
           sum(mean * ticks) / nullif(sum(ticks), 0) AS mean, max("max") AS "max"
    FROM placed GROUP BY ALL ORDER BY candidate, task, slice"""


def disagreement(db: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Per candidate, task and slice: ticks compared, mean and largest disagreement."""
    rows = db.execute(_QUERY)
    heads = [column[0] for column in rows.description or ()]
    return [dict(zip(heads, row, strict=True)) for row in rows.fetchall()]


def shadow(db: duckdb.DuckDBPyConnection) -> Markup:
    """A table per candidate: a row per task, a column per slice, darker where they differ more."""
    title = "Candidates against production"
    found = disagreement(db)
    if not found:
        return nothing(title, "No candidate rides along in this run.")
    slices = sorted({row["slice"] for row in found} - {EVERYWHERE})
    parts = [
        Markup("<h4>{}</h4>").format(candidate) + _heat([row for row in found if row["candidate"] == candidate], slices)
        for candidate in dict.fromkeys(row["candidate"] for row in found)
    ]
    note = (
        "Mean disagreement on the same frames, by task and by what truth says of weather and light; the largest one in "
        "small print. The darkest cell of a row is where a candidate differs most. Each task says what 1 means."
    )
    return figure(title, Markup("").join(parts), note=note, wide=True)


def _heat(rows: list[dict[str, Any]], slices: list[str]) -> Markup:
    cells = {(row["task"], row["slice"]): row for row in rows}
    columns = [EVERYWHERE, *slices]
    lines = []
    for task in dict.fromkeys(row["task"] for row in rows):
        own = [cells.get((task, name)) for name in columns]
        most = max((row["mean"] or 0.0 for row in own if row), default=0.0)
        lines.append([task, many(cells[task, EVERYWHERE]["ticks"]), *(_cell(row, most) for row in own)])
    return table(["task", "ticks", *columns], lines)


def _cell(row: dict[str, Any] | None, most: float) -> Markup:
    if row is None or row["mean"] is None:
        return Markup("–")
    heat = round(100 * row["mean"] / most) if most else 0
    says = escape(f"{many(row['ticks'])} ticks")
    return Markup('<span class="heat" style="--heat:{}%" title="{}">{} <small>{}</small></span>').format(
        heat, says, f"{row['mean']:.3g}", f"{row['max']:.2g}"
    )
