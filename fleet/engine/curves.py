"""A line chart as an SVG, with intervals: learning curves and the like."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import escape

WIDTH, HEIGHT, MARGIN = 420, 240, 44
Place = Callable[[float], float]
COLOURS = ("#00a066", "#d1570b", "#2f6fd0", "#8b46c1")


class Point(NamedTuple):
    """A mark: where it stands, how high (0 to 1), and its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Line(NamedTuple):
    """A named line through its marks."""

    name: str
    points: tuple[Point, ...]


def chart(lines: Sequence[Line], *, across: str, up: str, doubling: bool = False) -> str:
    """The chart as text. across, up: what the axes say; doubling: the horizontal axis is logarithmic."""
    every = [point.x for line in lines for point in line.points]
    scale = math.log2 if doubling else float
    first, last = scale(min(every)), scale(max(every))

    def x_of(value: float) -> float:
        return MARGIN + (scale(value) - first) / max(last - first, 1e-9) * (WIDTH - 2 * MARGIN)

    def y_of(value: float) -> float:
        return HEIGHT - MARGIN - value * (HEIGHT - 2 * MARGIN)

    drawn = [_drawn(line, i, len(lines), x_of, y_of) for i, line in enumerate(lines)]
    drawn += [
        f'<text x="{x_of(value):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{value:g}</text>'
        for value in sorted(set(every))
    ]
    drawn += [
        f'<text x="{MARGIN - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        for value in (0.0, 0.5, 1.0)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>'
        f"{''.join(drawn)}"
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="{MARGIN}" y="{MARGIN - 12}">{escape(up)}</text></svg>\n'
    )


def _drawn(line: Line, i: int, of: int, x_of: Place, y_of: Place) -> str:
    """The i-th of so many lines, moved aside a little, so that intervals do not hide each other."""
    colour, aside, lift = COLOURS[i % len(COLOURS)], 3.0 * (i - (of - 1) / 2), -8 if i % 2 == 0 else 16
    places = [(x_of(point.x) + aside, y_of(point.y), point) for point in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, y, point in places:
        if point.low is not None and point.high is not None:
            ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{y_of(point.low):.1f}" y2="{y_of(point.high):.1f}"'
            parts.append(f'<line {ends} stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        parts.append(f'<text x="{x + 6:.1f}" y="{y + lift:.1f}" fill="{colour}">{point.y:.2f}</text>')
    if line.name:
        where = f'x="{WIDTH - MARGIN}" y="{16 + 13 * i}" text-anchor="end"'
        parts.append(f'<text {where} fill="{colour}">{escape(line.name)}</text>')
    return "".join(parts)
