"""A user's own labelled frames, for triggers and clips that are not ours: a table, a row a frame.

    encounter   whatever tells encounters apart; frames of one count once
    label       whether what the trigger is for is there
    score       number, or: fired, whether it did
    weight      optional: how many encounters of its sort this one stands for (in a car-day, for rates a car-day)
    stratum     optional: sampled alike; text or whole number
    car, drive  optional: encounters of one resemble each other, and their intervals are wider for it
    mb          optional: what a clip of it weighs

Any other column may be what slices are made by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fleet.errors import BadScores, hint
from fleet.labels import NO, YES
from triggers import estimate

EITHER, OPTIONAL = ("score", "fired"), ("weight", "stratum", "car", "drive", "mb")
CATEGORIES, PARTS = 12, 4
"""Numbers with more different values than this are cut into so many parts of one size."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """n encounters.

    frames: rows they were gathered from; names: (n,) as the table has them; sample: what they came to
    score: (n,) the highest, NaN for none; slices: part to (n,) bool; cluster: (n,) int64, None where nobody says
    rates: whether weights say how many a car meets in a day; mb: of a clip, NaN where nobody says
    """

    frames: int
    names: NDArray[Any]
    sample: estimate.Sample
    score: Floats
    slices: dict[str, NDArray[np.bool_]]
    cluster: NDArray[np.int64] | None
    rates: bool
    mb: float


def read_table(file: Path, needed: Sequence[str], either: Sequence[str] = ()) -> pa.Table:
    """A Parquet or CSV file that has the needed columns, and one of the others. Raises BadScores."""
    try:
        table = pyarrow.csv.read_csv(file) if file.suffix.lower() == ".csv" else pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        sort = "CSV" if file.suffix.lower() == ".csv" else "Parquet"
        why = "no such file" if not file.exists() else f"not a {sort} file: {error}"
        raise BadScores(file, why) from None
    names = table.column_names
    missing = [name for name in needed if name not in names]
    if either and not set(either) & set(names):
        missing.append(either[0])
    if missing:
        wanted = ", ".join((*needed, *([" or ".join(either)] if either else [])))
        raise BadScores(file, f"no column {missing[0]} (expected {wanted}){hint(missing[0], names)}")
    if not table.num_rows:
        raise BadScores(file, "it has no rows")
    for name in {*needed, *either, *OPTIONAL} & set(names):
        if table[name].null_count:
            raise BadScores(file, f"{name}: {table[name].null_count} rows are empty")
    return table


def own_of(file: Path, *, threshold: float, slice_by: Sequence[str] = ()) -> Own:
    """The encounters of a file of frames; threshold: from which score on a frame fires. Raises BadScores."""
    return gathered(file, read_table(file, ("encounter", "label"), EITHER), threshold=threshold, slice_by=slice_by)


def gathered(file: Path, table: pa.Table, *, threshold: float, slice_by: Sequence[str] = ()) -> Own:
    """The encounters of a table of frames; file: which errors name. Raises BadScores."""
    label = flags(file, table, "label")
    score = numbers(file, table, "score") if "score" in table.column_names else np.full(table.num_rows, np.nan)
    fired = flags(file, table, "fired") if "fired" in table.column_names else score >= threshold
    names, row = np.unique(_codes(table, "encounter"), return_inverse=True)
    weight = numbers(file, table, "weight") if "weight" in table.column_names else None
    if weight is not None and not (np.isfinite(weight) & (weight > 0)).all():
        raise BadScores(file, "weight: expected numbers above 0")
    stratum = _numbered(table, "stratum")
    try:
        sample = estimate.gathered(row, label, fired, stratum=stratum, weight=weight)
    except ValueError as error:
        raise BadScores(file, str(error)) from None
    best = np.lexsort((-np.nan_to_num(score, nan=-np.inf), row))  # of each encounter its highest score first
    best = best[np.unique(row[best], return_index=True)[1]]
    by = next((name for name in ("car", "drive") if name in table.column_names), None)
    return Own(
        table.num_rows, names, sample, score[best], _slices(file, table, slice_by, best),
        None if by is None else _clusters(file, _numbered(table, by), row, best, by), weight is not None,
        _mb(file, table, fired, row, sample),
    )  # fmt: skip


def flags(file: Path, table: pa.Table, name: str) -> NDArray[np.bool_]:
    """A column of yes and no, however it is written. Raises BadScores with the row."""
    column = table[name]
    if pa.types.is_boolean(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)
    said = [str(each).strip().lower().removesuffix(".0") for each in column.to_pylist()]
    for row, word in enumerate(said):
        if word not in (*YES, *NO):
            raise BadScores(file, f"{name}, row {row + 1}: expected yes or no, and this is {word!r}")
    return np.array([word in YES for word in said], np.bool_)


def numbers(file: Path, table: pa.Table, name: str) -> Floats:
    """A column of numbers. Raises BadScores."""
    try:
        return np.asarray(pc.cast(table[name], pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowException:
        raise BadScores(file, f"{name}: expected numbers, and these are {table[name].type}") from None


def _codes(table: pa.Table, name: str) -> NDArray[Any]:
    values = table[name].to_numpy(zero_copy_only=False)
    return np.asarray(values.astype(str) if values.dtype == object else values)


def _numbered(table: pa.Table, name: str) -> NDArray[np.int64] | None:
    """Different values as different numbers, None where there is no such column."""
    if name not in table.column_names:
        return None
    return np.unique(_codes(table, name), return_inverse=True)[1].astype(np.int64)


def _clusters(
    file: Path, of_frame: NDArray[np.int64] | None, row: NDArray[np.intp], best: NDArray[np.intp], by: str
) -> NDArray[np.int64]:
    if of_frame is None or (of_frame != of_frame[best][row]).any():
        raise BadScores(file, f"frames of one encounter have more than one {by}")
    return of_frame[best]


def _mb(file: Path, table: pa.Table, fired: NDArray[np.bool_], row: NDArray[np.intp], sample: estimate.Sample) -> float:
    """The mean over encounters that were fired at, each as often as it is met; of all, where none was."""
    if "mb" not in table.column_names:
        return float("nan")
    counted = fired if fired.any() else np.ones(len(row), np.bool_)
    frames = np.bincount(row[counted], minlength=len(sample))
    each = np.bincount(row[counted], numbers(file, table, "mb")[counted], len(sample)) / np.maximum(frames, 1)
    met = sample.weight * (frames > 0)
    return float((met * each).sum() / met.sum())


def _slices(
    file: Path, table: pa.Table, slice_by: Sequence[str], best: NDArray[np.intp]
) -> dict[str, NDArray[np.bool_]]:
    """Part to encounters, by the frame with the highest score: `COLUMN=VALUE`, or of yes and no the column."""
    found: dict[str, NDArray[np.bool_]] = {}
    for name in slice_by:
        if name not in table.column_names:
            raise BadScores(file, f"no column {name!r} to slice by{hint(name, table.column_names)}")
        values = _codes(table, name)[best]
        if values.dtype == np.bool_:
            found[name] = values
        elif values.dtype.kind == "f" or len(np.unique(values)) > CATEGORIES:
            found |= _parts(file, name, values)
        else:
            found |= {f"{name}={value}": values == value for value in np.unique(values).tolist()}
    return found


def _parts(file: Path, name: str, values: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    if values.dtype.kind not in "iuf":
        many = len(np.unique(values))
        raise BadScores(file, f"{name}: {many} different values are too many to slice by; at most {CATEGORIES}")
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)))
    place = np.clip(np.searchsorted(edges, values, "right") - 1, 0, max(len(edges) - 2, 0))
    return {
        f"{name}={low:.3g} to {high:.3g}": place == i
        for i, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    }
