"""Fires, uploads, links and outboxes as the simulated hours pass."""

from collections.abc import Sequence
from typing import Any

import duckdb
from markupsafe import Markup

from fleet.report import svg
from fleet.report.figures.palette import OTHERS, trigger_colours
from fleet.report.markup import figure, many, nothing, series, weight

_BINS = 40
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_LINKS = (("wifi", "c3"), ("cellular", "c1"), ("none", "c6"))


def fires_over_time(db: duckdb.DuckDBPyConnection) -> Markup:
    """Fires per time step, stacked by trigger: the busiest apart, the others together."""
    title = "Fires"
    bounds = _span(db)
    if bounds is None or not _count(db, "fires"):
        return nothing(title, "No trigger has fired.")
    colours = trigger_colours(db)
    step_us = _step(*bounds)
    rows = db.execute("SELECT t_us // ? AS step, trigger, count(*) FROM fires GROUP BY 1, 2", [step_us]).fetchall()
    counts: dict[str, dict[int, int]] = {name: {} for name in colours}
    for step, trigger, number in rows:
        own = counts[trigger if trigger in counts else OTHERS]
        own[step] = own.get(step, 0) + number
    steps = sorted({row[0] for row in rows})
    stacked = svg.stack([[counts[name].get(step, 0) for step in steps] for name in colours])
    x, y = svg.over_time(*bounds), svg.upward(max(stacked[-1][1]), whole=True)
    marks = [
        svg.bars(x, y, _columns(steps, step_us, bounds, lows, highs), kind, name)
        for (name, kind), (lows, highs) in zip(colours.items(), stacked, strict=True)
    ]
    total = many(_count(db, "fires"))
    says = f"{total} fires from {svg.clock(bounds[0])} to {svg.clock(bounds[1])}"
    note = f"Per {_words(step_us)} of simulated time, by trigger."
    return figure(
        title, svg.chart(title, says, x, y, *marks), note=note, legend=[(kind, name) for name, kind in colours.items()]
    )


def uploads_over_time(db: duckdb.DuckDBPyConnection) -> Markup:
    """Clips queued in the cars and clips delivered, as running totals."""
    title = "Clips queued and delivered"
    bounds = _span(db)
    if bounds is None or not _count(db, "uploads"):
        return nothing(title, "No clip has been queued for upload.")
    queued = [row[0] for row in db.execute("SELECT t_us FROM uploads ORDER BY 1").fetchall()]
    query = "SELECT finished_us FROM uploads WHERE status = 'delivered' AND finished_us <= ? ORDER BY 1"
    delivered = [row[0] for row in db.execute(query, [bounds[1]]).fetchall()]
    x, y = svg.over_time(*bounds), svg.upward(len(queued), whole=True)
    lines = [
        svg.line(x, y, _staircase(times, bounds), svg.colour(index)) for index, times in enumerate((queued, delivered))
    ]
    says = f"{len(queued)} clips queued, {len(delivered)} delivered by {svg.clock(bounds[1])}"
    note = "Running totals; the gap between the lines is what still waits or was evicted."
    return figure(title, svg.chart(title, says, x, y, *lines), note=note, legend=series(["queued", "delivered"]))


def outboxes_over_time(db: duckdb.DuckDBPyConnection) -> Markup:
    """What waits in all outboxes together, at each barrier."""
    title = "Waiting in the outboxes"
    bounds = _span(db)
    query = "SELECT t_us, sum(waiting_bytes)::BIGINT, sum(waiting_clips)::BIGINT FROM vehicles GROUP BY 1 ORDER BY 1"
    rows = db.execute(query).fetchall()
    if bounds is None or not rows:
        return nothing(title, "No barrier has been reached.")
    times, sizes = [row[0] for row in rows], [float(row[1]) for row in rows]
    x, y = svg.over_time(*bounds), svg.upward(max(sizes), label=weight)
    points = list(zip(times, sizes, strict=True))
    marks = (
        svg.area(x, y, [(at, 0.0, size) for at, size in points], "c2"),
        svg.line(x, y, points, "c2"),
        svg.dots(x, y, points, "c2", 2),
    )
    peak = max(rows, key=lambda row: row[1])
    says = f"at most {weight(peak[1])} in {many(peak[2])} clips, at {svg.clock(peak[0])}"
    return figure(title, svg.chart(title, says, x, y, *marks), note=f"Bytes over the whole fleet: {says}.")


def links_over_time(db: duckdb.DuckDBPyConnection) -> Markup:
    """The share of cars on each kind of link, at each barrier."""
    title = "Links"
    bounds = _span(db)
    shares = ", ".join(f"avg((link = '{name}')::INT)" for name, _ in _LINKS)
    rows = db.execute(f"SELECT t_us, {shares} FROM vehicles GROUP BY 1 ORDER BY 1").fetchall()  # noqa: S608
    if bounds is None or not rows:
        return nothing(title, "No barrier has been reached.")
    times = [row[0] for row in rows]
    edges = svg.stack([[row[1 + index] for row in rows] for index in range(len(_LINKS))])
    x, y = svg.over_time(*bounds), svg.upward(1.0, label=lambda share: f"{share:.0%}")
    marks = [
        svg.area(x, y, list(zip(times, low, high, strict=True)), kind)
        for (low, high), (_, kind) in zip(edges, _LINKS, strict=True)
    ]
    last = ", ".join(f"{share:.0%} {name}" for share, (name, _) in zip(rows[-1][1:], _LINKS, strict=True))
    drawn = svg.chart(title, f"at the end {last}", x, y, *marks)
    return figure(
        title, drawn, note=f"Share of cars; at the end {last}.", legend=[(kind, name) for name, kind in _LINKS]
    )


def _span(db: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
    """First and last simulated microsecond that any table speaks of; None when none does."""
    tables = ("fires", "uploads", "vehicles", "signals", "reasons")
    union = " UNION ALL ".join(f"SELECT min(t_us) AS low, max(t_us) AS high FROM {table}" for table in tables)  # noqa: S608
    low, high = db.execute(f"SELECT min(low), max(high) FROM ({union})").fetchall()[0]  # noqa: S608
    return None if low is None else (low, max(high, low + 1))


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608


def _step(first_us: int, last_us: int) -> int:
    """The shortest round step that cuts the span into at most `_BINS`, µs."""
    span_s = (last_us - first_us) / 1e6
    return next((step for step in _STEPS_S if span_s / step <= _BINS), 86400) * 1_000_000


def _words(step_us: int) -> str:
    seconds = step_us // 1_000_000
    for size, word in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            number = seconds // size
            return word if number == 1 else f"{number} {word}s"
    return f"{seconds} seconds"


def _columns(
    steps: Sequence[int], step_us: int, bounds: tuple[int, int], lows: Sequence[float], highs: Sequence[float]
) -> list[tuple[float, float, float, float]]:
    """Bars of one series, clipped to the span of the plot."""
    return [
        (max(step * step_us, bounds[0]), min((step + 1) * step_us, bounds[1]), low, high)
        for step, low, high in zip(steps, lows, highs, strict=True)
    ]


def _staircase(times: Sequence[Any], bounds: tuple[int, int]) -> list[tuple[float, float]]:
    """A running count as the corners of its steps; at most some hundreds of them."""
    stride = max(len(times) // 400, 1)
    corners: list[tuple[float, float]] = [(bounds[0], 0)]
    for index in range(0, len(times), stride):
        reached = min(index + stride, len(times))
        corners += [(times[reached - 1], corners[-1][1]), (times[reached - 1], reached)]
    return [*corners, (bounds[1], len(times))]
