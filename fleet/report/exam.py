"""One self-contained page about an exam: the verdict first, then the evidence, then the method."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from markupsafe import Markup

from fleet.report import grading, versus
from fleet.report.markup import figure, many, nothing, percent, table
from fleet.report.page import Section
from fleet.report.pictures import data_url, png
from fleet.report.sheet import APART, SORTS, Sheet, View, write

if TYPE_CHECKING:
    from fleet.exam.clips import Clip
    from fleet.exam.exam import Exam
    from triggers import estimate


def write_exam(exam: "Exam", page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    write(sheet_of(exam), page)


def sheet_of(exam: "Exam") -> Sheet:
    """What stands on the page."""
    return Sheet(
        title=exam.spec.name,
        outcome=exam.verdict,
        verdict=(grading.WORDS if exam.verdicts else grading.ALONE)[exam.verdict],
        says=_sentence(exam),
        facts=_facts(exam),
        sections=_sections(exam),
        verdicts=exam.verdicts,
        warning=_warning(exam),
        meanings=grading.meanings(_WORDS),
        clips=_clips(exam),
        looks=_LOOKS,
    )


def _sentence(exam: "Exam") -> str:
    catches = " or ".join(each.replace("_", " ") for each in exam.aim.catches) or "nothing that has a name"
    return f"{exam.spec.name}, version {exam.spec.version}, in {exam.order.world}: fires at {catches}."


def _facts(exam: "Exam") -> list[tuple[str, str, str]]:
    """Name, figure, interval."""
    figures, told = exam.figures, exam.forecast
    found: list[tuple[str, estimate.Interval, Callable[[float], str]]] = [
        ("fires a car-day", figures.fires, grading.number),
        ("MB a car-day", told.mb_per_car_day, grading.number),
    ]
    if not told.never:
        found.append((f"hours to {told.wanted:,} right fires, {told.cars:,} cars", told.first, grading.number))
    if exam.aim.catches:
        found[:0] = [("precision", figures.precision, percent), ("recall", figures.recall, percent)]
    facts = [(name, say(each.estimate), f"{say(each.low)} – {say(each.high)}") for name, each, say in found]
    return [*facts, *([(f"{told.wanted:,} right fires", "never", told.never)] if told.never else [])]


def _warning(exam: "Exam") -> str:
    """What the figures do not hold; an alarm about what they do hold is told further down."""
    guard = exam.guard
    if not exam.alarming:
        return ""
    return (
        f"Do not believe the estimate. The dry run met {guard.alerts} alerts where {guard.foretold:.1f} were foretold: "
        f"{guard.alarm}."
    )


def _sections(exam: "Exam") -> list[Section]:
    graded = exam.graded
    told = grading.curve(graded), grading.scores(graded), grading.reliability(graded)
    return [
        Section("guard", "What the estimate may have missed", "", (_guard(exam), _known(exam), _bill(exam))),
        Section("modes", "What it fires at, and which gate lets it", "", (_modes(exam), _gates(exam))),
        Section("slices", "Where it is good, and where not", "", (grading.slices(exam.slices),)),
        Section("scores", "What another threshold would do", "", told),
        *versus.section(exam.versus),
        Section("fleet", f"In a fleet of {exam.forecast.cars:,} cars", "", (_fleet(exam), _cost(exam))),
        Section("method", "How it was found", _METHOD, (_strata(exam),)),
    ]


_WORDS = (
    ("in view", "in a camera, within 60 m, so large that somebody could point at it"),
    ("alert", "fires of one car within about 20 s: one alert"),
    ("interval", "holds at 95 %; of slices, for all of them together"),
)
_LOOKS = "On the left what the network sees, on the right the same painted with four times as many pixels a side."
_METHOD = (
    "Encounters were put on roads chosen evenly from what the fleet drives; all else stayed as drawn, so each stands "
    "for a known number a car-day. Each was driven past by the code that runs in the car; the examiner then asked the "
    "world's truth, which the trigger never sees."
)


def _guard(exam: "Exam") -> Markup:
    guard = exam.guard
    needed = f"{guard.needed:,.0f}" if math.isfinite(guard.needed) else "none is enough"
    rows = [
        ["car-days without anything forced", f"{guard.car_days:.1f}"],
        ["alerts in them", many(guard.alerts)],
        ["of these at nothing that was sampled", "—" if guard.strays is None else many(guard.strays)],
        ["alerts foretold by the weighted estimate", f"{guard.foretold:.1f}"],
        ["precision, whatever was missed", f"at least {percent(guard.precision_low)}"],
        ["chance to notice a missed mode with 30 % of the alerts", percent(guard.power)],
        ["the same for the best test there could be", percent(guard.limit)],
        ["car-days for a chance of 95 %", needed],
    ]
    answered = " (the figures count it in)" if guard.alarm and not exam.alarming else ""
    says = f"{guard.alarm[0].upper()}{guard.alarm[1:]}{answered}." if guard.alarm else "The two agree."
    note = (
        f"{says} A weighted estimate knows only the modes of false fires that were sampled; a dry run has no such gap."
    )
    return figure("The dry run", table(["", ""], rows), note=note)


def _bill(exam: "Exam") -> Markup:
    """What the dry run cost this exam, and what its film cost whoever came first."""
    bill = exam.bill
    rows = [["frames painted for it now", many(bill.painted)]]
    if bill.film:
        rows += [
            ["frames read from the film", many(bill.shown)],
            ["a frame from film costs, of a painted one", f"{bill.share:.2%}"],
            ["together as much as painted frames", many(round(bill.painted_equivalent))],
            ["frames on the film, painted once", many(bill.film_frames)],
            ["CPU minutes that took", f"{bill.film_s / 60:.1f}"],
            ["exams on this film, this one among them", many(bill.times)],
            ["different triggers in them", many(bill.triggers)],
        ]
    note = (
        "A film keeps what cars saw in ordinary driving, for any trigger to be judged on. A trigger that is changed "
        "until it does well on one film has been fitted to it, not examined: then begin another with --fresh-film."
    )
    return figure("What the dry run cost", table(["", ""], rows), note=note)


def _known(exam: "Exam") -> Markup:
    """The estimate with and without the dry run's ordinary driving."""
    if not exam.aim.catches:
        return nothing("Precision", "Nothing says what the trigger ought to catch; `--catches` does.")
    rows = [
        ["weighted encounters alone", grading.interval(exam.known.precision)],
        ["with the dry run's ordinary driving", grading.interval(exam.figures.precision)],
    ]
    resolved = exam.figures.resolved
    note = (
        "Ordinary driving was looked at long enough to count in."
        if resolved
        else "Ordinary driving was too little to say anything: this precision holds for the known modes of false fires."
    )
    return figure("Precision, two ways", table(["", "precision"], rows), note=note)


