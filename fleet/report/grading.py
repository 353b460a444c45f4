"""Figures about how an exam went: intervals, slices, the precision-recall curve, scores and what they promise."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from fleet.report.markup import figure, many, nothing, percent, series, table
from fleet.report.svg import across, area, bars, chart, colour, dots, line, upward

if TYPE_CHECKING:
    from fleet.exam.grading import Graded, Slice
    from triggers import estimate

WORDS = {"pass": "It passes.", "fail": "It fails.", "inconclusive": "It cannot be told yet."}
ALONE = {"pass": "The figures can be believed.", "inconclusive": "The figures cannot be believed yet."}
"""Where nothing is required."""
MEANINGS = (
    ("encounter", "one physical thing met by one car on one drive; however many frames show it, it counts once"),
    ("fire", "the trigger fires at least once at the encounter, after its gate, dwell and cooldown"),
    ("right", "what the trigger is for was in view when it fired"),
    ("precision", "share of alerts that are right, at the rates of the fleet"),
    ("recall", "share of encounters with what it is for that it fires at"),
    ("fires a car-day", "alerts of an average car in a day, right and wrong, before cooldown and daily limits"),
    ("MB a car-day", "what is uploaded after cooldown and daily limits"),
)
"""Every estimand, defined once."""


def meanings(words: Sequence[tuple[str, str]] = ()) -> Markup:
    """What each figure is; words: more of them, for one page."""
    rows = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, says) for name, says in (*MEANINGS, *words)
    )
    return Markup('<details class="words"><summary>What each figure is</summary><dl>{}</dl></details>').format(rows)


def slices(found: Sequence["Slice"]) -> Markup:
    """Each slice with its intervals."""
    title = "Slices"
    if not found:
        return nothing(title, "No part of the world had enough encounters of its own.")
    rows = [
        [each.name, many(each.events), interval(each.recall), interval(each.precision), "worse" if each.worse else ""]
        for each in found
    ]
    note = (
        "Intervals hold for all slices together (Bonferroni); 'worse' is recall surely below that elsewhere (Holm). "
        "A slice without 'worse' is not thereby good: look at its interval."
    )
    return figure(title, table(["where", "encounters", "recall", "precision", ""], rows), note=note, wide=True)


def curve(graded: "Graded") -> Markup:
    """Precision against recall, threshold by threshold."""
    title = "Precision and recall at base rates"
    if len(graded.curve) < 2:
        return nothing(title, "The trigger says yes or no; there is no threshold to move.")
    mine = graded.curve[graded.own]
    points = sorted(graded.curve, key=lambda each: each.recall.estimate)
    x, y = across(0.0, 1.0), upward(1.0)
    marks = (
        area(x, y, [(p.recall.estimate, p.precision.low, p.precision.high) for p in points], colour(0)),
        line(x, y, [(p.recall.estimate, p.precision.estimate) for p in points], colour(0)),
        dots(x, y, [(mine.recall.estimate, mine.precision.estimate)], colour(1), 5),
    )
    note = "Across: recall. Up: precision, with its 95 % band threshold by threshold. The dot is the threshold it has."
    return figure(title, chart(title, note, x, y, *marks), note=note)


def scores(graded: "Graded") -> Markup:
    """A histogram by sort of encounter."""
    title = "Scores"
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


def reliability(graded: "Graded") -> Markup:
    """What scores say, and the share that was right."""
    title = "What a score promises, and what it keeps"
    bins = [each for each in graded.reliability if math.isfinite(each.right.estimate)]
    if not bins:
        return nothing(title, "There are no scores to compare with the truth.")
    rows = [[f"{each.low:.3f} – {each.high:.3f}", percent(each.promised), interval(each.right)] for each in bins]
    note = (
        "At base rates, of encounters and near misses whose highest score lies there: what the score says on average, "
        "and the share that was right. A probe fitted where its thing is common promises too much where it is rare."
    )
    return figure(title, table(["score", "promised", "right"], rows), note=note)


def interval(each: "estimate.Interval") -> Markup:
    """A share with its interval, as a picture and as words."""
    if not math.isfinite(each.estimate):
        return Markup("–")
    drawn = Markup('<span class="interval"><i style="left:{}%;width:{}%"></i><b style="left:{}%"></b></span>').format(
        *(f"{share * 100:.1f}" for share in (each.low, each.high - each.low, each.estimate))
    )
    return drawn + Markup(" {} <small>{}–{}</small>").format(*map(percent, (each.estimate, each.low, each.high)))


def three(each: "estimate.Interval") -> tuple[str, str, str]:
    """Estimate and both ends."""
    return number(each.estimate), number(each.low), number(each.high)


def number(value: float) -> str:
    """A figure for people, ∞ and – included."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
