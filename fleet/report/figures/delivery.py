"""What became of the clips on their way out of the cars, and how long it took."""

import math
from collections import Counter

import duckdb
from markupsafe import Markup

from fleet.report import svg
from fleet.report.markup import figure, many, nothing, percent, shares, table, weight

_STATUS = {
    "delivered": "c3",
    "waiting": "c2",
    "evicted": "c4",
    "expired": "c1",
    "over_budget": "c6",
    "over_limit": "c5",
}
_ROUND_S = (0.01, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000)
_PER_DOUBLING = 2


def outcomes(db: duckdb.DuckDBPyConnection) -> Markup:
    """How many clips were delivered, still wait, or were given up, and their bytes."""
    title = "What became of the clips"
    query = "SELECT status, count(*), sum(bytes)::BIGINT, sum(interruptions)::BIGINT FROM uploads GROUP BY 1"
    found = {row[0]: row[1:] for row in db.execute(query).fetchall()}
    if not found:
        return nothing(title, "No clip has been queued for upload.")
    total = sum(row[0] for row in found.values())
    names = [*(name for name in _STATUS if name in found), *sorted(found.keys() - _STATUS.keys())]
    kinds = {name: _STATUS.get(name, "c6") for name in names}
    bar = shares([(kinds[name], found[name][0] / total, name) for name in names], f"{many(total)} clips")
    rows = [
        [name, many(found[name][0]), percent(found[name][0] / total), weight(found[name][1]), many(found[name][2] or 0)]
        for name in names
    ]
    drawn = bar + table(["", "clips", "share", "bytes", "broken off"], rows)
    legend = [(kinds[name], name) for name in names]
    return figure(
        title, drawn, legend=legend, note="Broken off: how often the link went away in the middle of a clip.", wide=True
    )


def delays(db: duckdb.DuckDBPyConnection) -> Markup:
    """How long delivered clips took from the outbox to the last byte, on a logarithmic scale."""
    title = "Time to deliver a clip"
    query = "SELECT (finished_us - t_us) / 1e6 FROM uploads WHERE status = 'delivered' ORDER BY 1"
    waits_s = [max(row[0], 0.01) for row in db.execute(query).fetchall()]
    if not waits_s:
        return nothing(title, "No clip has been delivered.")
    bins = Counter(math.floor(math.log2(wait) * _PER_DOUBLING) for wait in waits_s)
    low, high = min(bins) / _PER_DOUBLING, (max(bins) + 1) / _PER_DOUBLING
    ticks = tuple((math.log2(at), spoken(at)) for at in _ROUND_S if low <= math.log2(at) <= high)
    x = svg.Scale(
        low, high, svg.LEFT, svg.WIDTH - svg.RIGHT, ticks or ((low, spoken(2.0**low)), (high, spoken(2.0**high)))
    )
    y = svg.upward(max(bins.values()) * 1.15, whole=True)
    spans = [(at / _PER_DOUBLING, (at + 1) / _PER_DOUBLING, 0.0, float(number)) for at, number in sorted(bins.items())]
    middle, slow = waits_s[len(waits_s) // 2], waits_s[min(math.ceil(len(waits_s) * 0.95), len(waits_s)) - 1]
    says = f"half of {many(len(waits_s))} clips within {spoken(middle)}, 95 % within {spoken(slow)}"
    mark = svg.upright(x, y, math.log2(middle), f"half within {spoken(middle)}")
    drawn = svg.chart(title, says, x, y, svg.bars(x, y, spans, "c1"), mark)
    return figure(title, drawn, note=f"From the outbox to the last byte: {says}. Logarithmic.")


def spoken(seconds: float) -> str:
    """A stretch of time in its natural unit."""
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1000:.0f} ms"
