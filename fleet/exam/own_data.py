"""The same figures from a user's own labelled frames, for triggers and clips that are not ours.

A Parquet file with a row a frame:

    encounter   whatever tells encounters apart; frames of one count once
    label       bool, whether what the trigger is for is there
    score       number, or: fired, bool
    weight      optional: how many encounters of its sort this one stands for (in a car-day, for rates a car-day)
    stratum     optional: sampled alike; text or whole number
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fleet.errors import BadScores
from triggers import estimate

NEEDED, EITHER, OPTIONAL = ("encounter", "label"), ("score", "fired"), ("weight", "stratum")


@dataclass(frozen=True, slots=True)
class OwnExam:
    """Figures of labelled frames, and what they say of the requirements."""

    frames: int
    figures: estimate.Figures
    verdicts: tuple[estimate.Verdict, ...]

    @property
    def verdict(self) -> estimate.Outcome:
        """Of all requirements; without any, whether the figures can be believed."""
        if self.verdicts:
            return estimate.verdict_of(self.verdicts)
        return "inconclusive" if self.figures.thin else "pass"

    def told(self) -> dict[str, Any]:
        """For JSON; rates are in the weights' own unit."""
        figures = self.figures
        return {
            "verdict": self.verdict,
            "requirements": estimate.told(self.verdicts),
            "precision": figures.precision.told(),
            "recall": figures.recall.told(),
            "fires_per_car_day": figures.fires.told(),
            "false_fires_per_car_day": figures.wrong.told(),
            "events_per_car_day": figures.events.told(),
            "encounters": figures.encounters,
            "frames": self.frames,
            "thin": figures.thin,
        }


def examine_scores(file: Path, *, threshold: float, require: str = "") -> OwnExam:
    """From a file of frames; threshold: from which score on a frame fires. Raises BadScores, BadRequirement."""
    required = estimate.parse_requirements(require) if require else []
    table = _read(file)
    sample = _sample(file, table, threshold)
    figures = estimate.figures_of(sample)
    of = {
        "precision": figures.precision,
        "recall": figures.recall,
        "fires_per_car_day": figures.fires,
        "false_fires_per_car_day": figures.wrong,
    }
    return OwnExam(table.num_rows, figures, tuple(_judged(each, of, thin=figures.thin) for each in required))


def _judged(each: estimate.Requirement, of: dict[str, estimate.Interval], *, thin: bool) -> estimate.Verdict:
    interval = of.get(each.name, estimate.Interval(float("nan"), 0.0, float("inf")))
    doubt = "" if each.name in of else "scores do not say what a clip weighs"
    if thin and each.name == "precision":
        doubt = "fewer than ten effective alerts were seen, or one encounter makes most of a figure"
    return estimate.judge(each, interval, believed=not doubt, doubt=doubt)


def _read(file: Path) -> pa.Table:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise BadScores(file, f"not a Parquet file: {error}") from None
    missing = [name for name in NEEDED if name not in table.column_names]
    if not set(EITHER) & set(table.column_names):
        missing.append("score (or fired)")
    if missing:
        wanted = ", ".join((*NEEDED, "score or fired", *(f"{name} (optional)" for name in OPTIONAL)))
        raise BadScores(
            file, f"no column {missing[0]}; expected {wanted}, and there are {', '.join(table.column_names)}"
        )
    for name in table.column_names:
        if table[name].null_count and name in (*NEEDED, *EITHER, *OPTIONAL):
            raise BadScores(file, f"{name}: {table[name].null_count} rows are empty")
    return table


def _sample(file: Path, table: pa.Table, threshold: float) -> estimate.Sample:
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    fired = columns["fired"].astype(np.bool_) if "fired" in columns else columns["score"] >= threshold
    strata = columns.get("stratum")
    weight = columns.get("weight")
    try:
        return estimate.gathered(
            columns["encounter"], columns["label"].astype(np.bool_), fired,
            stratum=None if strata is None else np.unique(strata, return_inverse=True)[1],
            weight=None if weight is None else _positive(file, weight),
        )  # fmt: skip
    except ValueError as error:
        raise BadScores(file, str(error)) from None


def _positive(file: Path, weight: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(weight, np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise BadScores(file, "weight: expected numbers above 0")
    return values
