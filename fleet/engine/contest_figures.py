"""What a contest of viewers comes to: figures with intervals over routes, in pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.engine.contest import MOST_HIDDEN, REGIONS, STANDING, Sheet
from fleet.engine.pooled import Pooled, per_route
from fleet.measured import Figure
from scenarios import CLASSES

Bools = NDArray[np.bool_]

NET_OVER_TRACKER, ANY_CLASS, MEMORY, HIDDEN_RECALL = 1.3, 1.0, 1.03, 0.05
"""Targets: of things with height, and of any class; of a net with memory over one without; of recall gained."""


def overlap(sheet: Sheet, viewer: int, name: str, *, region: str = "everywhere", rows: Bools | None = None) -> Pooled:
    """Intersection over union of one class, or the plain mean of all ("all") or of those that stand ("standing").

    A mean is of the classes of which every viewer has some, or the truth, so that it is of the same for all.
    """
    groups = {"all": CLASSES, "standing": STANDING}
    if name not in groups:
        return _overlaps_of(sheet, name, region, rows)[viewer]
    each = [_overlaps_of(sheet, part, region, rows) for part in groups[name]]
    counted = [found for found in each if all(np.isfinite(one.value) for one in found)]
    return Pooled.mean([found[viewer] for found in counted or each])


def _overlaps_of(sheet: Sheet, name: str, region: str, rows: Bools | None) -> list[Pooled]:
    """Of every viewer."""
    index = CLASSES.index(name), REGIONS.index(region)
    counts = np.ones(len(sheet.car), np.bool_) if rows is None else rows
    shared, either = (np.where(counts, cells[:, :, *index], 0).T for cells in (sheet.shared, sheet.either))
    routes = _routes(sheet.car)
    sums = per_route(shared, routes), per_route(either, routes)
    return [Pooled.share(sums[0][:, viewer], sums[1][:, viewer]) for viewer in range(len(sheet.shared))]


def recall(sheet: Sheet, viewer: int, *, least: float, most: float, name: str | None = None) -> Pooled:
    """The share of things, so much visible where they are best seen, of which the viewer holds half."""
    counts = (sheet.visible >= least) & (sheet.visible < most)
    if name is not None:
        counts &= sheet.thing_class == STANDING.index(name)
    routes = _routes(np.concatenate([sheet.car, sheet.thing_car]))[len(sheet.car) :]
    every = int(_routes(sheet.car).max(initial=-1)) + 1
    found, there = np.zeros(every), np.zeros(every)
    np.add.at(found, routes, (sheet.found[viewer] & counts).astype(np.float64))
    np.add.at(there, routes, counts.astype(np.float64))
    return Pooled.share(found, there)


def _routes(cars: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Cars as numbers from 0 on."""
    return np.asarray(np.unique(cars, return_inverse=True)[1], np.intp)


def _figure(name: str, found: Pooled, against: str, target: float | None = None) -> Figure:
    routes = int(np.count_nonzero(np.nan_to_num(found.pulls)))
    return Figure(name, found.value, target, against, routes, *found.interval)


class Comparison:
    """Figures of three viewers on the same sheets: a net, the tracker, and a net without memory.

    viewers: their names, in the order of the sheets
    """

    def __init__(self, viewers: Sequence[str]) -> None:
        self.net, self.tracker, self.single = viewers

    def headline(self, sheet: Sheet) -> list[Figure]:
        """What the issue asks for, with its targets."""
        figures = []
        for name in ("standing", *CLASSES):
            target = NET_OVER_TRACKER if name == "standing" else ANY_CLASS
            ratio = overlap(sheet, 0, name).over(overlap(sheet, 1, name))
            figures.append(_figure(f"iou_over_tracker.{name}", ratio, self.tracker, target))
        figures.append(
            _figure("iou_over_single", overlap(sheet, 0, "all").over(overlap(sheet, 2, "all")), self.single, MEMORY)
        )
        for kind in (None, *STANDING):
            hidden = [recall(sheet, viewer, least=0.0, most=MOST_HIDDEN, name=kind) for viewer in range(3)]
            of = f".{kind}" if kind else ""
            gained, over = hidden[0].minus(hidden[2]), hidden[0].minus(hidden[1])
            figures.append(_figure(f"hidden_recall_gained{of}", gained, self.single, None if kind else HIDDEN_RECALL))
            figures.append(_figure(f"hidden_recall_over_tracker{of}", over, self.tracker))
        return figures

    def slices(self, sheets: Mapping[str, Sheet]) -> list[Figure]:
        """IoU class by class: everywhere, by distance, at seams, in slices of moments and in other worlds."""
        return [
            figure for place, sheet, region, rows in places(sheets) for figure in self._row(place, sheet, region, rows)
        ]

    def _row(self, place: str, sheet: Sheet, region: str, rows: Bools | None) -> list[Figure]:
        figures = []
        for name in (*CLASSES, "all", "standing"):
            each = [overlap(sheet, viewer, name, region=region, rows=rows) for viewer in range(3)]
            for viewer, found in zip((self.net, self.tracker, self.single), each, strict=True):
                figures.append(_figure(f"iou.{place}.{name}.{viewer}", found, "truth"))
            figures.append(_figure(f"iou_less_tracker.{place}.{name}", each[0].minus(each[1]), self.tracker))
            figures.append(_figure(f"iou_less_single.{place}.{name}", each[0].minus(each[2]), self.single))
        return figures

    def recalls(self, sheet: Sheet) -> list[Figure]:
        """Recall of things by how much of them is visible."""
        figures = []
        for least, most in ((0.0, 0.01), (0.01, MOST_HIDDEN), (0.0, MOST_HIDDEN), (MOST_HIDDEN, 1.01)):
            for name in STANDING:
                for number, viewer in enumerate((self.net, self.tracker, self.single)):
                    found = recall(sheet, number, least=least, most=most, name=name)
                    figures.append(
                        _figure(f"recall.visible_{least:g}_to_{min(most, 1):g}.{name}.{viewer}", found, "truth")
                    )
        return figures


