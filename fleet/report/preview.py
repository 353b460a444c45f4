"""One self-contained page of pictures: everything that a world can show, near misses beside what they resemble."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fleet.report.pictures import data_url, png
from fleet.report.templates import style, template
from fleet.saving import save

Pixels = NDArray[np.uint8]
"""(height, width, 3), RGB."""

_ROOM = 1.8  # sides of a detail against those of what it shows
_LEAST = 30  # pixels across a detail
_QUALITY = 90


class Box(NamedTuple):
    """A part of a camera's picture, pixels; right and bottom lie outside it."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One camera's picture at one moment.

    title: what, where from; facts: what truth says, (name, value)
    seen: as networks get it; large: the same, painted with more pixels
    box: around what is meant, in `seen`; None where the whole picture is
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    seen: Pixels
    large: Pixels
    box: Box | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Something that can be met, or a condition, or a type of road.

    rates: (road, per km); source: where they come from
    resembles: of what it is a near miss
    trouble: why there are no pictures, or not all
    """

    name: str
    says: str
    shots: tuple[Shot, ...]
    rates: tuple[tuple[str, float], ...] = ()
    source: str = ""
    resembles: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What the page shows: things to meet, conditions each at rising severity, types of road."""

    world: str
    says: str
    seed: int
    region: str
    things: tuple[Sight, ...]
    conditions: tuple[Sight, ...]
    roads: tuple[Sight, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Names without a picture."""
        return tuple(each.name for each in (*self.things, *self.conditions, *self.roads) if not each.shots)


@dataclass(frozen=True, slots=True)
class _Views:
    """A shot as data URLs; the details are empty where the whole picture is meant."""

    title: str
    facts: tuple[tuple[str, str], ...]
    seen: str
    large: str
    seen_detail: str = ""
    large_detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A sight with its pictures as data URLs."""

    sight: Sight
    views: tuple[_Views, ...]


def write_preview(preview: Preview, page: Path) -> None:
    """Write the page. Raises CannotWrite."""
    save(render_preview(preview).encode(), page)


def render_preview(preview: Preview) -> str:
    """The page as text."""
    return template("preview.html.j2").render(
        preview=preview,
        families=[[_shown(each) for each in family] for family in families(preview.things)],
        conditions=[_shown(each) for each in preview.conditions],
        roads=[_shown(each) for each in preview.roads],
        style=style() + style("preview.css"),
    )


def families(things: tuple[Sight, ...]) -> list[list[Sight]]:
    """Things in order, each followed by its near misses; a near miss of nothing shown stands alone."""
    names = {each.name for each in things}
    parent = {each.name: next((name for name in each.resembles if name in names), each.name) for each in things}

    def root(name: str, below: frozenset[str] = frozenset()) -> str:
        return name if parent[name] in {name, *below} else root(parent[name], below | {name})

    roots = {each.name: root(each.name) for each in things}
    return [
        [each, *(other for other in things if other is not each and roots[other.name] == each.name)]
        for each in things
        if roots[each.name] == each.name
    ]


def detail(box: Box, height: int, width: int) -> Box:
    """The part of a picture to enlarge: the box with room around it, three to two, inside the picture."""
    across = max(_ROOM * (box.right - box.left), 1.5 * _ROOM * (box.bottom - box.top), _LEAST)
    wide = min(round(across), width)
    high = min(round(across / 1.5), height)
    left = min(max((box.left + box.right - wide) // 2, 0), width - wide)
    top = min(max((box.top + box.bottom - high) // 2, 0), height - high)
    return Box(left, top, left + wide, top + high)


def _shown(sight: Sight) -> _Shown:
    return _Shown(sight, tuple(_views(shot) for shot in sight.shots))


def _views(shot: Shot) -> _Views:
    whole = data_url("png", png(shot.seen)), data_url("jpeg", _jpeg(shot.large))
    if shot.box is None:
        return _Views(shot.title, shot.facts, *whole)
    part = detail(shot.box, *shot.seen.shape[:2])
    scale = shot.large.shape[0] // shot.seen.shape[0]
    details = data_url("png", png(_cut(shot.seen, part, 1))), data_url("jpeg", _jpeg(_cut(shot.large, part, scale)))
    return _Views(shot.title, shot.facts, *whole, *details)


def _cut(pixels: Pixels, part: Box, scale: int) -> Pixels:
    left, top, right, bottom = (scale * edge for edge in part)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def picture_url(pixels: Pixels) -> str:
    """A picture as a data URL, a JPEG."""
    return data_url("jpeg", _jpeg(pixels))


def _jpeg(pixels: Pixels) -> bytes:
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), _QUALITY, "RGB", "444")
    return encoded
