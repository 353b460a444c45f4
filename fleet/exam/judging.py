"""What an exam says of each requirement: pass, fail, or inconclusive with what it would take."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.exam.changes import Versus
from fleet.exam.forecast import Forecast
from fleet.exam.grading import Slice, thin_because
from triggers import estimate

_NOTHING = estimate.Interval(float("nan"), 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was found.

    slices, versus: of parts of the world, and against another version, if there is one
    looks: of a car in a day; aimed: whether anything says what the trigger ought to catch
    """

    figures: estimate.Figures
    guard: estimate.Guard
    forecast: Forecast
    slices: Sequence[Slice]
    versus: Versus | None
    looks: float
    aimed: bool


def interval_of(
    each: estimate.Requirement, figures: estimate.Figures, slices: Sequence[Slice], versus: Versus | None,
    mb: estimate.Interval, nothing: estimate.Interval,
) -> estimate.Interval:  # fmt: skip
    """The figure that a requirement is about; mb: uploaded a car-day; nothing: where there is no such figure."""
    if each.where:
        part = next((part for part in slices if part.name == each.where), None)
        return getattr(part, each.name) if part else nothing
    if each.change:
        return versus.change(each.figure) if versus else nothing
    return {
        "precision": figures.precision, "recall": figures.recall, "fires_per_car_day": figures.fires,
        "false_fires_per_car_day": figures.wrong, "upload_mb_per_car_day": mb,
    }[each.name]  # fmt: skip


def judged(required: Sequence[estimate.Requirement], found: Evidence) -> list[estimate.Verdict]:
    """Each requirement against its interval; an alarm, thin figures or driving that nobody looked at pass nothing."""
    verdicts = []
    for each in required:
        doubt = _doubt(each, found)
        mb = found.forecast.mb_per_car_day
        interval = interval_of(each, found.figures, found.slices, found.versus, mb, _NOTHING)
        verdicts.append(estimate.judge(each, interval, believed=not doubt, doubt=doubt))
    return verdicts


def unanswered(guard: estimate.Guard, figures: estimate.Figures) -> bool:
    """Whether an alarm is about something that the figures do not hold."""
    return bool(guard.alarm) and (guard.fewer or not figures.resolved)


def _unasked(each: estimate.Requirement, found: Evidence) -> str:
    """Why there is no such figure."""
    if each.figure in ("precision", "recall", "false_fires_per_car_day") and not found.aimed:
        return "nothing says what the trigger ought to catch; name it by --catches"
    if each.where and all(part.name != each.where for part in found.slices):
        return f"too few encounters were met in {each.where}; look at more by --frames"
    return ""


def _doubt(each: estimate.Requirement, found: Evidence) -> str:
    figures, guard, unasked = found.figures, found.guard, _unasked(each, found)
    if unasked or each.name == "recall" or each.change:  # what both met alike does not tell them apart
        return unasked
    if unanswered(guard, figures):
        return f"alarm: {guard.alarm}"
    if figures.thin and each.at_least:
        return f"{thin_because(figures)} (--frames)"
    if not figures.resolved and not (each.name == "precision" and guard.precision_low >= each.bound):
        alerts = figures.fires.estimate
        wanted = f"about {estimate.WORTH / alerts * found.looks:,.0f}" if alerts > 0 else "more"
        return (
            "ordinary driving was too little to vouch for what no stratum knows: the dry run alone says precision >= "
            f"{guard.precision_low:.2f}; look at {wanted} frames of it by --dry-run-frames"
        )
    return ""