def _fleet(exam: "Exam") -> Markup:
    told = exam.forecast
    rows = [
        ["fires a day", *grading.three(told.fires)],
        ["MB a day", *grading.three(told.mb)],
        ["clips a second in the busiest hour", *grading.three(told.per_second)],
        [f"hours to {told.wanted:,} right fires", *grading.three(told.first)],
    ]
    if told.full is not None:
        rows.append([f"hours to fleet_total, {exam.spec.limits.fleet_total:,} fires", *grading.three(told.full)])
    note = (
        f"Cooldown and limits leave {percent(told.kept)} of the alerts; a clip weighs {exam.clip_mb * 1000:.0f} kB. "
        "The busiest hour is taken to have a tenth of a day's driving."
    )
    return figure("Forecast", table(["", "estimate", "from", "to"], rows), note=note)


def _cost(exam: "Exam") -> Markup:
    cost = exam.cost
    rows = [
        ["looks of a car in a day", many(cost["looks_per_car_day"])],
        ["of these stopped by the cheap condition", percent(cost["gated_share"])],
        ["time the trigger takes for a look", f"{cost['trigger_us_per_look']:.0f} µs"],
        ["frames painted for this exam", many(cost["frames_painted"])],
        ["minutes it took", f"{cost['wall_s'] / 60:.1f}"],
    ]
    note = "The network runs anyway, for it drives; what the trigger adds was timed here, many cars at once."
    return figure("Cost", table(["", ""], rows), note=note)


def _modes(exam: "Exam") -> Markup:
    """Sorts of fires, heaviest first."""
    title = "Modes of fires"
    if not exam.modes.fires:
        return nothing(title, "It never fired.")
    rows = [
        [each.about.replace("_", " "), "right" if each.right else "wrong", many(each.fires), percent(each.share),
         each.way or each.decides]
        for each in exam.modes.fires
    ]  # fmt: skip
    note = (
        "Fires by what they were at and by the way through the trigger's alternatives; where there is no choice, the "
        "gate that stops most others of the sort. Shares are of all alerts at base rates; the lightest can matter most "
        "when the heaviest are mended."
    )
    heads = ["fired at", "", "seen", "share of alerts", "let through by"]
    return figure(title, table(heads, rows, words=2), note=note, wide=True)


def _gates(exam: "Exam") -> Markup:
    """How far each sort gets."""
    gates, title = exam.modes.gates, "Gates"
    if not exam.modes.passages:
        return nothing(title, "Nothing was looked at.")
    rows = [
        [each.about.replace("_", " "), many(each.looked), *map(percent, each.through),
         f"{each.stopped}, {percent(each.nearest)} short" if 0 < each.nearest < 1 else each.stopped]
        for each in exam.modes.passages
    ]  # fmt: skip
    note = (
        "Of encounters in view, the share that gets through each gate and all before it; the last is the share that is "
        "fired at. On the right, which gate stopped the one that came nearest to a fire without one, and how much of "
        "the bound was missing."
    )
    heads = ["encounter", "in view", *gates[:-1], "fired", "nearest miss"]
    return figure(title, table(heads, rows), note=note, wide=True)


def _strata(exam: "Exam") -> Markup:
    rows = [[name, f"{rate:.3g}", many(count), many(hit)] for name, rate, count, hit in exam.strata]
    modes, near = ", ".join(exam.scouted.modes) or "none", ", ".join(exam.scouted.near) or "none"
    note = (
        f"Near misses: {', '.join(exam.aim.near_misses) or 'none'}. Other modes of false fires, found by putting every "
        f"sort of encounter in the way: {modes}; what came near to a fire then: {near}. A pilot, which is not counted "
        "here, set how many of each to look at."
    )
    return figure("Strata", table(["what", "met a car-day", "looked at", "fired"], rows), note=note, wide=True)


def _clips(exam: "Exam") -> list[tuple[str, list[View]]]:
    modes = dict.fromkeys(clip.sort for clip in exam.modes.clips)
    clips = [*exam.clips, *exam.modes.clips]
    return [
        (title, [_view(clip) for clip in clips if clip.sort == sort])
        for sort, title in (SORTS | {each: each for each in modes} | APART).items()
        if any(clip.sort == sort for clip in clips)
    ]


def _view(clip: "Clip") -> View:
    score = f"score {clip.score:.2f}" if math.isfinite(clip.score) else "no score"
    large = simplejpeg.encode_jpeg(np.ascontiguousarray(clip.large), 90, "RGB", "444")
    return View(
        clip.about, f"{score}, camera {clip.camera}", clip.sort in versus.RIGHT,
        (data_url("png", png(clip.seen)), data_url("jpeg", large)),
    )  # fmt: skip
