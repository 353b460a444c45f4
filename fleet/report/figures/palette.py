"""One colour per trigger, the same in every figure."""

import duckdb

from fleet.report.svg import COLOURS, colour

OTHERS = "others"


def trigger_colours(db: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Triggers that fired, busiest first, each with its colour class; beyond six, `others` share one."""
    names = [row[0] for row in db.execute("SELECT trigger FROM fires GROUP BY 1 ORDER BY count(*) DESC, 1").fetchall()]
    apart = names[: len(COLOURS)]
    colours = {name: colour(index) for index, name in enumerate(apart)}
    return colours if len(apart) == len(names) else colours | {OTHERS: "c8"}
