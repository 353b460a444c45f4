"""The proving ground's page: nineteen rules, what must fire each and what must not, with pictures and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from fleet.report.preview import Pixels, picture_url
from fleet.report.templates import style, template
from fleet.saving import save


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """A rule on all passages of one situation.

    must: whether it must fire; fired, of: on how many of how many passages; low, high: the share's 95 % interval
    picture: what a camera showed when it fired, or where it came nearest to it; None where there were no passages
    caption: which car, when, at which score; trace: scores over time, an SVG
    """

    situation: str
    says: str
    must: bool
    fired: int
    of: int
    low: float
    high: float
    picture: Pixels | None
    caption: str
    trace: Markup

    @property
    def good(self) -> bool:
        """Whether at least three passages of four went as they must."""
        right = self.fired if self.must else self.of - self.fired
        return self.of > 0 and 4 * right >= 3 * self.of

    @property
    def share(self) -> str:
        """In words: 11 of 12."""
        return f"{self.fired} of {self.of}"

    @property
    def url(self) -> str:
        """The picture as a data URL; empty where there is none."""
        return "" if self.picture is None else picture_url(self.picture)


@dataclass(frozen=True, slots=True, eq=False)
class ProvenRule:
    """One rule: what was published, the spec as YAML, how it did, and on what else it fired."""

    name: str
    published: str
    spec: str
    tries: tuple[Try, ...]
    elsewhere: tuple[tuple[str, int, int], ...]

    @property
    def good(self) -> bool:
        """Whether it fired wherever it must and was silent wherever it must."""
        return all(each.good for each in self.tries)


@dataclass(frozen=True, slots=True, eq=False)
class ProvingPage:
    """What the page shows."""

    network: str
    seed: int
    passages: int
    every_s: float
    rules: Sequence[ProvenRule]

    @property
    def good(self) -> int:
        """How many rules did as they must."""
        return sum(rule.good for rule in self.rules)


def write_proving(page: ProvingPage, file: Path) -> None:
    """Write the page. Raises CannotWrite."""
    save(template("proving.html.j2").render(page=page, style=style() + style("proving.css")).encode(), file)
