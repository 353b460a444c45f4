"""The report's pages and its style, as Jinja templates."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

_HERE = Path(__file__).parent


@cache
def template(name: str) -> Template:
    """A template of this folder; whatever it is given is escaped, unless it is markup already."""
    surroundings = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return surroundings.get_template(name)


def style(name: str = "report.css") -> Markup:
    """A style sheet, to stand inside the page."""
    return Markup((_HERE / name).read_text())  # noqa: S704 – a file of ours
