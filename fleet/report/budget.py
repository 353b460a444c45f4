"""One self-contained page about a budget: the frontier of what can be had for how many megabytes, and the choice."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from fleet.report import grading
from fleet.report.markup import figure, many, nothing, percent, table
from fleet.report.page import Section
from fleet.report.sheet import Sheet, write
from fleet.report.svg import across, area, chart, colour, dots, line, upright, upward

if TYPE_CHECKING:
    from fleet.exam.budgeting import Budget
    from fleet.exam.exam import Exam


def write_budget(exam: "Exam", found: "Budget", page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    fits = found.chosen >= 0
    frontier = Section("frontier", "What there is to choose from", "", (_frontier(found), _quotas(exam, found)))
    sheet = Sheet(
        title=exam.spec.name,
        outcome="pass" if fits else "fail",
        verdict="It fits." if fits else "Nothing fits.",
        says=f"{exam.spec.name}, version {exam.spec.version}, in {exam.order.world}: "
        f"{found.purse.mb_per_car_day:g} MB a car-day, exceeded with a chance of a tenth at most.",
        facts=_facts(found),
        sections=[frontier],
        meanings=grading.meanings(),
    )
    write(sheet, page)


def _facts(found: "Budget") -> list[tuple[str, str, str]]:
    if found.chosen < 0:
        return []
    offer = found.offers[found.chosen]
    limit = "none" if found.per_car_day is None else str(found.per_car_day)
    return [
        ("threshold", f"{offer.threshold:.3f}", ""),
        ("MB a car-day", f"{offer.mb.estimate:.3g}", f"{percent(found.used)} of the budget"),
        ("recall", percent(offer.recall.estimate), f"{percent(offer.recall.low)} – {percent(offer.recall.high)}"),
        ("cooldown", f"{found.cooldown_s:.0f} s", f"fires a car-day: {limit} at most"),
    ]


def _frontier(found: "Budget") -> Markup:
    title = "Recall against megabytes"
    offers = [each for each in found.offers if math.isfinite(each.recall.estimate)]
    if len(offers) < 2:
        return nothing(title, "The trigger says yes or no; there is no threshold to move.")
    x = across(0.0, max([*(each.mb.estimate for each in offers), found.purse.mb_per_car_day]))
    y = upward(1.0)
    marks = [
        area(x, y, [(each.mb.estimate, each.recall.low, each.recall.high) for each in offers], colour(0)),
        line(x, y, [(each.mb.estimate, each.recall.estimate) for each in offers], colour(0)),
        upright(x, y, found.purse.mb_per_car_day, "budget"),
    ]
    if found.chosen >= 0:
        offer = found.offers[found.chosen]
        marks.append(dots(x, y, [(offer.mb.estimate, offer.recall.estimate)], colour(1), 5))
    note = "Across: MB a car-day, after cooldown and limit. Up: recall, with its 95 % band. The dot is the choice."
    return figure(title, chart(title, note, x, y, *marks), note=note, wide=True)


def _quotas(exam: "Exam", found: "Budget") -> Markup:
    if not found.quotas:
        return Markup("")
    rows = [
        [name, many(each.count), percent(each.comes), many(each.fires), _hours(each.hours.estimate),
         _hours(each.hours.high)]
        for name, each in found.quotas.items()
    ]  # fmt: skip
    note = (
        "As asked for."
        if found.purse.shares
        else "Evenly, but from none more than twice what comes of itself, so that what is rare is not drowned."
    )
    says = f"{note} A trigger for each part, with the part in its `when`, that ends at its `fleet_total`, keeps them."
    most, needed = exam.spec.limits.fleet_total, sum(each.fires for each in found.quotas.values())
    if most is not None and needed > most:
        says += f" The spec's own `fleet_total` of {most:,} ends before: all together are {needed:,} fires."
    heads = ["where", "right fires", "comes of itself", "fleet_total", "hours", "at most"]
    return figure("Quotas", table(heads, rows), note=says, wide=True)


def _hours(hours: float) -> str:
    return many(hours) if math.isfinite(hours) else "never"
