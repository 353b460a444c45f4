"""Why triggers fired or stayed silent."""

import duckdb
from markupsafe import Markup

from fleet.report.markup import figure, many, nothing, percent, shares, table
from fleet.report.svg import colour

_KINDS = {
    "FIRED": "c2",
    "HELD": "c3",
    "DWELLING": "c7",
    "COOLDOWN": "c1",
    "QUOTA": "c4",
    "FLEET_QUOTA": "c4",
    "SUSPENDED": "c5",
    "EXPIRED": "c5",
    "PRIVATE": "c5",
    "NO_BUFFER": "c5",
    "UNDEFINED": "c5",
    "GATED": "c6",
    "BELOW": "c0",
    "NOT_DEPLOYED": "c0",
}


def reasons(db: duckdb.DuckDBPyConnection) -> Markup:
    """A bar per trigger, cut by reason, and the counts behind it."""
    title = "Why triggers were silent"
    rows = db.execute("SELECT trigger, reason, sum(count)::BIGINT FROM reasons GROUP BY ALL ORDER BY ALL").fetchall()
    if not rows:
        return nothing(title, "No verdict has been counted yet.")
    counts: dict[str, dict[str, int]] = {}
    for trigger, reason, number in rows:
        counts.setdefault(trigger, {})[reason] = number
    order = list(_KINDS)
    names = sorted(
        {row[1] for row in rows}, key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    kinds = {name: _KINDS.get(name, colour(index)) for index, name in enumerate(names)}
    lines = [
        [trigger, many(sum(own.values())), _bar(trigger, own, kinds), *(many(own.get(name, 0)) for name in names)]
        for trigger, own in counts.items()
    ]
    drawn = table(["trigger", "verdicts", "", *(name.lower() for name in names)], lines)
    note = "One verdict per trigger, driving car and tick. Slivers are drawn wider than they are, to be seen at all."
    return figure(title, drawn, note=note, legend=[(kinds[name], name.lower()) for name in names], wide=True)


def _bar(trigger: str, counts: dict[str, int], kinds: dict[str, str]) -> Markup:
    total = sum(counts.values())
    parts = [
        (kinds[name], counts[name] / total, f"{name.lower()}: {many(counts[name])}") for name in kinds if name in counts
    ]
    return shares(parts, f"{trigger}: " + ", ".join(f"{percent(share)} {what}" for _, share, what in parts))
