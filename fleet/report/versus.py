"""What an exam's page says of another version of the trigger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from fleet.report import grading
from fleet.report.markup import figure, percent, table
from fleet.report.page import Section

if TYPE_CHECKING:
    from fleet.exam.changes import Versus
    from triggers import estimate

_SAID = {
    "precision": "precision", "recall": "recall", "fires_per_car_day": "fires a car-day",
    "false_fires_per_car_day": "false fires a car-day", "upload_mb_per_car_day": "MB a car-day",
}  # fmt: skip
RIGHT = ("right", "borderline", "only_right", "other_right")
"""Sorts of clips, and of encounters, at which to fire is right."""


def section(
    found: "Versus | None", known: Sequence[str] = tuple(_SAID), *, more: Sequence[Markup] = ()
) -> list[Section]:
    """This version less the other; known: figures that there are; more: figures to set below."""
    if found is None:
        return []
    rows = [[_SAID[name], *grading.three(found.change(name)), _way(found.change(name))] for name in known]
    told = found.comparison
    note = (
        f"This one less the other, on the same encounters. Of encounters with what it is for, this one alone catches "
        f"{told.gained}, the other alone {told.lost} (McNemar's exact p = {told.p:.2g}; each counts once, or each "
        f"drive or car where these are known). A difference in recall of {percent(told.smallest)} would have shown "
        "four times in five."
    )
    drawn = figure("Differences", table(["difference in", "estimate", "from", "to", ""], rows), note=note, wide=True)
    number = "" if found.version is None else f", version {found.version}"
    return [Section("versus", f"Against {found.trigger}{number}", "", (drawn, *more))]


def _way(change: "estimate.Interval") -> str:
    if change.low > 0:
        return "more"
    return "less" if change.high < 0 else "not told apart"
