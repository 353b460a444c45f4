"""The tables a run leaves behind, column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from telemetry import vss
from telemetry.errors import UnknownTable, WrongColumns

if TYPE_CHECKING:
    import pyarrow as pa  # loaded where it is used, for a server that only collects has no use for it

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    type: the name of a pyarrow type; whole numbers are signed, for Delta has no others
    unit: "" where there is none
    says: what a value means
    """

    type: str
    unit: str
    says: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a row is, and its columns in their order on disk.

    columns: as a sender gives them
    dated: whether the server notes on which day it took a row in; the day is the last column on disk
    """

    says: str
    columns: Mapping[str, Column]
    dated: bool = True

    @property
    def on_disk(self) -> Mapping[str, Column]:
        """The columns as they are found again."""
        return {**self.columns, DAY: _RECEIVED} if self.dated else self.columns


DAY = "received"
"""The column of the day; also how the files of a table are divided, so that old days go without reading the others."""


_RECEIVED = Column("date32", "", "The day, UTC, on which the collection server brought the row into the table.")
_RUN = {"run": Column("string", "", "The run the row belongs to.")}
_CAR = {"car": Column("int64", "", "The car, counted from 0.")}
_TIME = {"t_us": Column("int64", "µs", "Simulated time since midnight of the plan's first day.")}
_WHO = _RUN | _CAR | _TIME
_CLIP = {"clip": Column("string", "", "The clip's id; empty where there is none.")}
_TRIGGER = {"trigger": Column("string", "", "The trigger's name.")}
_VERSION = {"version": Column("int32", "", "The version of the trigger's spec.")}
_SCORE = {"score": Column("float", "", "The trigger's score at the tick of the fire.")}

_FIRES = Table(
    "One row per verdict that said yes.",
    _WHO | {"tick": Column("int64", "", "The camera tick, 100 ms each.")} | _TRIGGER | _VERSION | _SCORE | _CLIP,
)

_CLIPS = Table(
    "One row per clip the collection server keeps; `t_us` is the time of the fire.",
    _WHO
    | _CLIP
    | _TRIGGER
    | _VERSION
    | _SCORE
    | {
        "priority": Column("int64", "", "The trigger's priority, 0 to 100; higher is sent first."),
        "first_tick": Column("int64", "", "The first camera tick in the clip."),
        "last_tick": Column("int64", "", "The last camera tick in the clip."),
        "frames": Column("int32", "", "Pictures in the clip, all cameras together."),
        "cameras": Column("string", "", "Names of the cameras, with commas between."),
        "bytes": Column("int64", "bytes", "What the clip weighs on the uplink."),
        "complete": Column("bool", "", "Whether every tick that was asked for is there."),
        "file": Column("string", "", "The MCAP file, relative to the store."),
        "sha256": Column("string", "", "Hash over the pictures and maps."),
    },
)

_UPLOADS = Table(
    "One row per clip that stood in a car's outbox and how that ended; `t_us` is when it was queued.",
    _WHO
    | _CLIP
    | _TRIGGER
    | {
        "partition": Column("string", "", "The partition of the outbox that it lay in."),
        "bytes": Column("int64", "bytes", "What was to be sent."),
        "sent_bytes": Column("int64", "bytes", "What of it left the car."),
        "started_us": Column("int64", "µs", "When the first byte left; null if none did."),
        "finished_us": Column("int64", "µs", "When the last byte left; null if it did not."),
        "interruptions": Column("int32", "", "How often the link broke off in between."),
        "link": Column("string", "", "The link it was finished over: none, cellular or wifi."),
        "status": Column(
            "string",
            "",
            "delivered; waiting; or why it was given up: evicted (no room), expired (it waited longer than its "
            "partition allows), over_budget (the same, and the day's megabytes over cellular had held it back) or "
            "over_limit (its trigger may not send so many bytes).",
        ),
    },
)

_REASONS = Table(
    "Why triggers fired or were silent: one row per car, trigger and reason in each interval between barriers; "
    "zero counts have no row.",
    _WHO
    | _TRIGGER
    | {
        "reason": Column("string", "", "The verdict's reason, such as FIRED, BELOW, GATED or COOLDOWN."),
        "count": Column("int64", "", "Verdicts with this reason since the last barrier."),
    },
)

_SIGNALS = Table(
    "Telemetry: one row per driving car and sampling time, a column per VSS 6.0 path.",
    _WHO | {signal.path: Column(signal.column_type, signal.unit, signal.says) for signal in vss.SIGNALS.values()},
)

_VEHICLES = Table(
    "One row per car and barrier.",
    _WHO
    | {
        "loadout": Column("string", "", "The software the car runs."),
        "driving": Column("bool", "", "Whether the car is on a trip."),
        "link": Column("string", "", "none, cellular or wifi."),
        "waiting_clips": Column("int32", "", "Clips in the outbox."),
        "waiting_bytes": Column("int64", "bytes", "Their weight."),
        "uploaded_bytes": Column("int64", "bytes", "Sent since the run began."),
    },
)

_SHADOW = Table(
    "How differently a candidate saw the world: one row per car, candidate and task in each interval between barriers.",
    _WHO
    | {
        "candidate": Column("string", "", "The network that only watches."),
        "task": Column("string", "", "The task it was compared on."),
        "ticks": Column("int64", "", "Camera ticks compared."),
        "mean": Column("double", "", "Mean disagreement with production; the task says what 1 means."),
        "max": Column("double", "", "Largest disagreement with production."),
    },
)

_ROLLOUTS = Table(
    "What was deployed or withdrawn, when and why.",
    _RUN
    | _TIME
    | {
        "loadout": Column("string", "", "The software concerned."),
        "cars": Column("int64", "", "How many cars run it after the action."),
        "action": Column("string", "", "What was done, such as deploy or withdraw."),
        "reason": Column("string", "", "Why."),
    },
)

_LABELS = Table(
    "What labellers said about clips.",
    _WHO
    | _CLIP
    | {
        "task": Column("string", "", "The task the label is for."),
        "labeller": Column("string", "", "Who said it."),
        "label": Column("string", "", "What was said."),
        "confidence": Column("double", "", "How sure the labeller was, 0 to 1."),
    },
)

_WEATHER = ("rain", "snow", "fog", "night", "glare", "dirty_lens")

_TRUTH = Table(
    "What was really there, for the examiner only: kind `conditions` is one row per car and barrier; "
    "every other row is one visible encounter at a fire.",
    _WHO
    | {
        "kind": Column("string", "", "`conditions`, or the kind of the thing met."),
        "encounter": Column("int64", "", "Stable id of one physical thing for one car; 0 for conditions."),
        "distance_m": Column("float", "m", "Distance to it; null for conditions."),
        "visible": Column("float", "", "Largest visible fraction in any camera, 0 to 1; null for conditions."),
        "state": Column("float", "", "What it is doing, such as 1 for a light that is lit; null for conditions."),
        "tilt_deg": Column("float", "degrees", "How far it leans, clockwise as seen; null for conditions."),
        "traits": Column("string", "", "What else is true of it, words with a space between; empty for conditions."),
        **{name: Column("float", "", "Severity, 0 to 1.") for name in _WEATHER},
        "tunnel": Column("float", "", "1 under a tunnel's roof, else 0."),
        "road": Column("string", "", "motorway, urban, residential or parking_lot."),
    },
    dated=False,
)

TABLES: dict[str, Table] = {
    "fires": _FIRES,
    "clips": _CLIPS,
    "uploads": _UPLOADS,
    "reasons": _REASONS,
    "signals": _SIGNALS,
    "vehicles": _VEHICLES,
    "shadow": _SHADOW,
    "rollouts": _ROLLOUTS,
    "labels": _LABELS,
    "truth": _TRUTH,
}


def arrow_schema(table: str) -> "pa.Schema":
    """The Arrow schema of a table by its name; `UnknownTable` where there is none."""
    return _schema(_known(table).columns)


def stored_schema(table: str) -> "pa.Schema":
    """The Arrow schema of a table on disk: that of `arrow_schema`, and the day where it has one."""
    return _schema(_known(table).on_disk)


def _known(table: str) -> Table:
    if table not in TABLES:
        raise UnknownTable(table, TABLES)
    return TABLES[table]


def _schema(columns: Mapping[str, Column]) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(column.type)) for name, column in columns.items()])


def arrow_table(table: str, columns: Mapping[str, np.ndarray | Sequence[object]]) -> "pa.Table":
    """Rows as an Arrow table of the right schema.

    Args:
        table: a name in `TABLES`
        columns: every column of that table, each with as many values as there are rows; NaN and None become null,
            numbers for a whole-number column are rounded

    Raises:
        UnknownTable: there is no such table
        WrongColumns: a column is missing, unknown, of another length or of another type
    """
    import pyarrow as pa

    schema = arrow_schema(table)
    odd = set(columns) ^ set(schema.names)
    if odd:
        raise WrongColumns(table, f"columns missing or unknown: {', '.join(sorted(odd))}")
    if len({len(values) for values in columns.values()}) > 1:
        raise WrongColumns(table, "columns of different lengths")
    arrays = [_arrow_array(table, field, columns[field.name]) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow_array(table: str, field: "pa.Field", values: np.ndarray | Sequence[object]) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        array = pa.array(values, from_pandas=True)
        if pa.types.is_integer(field.type) and pa.types.is_floating(array.type):
            array = pc.round(array)
        if pa.types.is_string(field.type) != pa.types.is_string(array.type) and array.null_count < len(array):
            raise WrongColumns(table, f"column {field.name!r} must be {field.type}, not {array.type}")
        # fractions may lose digits on the way to float32; whole numbers may not overflow
        return array.cast(field.type, safe=not pa.types.is_floating(field.type))
    except (pa.ArrowException, OverflowError) as e:
        raise WrongColumns(table, f"column {field.name!r}: {e}") from e
