"""A network's card for people: what it is, how it came about, how well it does."""

from collections.abc import Mapping
from typing import Any

WORDS = (
    "`ap` is the average precision of a yes; `mae` the mean absolute error, in the unit that the name ends in; "
    "`base` what guessing reaches: the share of yes, or always saying the median."
)
SLICE_WORDS = (
    "Slice by slice: the figure, and in brackets of how many yes, or how many numbers. A slice of things, such as "
    "`tilted`, has the things in it and every moment without one."
)
FEW = 5  # yes; fewer say nothing
Figures = Mapping[str, Mapping[str, float]]


def markdown(card: Mapping[str, Any]) -> str:
    """card.json as a page; figures: slice to column to numbers."""
    size = card["input"]
    made = (
        f"Made by `{card['command']}` in {card['minutes']:.1f} minutes on {card['threads']} threads: "
        f"{card['steps']} steps of {card['batch']} cars of world `{card['world']}`, seed {card['seed']}."
    )
    looks = (
        f"Backbone `{card['backbone'][:12]}…`, {size['cameras']} cameras of {size['height']} × {size['width']} pixels. "
        f"Measured on {card['measured_on']} moments of a world with seed {card['measured_seed']}, "
        "from which it has not learnt."
    )
    everywhere, *_ = card["figures"].items()
    told = [f"# {card['name']} (version {card['version']})", made, looks, WORDS, _table(*everywhere), SLICE_WORDS]
    tasks = [_slices(name, task["outputs"], card["figures"]) for name, task in card["tasks"].items()]
    return "\n\n".join([*told, *tasks]) + "\n"


def bev_markdown(card: Mapping[str, Any]) -> str:
    """The card of a BEV net as a page."""
    size, figures = card["input"], card["figures"]
    worlds = ", ".join(f"{share:.0%} `{world}`" for world, share in card["worlds"].items())
    classes = list(figures["everywhere"])
    said = [
        f"# {card['name']} (version {card['version']})",
        (
            f"Made by `{card['command']}` in {card['minutes']:.1f} minutes ({card['cpu_minutes']:.1f} of CPU) on "
            f"{card['threads']} threads, with its twin beside it: {card['steps']} steps of {card['batch']} drives "
            f"out of {card['drives']} ({worlds}), {card['looks_a_drive']} looks each, seed {card['seed']}."
        ),
        (
            f"Sees through backbone `{card['backbone'][:12]}…`, {size['cameras']} cameras of {size['height']} × "
            f"{size['width']} pixels; remembers {card['looks']} looks."
        ),
        (
            f"Intersection over union at the last look of {card['measured_on']} drives of worlds with seed "
            f"{card['measured_seed']}, from which it has not learnt. A cell counts from the probability in the "
            "second row, chosen on drives that it has learnt from."
        ),
    ]
    rows = [f"| where | {' | '.join(classes)} |", "|---" * (len(classes) + 1) + "|"]
    rows += [f"| *counts from* | {' | '.join(number(card['thresholds'][name]) for name in classes)} |"]
    for where, found in figures.items():
        rows.append(f"| {where.replace('_', ' ')} | {' | '.join(number(found.get(name)) for name in classes)} |")
    return "\n\n".join([*said, "\n".join(rows)]) + "\n"


def _table(name: str, figures: Figures) -> str:
    head = f"## {name}\n\n| output | ap | mae | base | n |\n|---|---|---|---|---|"
    rows = [
        f"| `{column}` | " + " | ".join(number(found.get(kind)) for kind in ("ap", "mae", "base", "n")) + " |"
        for column, found in figures.items()
    ]
    return "\n".join([head, *rows])


def _slices(task: str, columns: list[str], figures: Mapping[str, Figures]) -> str:
    """One task: a row for each slice, a column for each output."""
    names = [column.removeprefix(f"{task}.") for column in columns]
    head = f"## {task}\n\n| slice | {' | '.join(names)} |\n|---{'|---' * len(names)}|"
    rows = []
    for part, found in figures.items():
        cells = [_cell(found.get(column, {})) for column in columns]
        if any(cell != "–" for cell in cells):
            rows.append(f"| {part.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join([head, *rows])


def _cell(found: Mapping[str, float]) -> str:
    if "mae" in found:
        return f"{number(found['mae'])} ({found['n']:.0f})"
    yes = found.get("n", 0) * found.get("base", 0)
    return f"{number(found['ap'])} ({yes:.0f})" if "ap" in found and yes >= FEW else "–"


def number(value: float | None) -> str:
    """A figure in a table."""
    return "–" if value is None else f"{value:.3g}"
