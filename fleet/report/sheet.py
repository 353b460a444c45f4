"""The page that an exam or a budget ends in, self-contained: the verdict first, then the evidence, then the method."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from fleet.report.page import Section
from fleet.report.templates import style, template
from fleet.saving import save

if TYPE_CHECKING:
    from triggers import estimate

SORTS = {
    "right": "Surest and right",
    "wrong": "Surest and wrong",
    "missed": "Missed",
    "borderline": "Nearest to the threshold",
}
APART = {
    "only_right": "Right, and caught by this version only",
    "other_right": "Right, and caught by the other version only",
    "only_wrong": "Wrong, and fired at by this version only",
    "other_wrong": "Wrong, and fired at by the other version only",
}


@dataclass(frozen=True, slots=True)
class View:
    """A clip; pictures: data URLs, what the network sees first."""

    title: str
    says: str
    right: bool
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on the page.

    outcome: pass, fail or inconclusive; verdict: the same in words, as the heading; says: what was examined
    facts: name, figure, interval; verdicts: of requirements; warning: what must be known before all else
    meanings: what each figure is; clips: title to views; looks: what the pictures of a clip are
    """

    title: str
    outcome: str
    verdict: str
    says: str
    facts: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    verdicts: Sequence["estimate.Verdict"] = ()
    warning: str = ""
    meanings: Markup | str = ""
    clips: Sequence[tuple[str, Sequence[View]]] = ()
    looks: str = ""


def render(sheet: Sheet) -> str:
    """The page as text."""
    return template("exam.html.j2").render(sheet=sheet, style=style())


def write(sheet: Sheet, page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    save(render(sheet).encode(), page)
