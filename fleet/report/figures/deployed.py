"""What was deployed, refused and suspended while the run lasted."""

import duckdb
from markupsafe import Markup

from fleet.plan import show_clock
from fleet.report.markup import figure, nothing, table


def deployed(db: duckdb.DuckDBPyConnection) -> Markup:
    """A row per action on the software of the fleet, with its reason."""
    title = "What happened to the software"
    rows = db.execute("SELECT t_us, action, cars, reason FROM rollouts ORDER BY ALL").fetchall()
    if not rows:
        return nothing(title, "Nothing was deployed, refused or suspended.")
    lines = [[show_clock(at), action, reason, cars] for at, action, cars, reason in rows]
    note = "Packages that cars took or refused, and triggers that the circuit breaker suspended, at the barrier given."
    return figure(title, table(["at", "action", "what and why", "cars"], lines, words=3), note=note, wide=True)
