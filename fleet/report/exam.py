"""One self-contained page about an exam: the verdict first, then the evidence, then the method."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from markupsafe import Markup

from fleet.errors import CannotWrite
from fleet.report.markup import figure, many, nothing, percent, series, table
from fleet.report.page import Section
from fleet.report.pictures import png
from fleet.report.svg import across, area, bars, chart, colour, dots, line, upward
from fleet.report.templates import style, template

if TYPE_CHECKING:
    from fleet.exam.clips import Clip
    from fleet.exam.exam import Exam
    from fleet.exam.findings import Point
    from triggers import estimate

_WORDS = {"pass": "It passes.", "fail": "It fails.", "inconclusive": "It cannot be told yet."}
_SORTS = {
    "right": "Surest and right",
    "wrong": "Surest and wrong",
    "missed": "Missed",
    "borderline": "Nearest to the threshold",
}


@dataclass(frozen=True, slots=True)
class _View:
    """A clip as data URLs."""

    title: str
    says: str
    right: bool
    seen: str
    large: str


def write_exam(exam: "Exam", page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render_exam(exam), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(page, error) from error


def render_exam(exam: "Exam") -> str:
    """The page as text."""
    return template("exam.html.j2").render(
        exam=exam,
        outcome=exam.verdict,
        verdict=_WORDS[exam.verdict],
        facts=_facts(exam),
        verdicts=exam.verdicts,
        says=_sentence(exam),
        sections=_sections(exam),
        clips=_clips(exam),
        style=style(),
    )


def _sentence(exam: "Exam") -> str:
    catches = " or ".join(each.replace("_", " ") for each in exam.aim.catches) or "nothing that has a name"
    return f"{exam.spec.name}, version {exam.spec.version}, in {exam.order.world}: fires at {catches}."


def _facts(exam: "Exam") -> list[tuple[str, str, str]]:
    """Name, figure, interval."""
    figures, told = exam.figures, exam.forecast
    found: list[tuple[str, estimate.Interval, Callable[[float], str]]] = [
        ("fires a car-day", figures.fires, _number),
        ("MB a car-day", told.mb_per_car_day, _number),
        (f"hours to {told.wanted:,} right fires, {told.cars:,} cars", told.first, _number),
    ]
    if exam.aim.catches:
        found[:0] = [("precision", figures.precision, percent), ("recall", figures.recall, percent)]
    return [(name, say(each.estimate), f"{say(each.low)} – {say(each.high)}") for name, each, say in found]


def _sections(exam: "Exam") -> list[Section]:
    return [
        Section("guard", "What the estimate may have missed", "", (_guard(exam), _known(exam), _bill(exam))),
        Section("slices", "Where it is good, and where not", "", (_slices(exam),)),
        Section("scores", "What another threshold would do", "", (_curve(exam), _scores(exam), _reliability(exam))),
        Section("fleet", f"In a fleet of {exam.forecast.cars:,} cars", "", (_fleet(exam), _cost(exam), _versus(exam))),
        Section("method", "How it was found", _METHOD, (_strata(exam),)),
    ]


_METHOD = (
    "The unit is the encounter: one physical thing met by one car on one drive, however many frames show it. A fire is "
    "right if what the trigger is for is in view of a camera within 60 m at that moment; fires of one car within "
    "20 s count once. Precision is the share of such alerts that are right, recall the share of encounters in view "
    "that are fired at, both at the rates of the world. Encounters were put on roads chosen evenly from what the fleet "
    "drives; all else stayed as drawn, so each stands for a known number a car-day. Intervals hold at 95 %."
)


def _guard(exam: "Exam") -> Markup:
    guard = exam.guard
    needed = f"{guard.needed:,.0f}" if math.isfinite(guard.needed) else "no number of"
    rows = [
        ["car-days without anything forced", f"{guard.car_days:.1f}"],
        ["alerts in them, not labelled", many(guard.alerts)],
        ["alerts foretold by the weighted estimate", f"{guard.foretold:.1f}"],
        ["precision, whatever was missed", f"at least {percent(guard.precision_low)}"],
        ["chance to notice a missed mode with 30 % of the alerts", percent(guard.power)],
        ["car-days for a chance of 95 %", needed],
    ]
    says = guard.alarm or "The two agree."
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
        ["weighted encounters alone", _interval(exam.known.precision)],
        ["with the dry run's ordinary driving", _interval(exam.figures.precision)],
    ]
    resolved = exam.figures.resolved
    note = (
        "Ordinary driving was looked at long enough to count in."
        if resolved
        else "Ordinary driving was too little to say anything: this precision holds for the known modes of false fires."
    )
    return figure("Precision, two ways", table(["", "precision"], rows), note=note)


def _slices(exam: "Exam") -> Markup:
    title = "Slices"
    if not exam.slices:
        return nothing(title, "No part of the world had enough encounters of its own.")
    rows = [
        [each.name, many(each.events), _interval(each.recall), _interval(each.precision), "worse" if each.worse else ""]
        for each in exam.slices
    ]
    note = (
        "Intervals hold for all slices together (Bonferroni); 'worse' is recall surely below that elsewhere (Holm). "
        "A slice without 'worse' is not thereby good: look at its interval."
    )
    return figure(title, table(["where", "encounters", "recall", "precision", ""], rows), note=note, wide=True)


def _curve(exam: "Exam") -> Markup:
    title = "Precision and recall at base rates"
    points = sorted(exam.graded.curve, key=lambda each: each.recall.estimate)
    if len(points) < 2:
        return nothing(title, "The trigger says yes or no; there is no threshold to move.")
    x, y = across(0.0, 1.0), upward(1.0)
    mine = min(points, key=lambda each: abs(each.threshold - _own(exam, points)))
    marks = (
        area(x, y, [(p.recall.estimate, p.precision.low, p.precision.high) for p in points], colour(0)),
        line(x, y, [(p.recall.estimate, p.precision.estimate) for p in points], colour(0)),
        dots(x, y, [(mine.recall.estimate, mine.precision.estimate)], colour(1), 5),
    )
    note = "Across: recall. Up: precision, with its 95 % band threshold by threshold. The dot is the threshold it has."
    return figure(title, chart(title, note, x, y, *marks), note=note)


def _own(exam: "Exam", points: Sequence["Point"]) -> float:
    """The threshold at which recall is nearest to what the trigger reached itself."""
    return min(points, key=lambda each: abs(each.recall.estimate - exam.figures.recall.estimate)).threshold


def _scores(exam: "Exam") -> Markup:
    title = "Scores"
    graded = exam.graded
    if not graded.histogram:
        return nothing(title, "The trigger gives no score.")
    edges, names = graded.edges.tolist(), list(graded.histogram)
    x = across(edges[0], edges[-1])
    y = upward(max(float(each.max()) for each in graded.histogram.values()), label=percent)
    width = (edges[1] - edges[0]) / len(names)
    marks = [
        bars(
            x, y,
            [(low + k * width, low + (k + 1) * width, 0.0, up) for low, up in zip(edges[:-1], shares, strict=True)],
            colour(k), name,
        )
        for k, (name, shares) in enumerate(graded.histogram.items())
    ]  # fmt: skip
    note = "The highest score of an encounter while it was in view, weighted by how often such a one is met."
    return figure(title, chart(title, note, x, y, *marks), note=note, legend=series(names))


def _reliability(exam: "Exam") -> Markup:
    title = "What a score promises, and what it keeps"
    bins = [each for each in exam.graded.reliability if math.isfinite(each.right.estimate)]
    if not bins:
        return nothing(title, "There are no scores to compare with the truth.")
    rows = [[f"{each.low:.2f} – {each.high:.2f}", percent(each.promised), _interval(each.right)] for each in bins]
    note = (
        "At base rates, of encounters and near misses whose highest score lies there: what the score says on average, "
        "and the share that was right. A probe fitted where its thing is common promises too much where it is rare."
    )
    return figure(title, table(["score", "promised", "right"], rows), note=note)


def _fleet(exam: "Exam") -> Markup:
    told = exam.forecast
    rows = [
        ["fires a day", *_three(told.fires)],
        ["MB a day", *_three(told.mb)],
        ["clips a second in the busiest hour", *_three(told.per_second)],
        [f"hours to {told.wanted:,} right fires", *_three(told.first)],
    ]
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


def _versus(exam: "Exam") -> Markup:
    found = exam.versus
    if found is None:
        return Markup("")
    rows = [
        ["recall", *_three(found.recall)],
        ["false fires a car-day", *_three(found.wrong)],
        ["fires a car-day", *_three(found.fires)],
    ]
    note = (
        f"{exam.order.versus} less this one, on the same encounters: it gains {found.gained} and loses {found.lost} "
        f"(p = {found.p:.2g}). A difference in recall of {percent(found.smallest)} would have shown four times in five."
    )
    return figure("Against another version", table(["difference in", "estimate", "from", "to"], rows), note=note)


def _strata(exam: "Exam") -> Markup:
    rows = [[name, f"{rate:.3g}", many(count), many(hit)] for name, rate, count, hit in exam.strata]
    modes = ", ".join(exam.modes) or "none"
    note = (
        f"Near misses: {', '.join(exam.aim.near_misses) or 'none'}. Other modes of false fires, found by putting every "
        f"sort of encounter in the way: {modes}. A pilot, which is not counted here, set how many of each to look at."
    )
    return figure("Strata", table(["what", "met a car-day", "looked at", "fired"], rows), note=note, wide=True)


def _clips(exam: "Exam") -> list[tuple[str, list[_View]]]:
    return [
        (title, [_view(clip) for clip in exam.clips if clip.sort == sort])
        for sort, title in _SORTS.items()
        if any(clip.sort == sort for clip in exam.clips)
    ]


def _view(clip: "Clip") -> _View:
    score = f"score {clip.score:.2f}" if math.isfinite(clip.score) else "no score"
    large = simplejpeg.encode_jpeg(np.ascontiguousarray(clip.large), 90, "RGB", "444")
    return _View(
        clip.about, f"{score}, camera {clip.camera}", clip.sort in ("right", "borderline"),
        _url("png", png(clip.seen)), _url("jpeg", large),
    )  # fmt: skip


def _url(sort: str, content: bytes) -> str:
    return f"data:image/{sort};base64," + base64.b64encode(content).decode()


def _interval(each: "estimate.Interval") -> Markup:
    """A share with its interval, as a picture and as words."""
    if not math.isfinite(each.estimate):
        return Markup("–")
    drawn = Markup('<span class="interval"><i style="left:{}%;width:{}%"></i><b style="left:{}%"></b></span>').format(
        *(f"{share * 100:.1f}" for share in (each.low, each.high - each.low, each.estimate))
    )
    return drawn + Markup(" {} <small>{}–{}</small>").format(*map(percent, (each.estimate, each.low, each.high)))


def _three(each: "estimate.Interval") -> tuple[str, str, str]:
    return _number(each.estimate), _number(each.low), _number(each.high)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
