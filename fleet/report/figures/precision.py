"""How often triggers were right, and what they missed: by truth, for the examiner only."""

import duckdb
from markupsafe import Markup, escape

from fleet.report.markup import figure, many, nothing, percent, table
from triggers import estimate

_EXAMINER = "By truth, which no car and no labeller ever sees."


def precision(db: duckdb.DuckDBPyConnection) -> Markup:
    """Right fires of all fires per trigger, with a 95 % interval."""
    title = "Precision so far"
    query = """
        SELECT trigger, any_value(kind), count(*), count(*) FILTER ("right") FROM judged
        WHERE "right" IS NOT NULL GROUP BY 1 ORDER BY 1"""
    rows = db.execute(query).fetchall()
    if not rows:
        return nothing(
            title, "No fire can be judged: truth is empty, or no trigger looks for a thing that truth knows."
        )
    lines = [
        [_about(trigger, kind), many(fires), many(right), _interval(right, fires)]
        for trigger, kind, fires, right in rows
    ]
    note = f"{_EXAMINER} A fire is right when the thing was in view of a camera; 95 % Wilson intervals."
    return figure(title, table(["trigger", "fires", "right", "precision"], lines), note=note)


def misses(db: duckdb.DuckDBPyConnection) -> Markup:
    """Things in view when the examiner looked, and how many of them their trigger fired at, by slice of the world."""
    title = "Seen and caught"
    query = """
        WITH hit AS (
            SELECT DISTINCT fires.trigger, fires.car, truth.encounter
            FROM fires JOIN truth ON truth.car = fires.car AND truth.t_us = fires.t_us),
        met AS (
            SELECT sought.trigger, truth.kind, truth.car, truth.encounter, min(truth.t_us) AS t_us,
                   bool_or(hit.car IS NOT NULL) AS caught
            FROM truth JOIN sought USING (kind)
            JOIN (SELECT DISTINCT t_us FROM truth WHERE kind = 'conditions') AS looks USING (t_us)
            LEFT JOIN hit ON hit.trigger = sought.trigger AND hit.car = truth.car AND hit.encounter = truth.encounter
            GROUP BY ALL),
        placed AS (SELECT met.*, seen_as.slices FROM met LEFT JOIN seen_as USING (car, t_us, encounter))
        SELECT trigger, kind, slice, count(*), count(*) FILTER (caught) FROM (
            SELECT *, unnest(list_concat(['everywhere'], coalesce(slices, []))) AS slice FROM placed)
        GROUP BY ALL ORDER BY trigger, count(*) DESC, slice"""
    rows = db.execute(query).fetchall()
    if not rows:
        return nothing(title, "Truth has seen nothing that a trigger looks for.")
    firsts = [above is None or above[0] != row[0] for above, row in zip([None, *rows], rows, strict=False)]
    lines = [
        [_about(trigger, kind) if first else "", where, many(seen), many(seen - caught), _interval(caught, seen)]
        for first, (trigger, kind, where, seen, caught) in zip(firsts, rows, strict=True)
    ]
    heads = ["trigger", "where", "seen", "missed", "caught"]
    note = (
        f"{_EXAMINER} One physical thing met by one car counts once; 95 % Wilson intervals. The examiner looks at "
        "every barrier; a thing it then saw counts as caught if its trigger fired at it at any time of the run."
    )
    return figure(title, table(heads, lines, words=2), note=note, wide=True)


def _about(trigger: str, kind: str) -> Markup:
    """A trigger and what it looks for, once when they are called alike."""
    return escape(trigger) if trigger == kind else Markup("{} <small>{}</small>").format(trigger, kind)


def _interval(hits: int, of: int) -> Markup:
    """A share with its interval, as a picture and as words."""
    found = estimate.wilson(hits, of)
    low, high = found.low, found.high
    drawn = Markup('<span class="interval"><i style="left:{}%;width:{}%"></i><b style="left:{}%"></b></span>').format(
        *(f"{share * 100:.1f}" for share in (low, high - low, hits / of))
    )
    return drawn + Markup(" {} <small>{}–{}</small>").format(*map(percent, (hits / of, low, high)))
