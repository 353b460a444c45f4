"""One self-contained page about an exam on a user's own encounters: verdict, evidence, method."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from fleet.exam.changes import heaviest_first
from fleet.report import grading, versus
from fleet.report.markup import figure, many, nothing, percent, table
from fleet.report.page import Section
from fleet.report.pictures import data_url
from fleet.report.sheet import APART, SORTS, Sheet, View, write

if TYPE_CHECKING:
    from fleet.exam.own_exam import OwnExam, Snap
    from triggers import estimate

LISTED = 40
"""Encounters in a table, at most."""
_METHOD = (
    "The encounters are those that were given, each counted once however many frames it has, each with the weight that "
    "was given, or 1. Variance is that within strata; encounters of one car or drive are not taken for independent "
    "where a column says which are. Nothing here is about driving that the data does not hold: there is no dry run to "
    "notice a mode of false fires that nobody recorded."
)


def write_own_exam(exam: "OwnExam", page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    write(sheet_of(exam), page)


def sheet_of(exam: "OwnExam") -> Sheet:
    """What stands on the page."""
    doubts = [*exam.remarks, *([f"{exam.doubt[0].upper()}{exam.doubt[1:]}."] if exam.doubt else [])]
    return Sheet(
        title=exam.trigger,
        outcome=exam.verdict,
        verdict=(grading.WORDS if exam.verdicts else grading.ALONE)[exam.verdict],
        says=f"{exam.trigger}, on {exam.figures.encounters:,} labelled encounters of {exam.source.name}.",
        facts=_facts(exam),
        sections=_sections(exam),
        verdicts=exam.verdicts,
        warning=" ".join(doubts),
        meanings=grading.meanings(),
        clips=_clips(exam),
    )


def _facts(exam: "OwnExam") -> list[tuple[str, str, str]]:
    figures, mb, first = exam.figures, exam.mb_per_car_day, exam.first
    found: list[tuple[str, estimate.Interval, Callable[[float], str]]] = [
        ("precision", figures.precision, percent), ("recall", figures.recall, percent),
    ]  # fmt: skip
    if exam.own.rates:
        found.append(("fires a car-day", figures.fires, grading.number))
    if mb is not None:
        found.append(("MB a car-day, without cooldown", mb, grading.number))
    if first is not None:
        found.append((f"hours to {exam.wanted:,} right fires, {exam.cars:,} cars", first, grading.number))
    return [(name, say(each.estimate), f"{say(each.low)} – {say(each.high)}") for name, each, say in found]


def _sections(exam: "OwnExam") -> list[Section]:
    graded = exam.graded
    told = grading.curve(graded), grading.scores(graded), grading.reliability(graded)
    slices = grading.slices(exam.slices) if exam.own.slices else nothing("Slices", "`--slice-by COLUMN` makes some.")
    return [
        Section("slices", "Where it is good, and where not", "", (slices,)),
        Section("scores", "What another threshold would do", "", told),
        *versus.section(exam.versus, exam.compared, more=_apart(exam)),
        Section("method", "How it was found", _METHOD, (_data(exam),)),
    ]


def _data(exam: "OwnExam") -> Markup:
    sample = exam.own.sample
    rows = [
        ["encounters", many(len(sample))],
        ["rows they were gathered from", many(exam.own.frames)],
        ["with what the trigger is for", many(int(sample.event.sum()))],
        ["fired at", many(int(sample.right.sum() + sample.wrong.sum()))],
        ["effective alerts, right and wrong", f"{exam.figures.hits[0]:.1f} and {exam.figures.hits[1]:.1f}"],
        ["greatest share of all alerts that one stands for", percent(exam.figures.heaviest)],
        ["strata", many(len(set(sample.stratum.tolist())))],
        ["cars or drives", "not said" if exam.clusters is None else many(exam.clusters)],
    ]
    return figure("The data", table(["", ""], rows))


def _apart(exam: "OwnExam") -> list[Markup]:
    """Which encounters two versions do not meet alike."""
    if exam.other is None:
        return []
    mine, other, title = exam.own, exam.other.own, "Encounters at which they differ"
    here, there = (each.sample.right | (each.sample.wrong > 0) for each in (mine, other))
    found = heaviest_first(mine.sample, here != there)
    if not found:
        return [nothing(title, "They fired at the same encounters.")]
    rows = [
        [str(mine.names[row]), "yes" if mine.sample.event[row] else "no", "this" if here[row] else "the other",
         grading.number(mine.score[row]), grading.number(other.score[row]), f"{mine.sample.weight[row]:.3g}"]
        for row in found[:LISTED]
    ]  # fmt: skip
    left = f" The {LISTED} heaviest of {len(found):,}." if len(found) > LISTED else ""
    note = f"Heaviest first; scores are the highest of an encounter.{left}"
    heads = ["encounter", "labelled", "fired at by", "score", "the other's", "stands for"]
    return [figure(title, table(heads, rows, words=3), note=note, wide=True)]


def _clips(exam: "OwnExam") -> list[tuple[str, list[View]]]:
    return [
        (title, [_view(snap) for snap in exam.snaps if snap.sort == sort])
        for sort, title in (SORTS | APART).items()
        if any(snap.sort == sort for snap in exam.snaps)
    ]


def _view(snap: "Snap") -> View:
    score = f"score {snap.score:.3g}" if math.isfinite(snap.score) else "no score"
    urls = [data_url("jpeg", encoded) for _, encoded in snap.pictures]
    return View(snap.about, score, snap.sort in versus.RIGHT, tuple(urls))
