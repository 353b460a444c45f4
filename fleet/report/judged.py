"""What the examiner's truth says: which fires were right, and in which slice of the world a row lies."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

CALM = {"rain": 0.0, "fog": 0.0, "night": 0.0}


def judge(db: duckdb.DuckDBPyConnection) -> None:
    """Add the view `judged`: every fire with the `kind` of thing its trigger looks for, and whether it was `right`.

    A trigger looks for the kind whose words its own name contains; one that looks for none has null in both columns,
    and so has every fire of a run without truth. A fire is right when truth saw such a thing from that car then.
    """
    from scenarios import KINDS  # brings torch, which most questions do without

    triggers = db.execute("SELECT trigger FROM reasons UNION SELECT trigger FROM fires ORDER BY 1").fetchall()
    told = db.execute("SELECT count(*) FROM truth").fetchall()[0][0] > 0
    sought = {name: sought_by(name, KINDS) if told else None for (name,) in triggers}
    db.register(
        "sought", pa.table({"trigger": pa.array(sought, pa.string()), "kind": pa.array(sought.values(), pa.string())})
    )
    db.execute("""
        CREATE TEMP VIEW judged AS
        WITH present AS (SELECT DISTINCT car, t_us, kind FROM truth WHERE visible > 0)
        SELECT fires.*, sought.kind, CASE WHEN sought.kind IS NOT NULL THEN present.car IS NOT NULL END AS "right"
        FROM fires
        LEFT JOIN sought USING (trigger)
        LEFT JOIN present ON present.car = fires.car AND present.t_us = fires.t_us AND present.kind = sought.kind
    """)


def sought_by(trigger: str, kinds: Collection[str]) -> str | None:
    """The longest kind whose words stand in the trigger's name; None when there is none."""
    return max((kind for kind in kinds if f"_{kind}_" in f"_{trigger}_"), key=len, default=None)


def slice_rows(db: duckdb.DuckDBPyConnection) -> None:
    """Add the table `sliced`: car, t_us, and the list `slices` of every `SLICES` entry that held there then."""
    from scenarios import SLICES  # brings torch, which most questions do without

    rows = db.execute("SELECT car, t_us, rain, fog, night FROM truth WHERE kind = 'conditions' ORDER BY car, t_us")
    found = rows.fetchnumpy()
    severities = {name: np.ma.filled(found[name], 0.0).astype(np.float32) for name in CALM}
    names = list(SLICES)
    masks = np.array([_holds(SLICES[name], severities) for name in names]).reshape(len(names), -1).T
    slices = [[name for name, holds in zip(names, row, strict=True) if holds] for row in masks]
    columns = {"car": found["car"], "t_us": found["t_us"], "slices": pa.array(slices, pa.list_(pa.string()))}
    db.register("sliced", pa.table(columns))


def slice_names() -> list[str]:
    """The slices there are, by name."""
    from scenarios import SLICES  # brings torch, which most questions do without

    return sorted(SLICES)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share after `hits` of `of` (Wilson 1927); (0, 1) when nothing was seen."""
    if of == 0:
        return 0.0, 1.0
    z = 1.959964
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / of / 4) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _holds(holds: Callable[..., Any], severities: Mapping[str, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Where a slice holds; nowhere, if it asks for a severity that truth does not record."""
    try:
        return np.asarray(holds(severities), bool)
    except KeyError:
        return np.zeros(len(severities["rain"]), bool)
