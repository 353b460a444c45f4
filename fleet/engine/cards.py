"""A network's card for people: what it is, how it came about, how well it does."""

from collections.abc import Mapping
from typing import Any

WORDS = (
    "`ap` is the average precision of a yes; `mae` the mean absolute error, in the unit that the name ends in; "
    "`base` what guessing reaches: the share of yes, or always saying the median."
)


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
    told = [f"# {card['name']} (version {card['version']})", made, looks, WORDS]
    return "\n\n".join([*told, *(_table(name, figures) for name, figures in card["figures"].items())]) + "\n"


def _table(name: str, figures: Mapping[str, Mapping[str, float]]) -> str:
    head = f"## {name.replace('_', ' ')}\n\n| output | ap | mae | base | n |\n|---|---|---|---|---|"
    rows = [
        f"| `{column}` | " + " | ".join(_number(found.get(kind)) for kind in ("ap", "mae", "base", "n")) + " |"
        for column, found in figures.items()
    ]
    return "\n".join([head, *rows])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
