"""What the examiner's truth says: which fires were right, and in which slice of the world a row lies."""

from collections.abc import Collection, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


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
    """Add two tables with the list `slices` of every `SLICES` entry that held for each row of truth.

    `sliced`: car, t_us, slices of a moment. `seen_as`: car, t_us, encounter, slices of a thing then.
    """
    for name, which in (("sliced", "kind = 'conditions'"), ("seen_as", "kind <> 'conditions'")):
        found = db.execute(f"SELECT * FROM truth WHERE {which} ORDER BY car, t_us, encounter").fetchnumpy()  # noqa: S608
        keys = {key: found[key] for key in ("car", "t_us", "encounter")}
        columns = _moments(found) | (_things(found) if name == "seen_as" else {})
        db.register(name, pa.table({**keys, "slices": pa.array(_slices(columns), pa.list_(pa.string()))}))


def slice_names() -> list[str]:
    """The slices there are, by name."""
    from scenarios import SLICES  # brings torch, which most questions do without

    return sorted(SLICES)


def _moments(found: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """What slices may ask of moments; what truth does not record is calm."""
    from scenarios import CONDITIONS  # brings torch, which most questions do without

    calm = np.zeros(len(found["car"]), np.float32)
    numbers = {name: np.ma.filled(found.get(name, calm), 0.0) for name in (*CONDITIONS, "tunnel")}
    return {**numbers, "road": np.ma.filled(found["road"], "").astype(str)}


def _things(found: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """What slices may ask of things besides."""
    from scenarios import TRAITS  # brings torch, which most questions do without

    words = [str(said or "").split() for said in np.ma.filled(found["traits"], "").tolist()]
    numbers = {name: np.ma.filled(found[name], 0.0) for name in ("distance_m", "visible", "state", "tilt_deg")}
    return {**numbers, **{trait: np.array([trait in said for said in words], np.bool_) for trait in TRAITS}}


def _slices(columns: Mapping[str, NDArray[Any]]) -> list[list[str]]:
    """The names of the slices that each row is in."""
    from scenarios import slices_of  # brings torch, which most questions do without

    holds = slices_of(columns)
    rows = np.array(list(holds.values())).reshape(len(holds), -1).T
    return [[name for name, inside in zip(holds, row, strict=True) if inside] for row in rows.tolist()]