def places(sheets: Mapping[str, Sheet]) -> list[tuple[str, Sheet, str, Bools | None]]:
    """Where figures are told of: name, sheet, region, and which moments."""
    first, *others = sheets.items()
    name, sheet = first
    found: list[tuple[str, Sheet, str, Bools | None]] = [(region, sheet, region, None) for region in REGIONS]
    found += [(part, sheet, "everywhere", rows) for part, rows in sheet.moments.items() if part != "junction"]
    for name, sheet in others:
        rows = sheet.moments["junction"] if name == "junction" else None
        found.append((name, sheet, "everywhere", rows))
    return found


def table(figures: Sequence[Figure], comparison: Comparison) -> str:
    """Figures as a page of Markdown: what was asked for, the overlap of each, recall, and cost."""
    by_name = {each.figure: each for each in figures}
    asked = [each for each in figures if each.target is not None]
    parts = [_headline(asked), _overlaps(by_name, comparison), _rest("recall", figures), _rest("_ms", figures)]
    return "\n\n".join(parts) + "\n"


def _headline(asked: Sequence[Figure]) -> str:
    head = "| figure | value | 95 % | target | met |\n|---|---|---|---|---|"
    rows = [
        f"| {each.figure} | {_number(each.value)} | {_number(each.low)} to {_number(each.high)} "
        f"| {each.target:g} | {'yes' if _met(each) else 'no'} |"
        for each in asked
    ]
    return "\n".join([head, *rows])


def _met(figure: Figure) -> bool:
    if figure.target is None:
        return False
    most = figure.figure.startswith("share_of")  # of cost; what could not be counted is neither below nor above
    return figure.value <= figure.target if most else figure.value >= figure.target


def _overlaps(by_name: Mapping[str, Figure], comparison: Comparison) -> str:
    """A row a place and class: the viewers, and the net's differences with their intervals."""
    viewers = (comparison.net, comparison.tracker, comparison.single)
    head = f"| where | class | {' | '.join(viewers)} | less tracker | less single |\n|---|---|---|---|---|---|---|"
    rows = []
    for name in by_name:
        kind, _, rest = name.partition(".")
        if kind == "iou_less_tracker":
            place, _, part = rest.partition(".")
            each = [_number(by_name[f"iou.{rest}.{viewer}"].value) for viewer in viewers]
            apart = [_span(by_name[f"{other}.{rest}"]) for other in ("iou_less_tracker", "iou_less_single")]
            rows.append(f"| {place.replace('_', ' ')} | {part} | {' | '.join([*each, *apart])} |")
    return "\n".join([head, *rows])


def _rest(part: str, figures: Sequence[Figure]) -> str:
    head = "| figure | value | from | to | routes or rounds |\n|---|---|---|---|---|"
    rows = [
        f"| {each.figure} | {_number(each.value)} | {_number(each.low)} | {_number(each.high)} | {each.runs} |"
        for each in figures
        if part in each.figure
    ]
    return "\n".join([head, *rows])


def _span(figure: Figure) -> str:
    if not np.isfinite(figure.value):
        return "–"
    return f"{figure.value:+.3f} ({_number(figure.low)} to {_number(figure.high)})"


def _number(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"
