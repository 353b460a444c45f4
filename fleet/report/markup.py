"""The few pieces of HTML that figures are set in."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from fleet.report.svg import colour


def figure(
    title: str, drawn: Markup, *, note: str = "", legend: Sequence[tuple[str, str]] = (), wide: bool = False
) -> Markup:
    """A drawing with its title, a sentence on how to read it, and a legend of (colour class, word)."""
    keys = Markup("").join(Markup('<li><i class="{}"></i>{}</li>').format(kind, word) for kind, word in legend)
    return Markup('<figure class="{}"><h3>{}</h3>{}{}{}</figure>').format(
        "broad" if wide else "plain",
        title,
        Markup('<ul class="legend">{}</ul>').format(keys) if legend else "",
        drawn,
        Markup("<figcaption>{}</figcaption>").format(note) if note else "",
    )


def series(names: Sequence[str]) -> list[tuple[str, str]]:
    """A legend with one colour per name, in order."""
    return [(colour(index), name) for index, name in enumerate(names)]


def nothing(title: str, why: str) -> Markup:
    """What stands where a figure would, when there is nothing to draw."""
    return Markup('<figure class="nothing"><h3>{}</h3><p>{}</p></figure>').format(title, why)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, words: int = 1) -> Markup:
    """A table that scrolls sideways when it must; the first `words` columns are text, the others numbers."""
    head = Markup("").join(_cell("th", text, index < words) for index, text in enumerate(heads))
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(_cell("td", cell, index < words) for index, cell in enumerate(row))
        )
        for row in rows
    )
    return Markup('<div class="wide"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        head, body
    )


def shares(parts: Sequence[tuple[str, float, str]], says: str) -> Markup:
    """One bar cut into parts of (colour class, share 0..1, what it is)."""
    cut = Markup("").join(
        Markup('<i class="{}" style="flex-grow:{}" title="{}"></i>').format(kind, f"{share:.5f}", what)
        for kind, share, what in parts
        if share > 0
    )
    return Markup('<div class="shares" role="img" aria-label="{}">{}</div>').format(says, cut)


def many(number: float) -> str:
    """A count with thousands apart."""
    return f"{number:,.0f}"


def weight(size: float) -> str:
    """Bytes as people say them, in decimal units."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= step:
            return f"{size / step:.3g} {unit}"
    return f"{size:.0f} B"


def percent(share: float) -> str:
    """A share of 0..1, with a decimal where it is close to an end; – where there is none."""
    if math.isnan(share):
        return "–"
    return f"{share:.1%}" if 0 < share < 0.0095 or 0.9905 < share < 0.9995 else f"{share:.0%}"


def _cell(tag: str, content: object, text: bool) -> Markup:
    kind = "" if text else ' class="number"'
    return Markup(f"<{tag}{kind}>{{}}</{tag}>").format(content)  # noqa: S704 – tags of ours
