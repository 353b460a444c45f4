"""Lines, areas, bars and dots as SVG strings: what the report's figures are drawn with."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup, escape

WIDTH, HEIGHT = 480, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 18, 30
COLOURS = ("c1", "c2", "c3", "c4", "c5", "c7")  # of the style sheet; c0, c6 and c8 mean something everywhere

_TIME_STEPS_S = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values `low` to `high` laid over pixels `start` to `end`; ticks are (value, what stands beside it)."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...] = ()

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def colour(index: int) -> str:
    """The style sheet's class for the index-th series, counted from 0."""
    return COLOURS[index % len(COLOURS)]


def short(value: float) -> str:
    """A number in at most five characters: 1.2k, 3.4M, 0.05."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def clock(t_us: float, *, seconds: bool = True) -> str:
    """Simulated time as HH:MM:SS, from microseconds since midnight."""
    whole = int(t_us // 1_000_000)
    text = f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}"
    return f"{text}:{whole % 60:02}" if seconds else text


def across(low: float, high: float, label: Callable[[float], str] = short) -> Scale:
    """A horizontal scale of numbers."""
    return Scale(low, high, LEFT, WIDTH - RIGHT, _ticks(low, high, _round_step(high - low), label))


def upward(high: float, *, low: float = 0.0, whole: bool = False, label: Callable[[float], str] = short) -> Scale:
    """A vertical scale of numbers that ends at a round one; `whole` for counts, which have no halves."""
    step = max(_round_step(high - low), 1.0 if whole else 0.0)
    top = math.ceil(high / step - 1e-9) * step if high > low else low + 1.0
    return Scale(low, top, HEIGHT - BOTTOM, TOP, _ticks(low, top, step, label))


def over_time(first_us: float, last_us: float) -> Scale:
    """A horizontal scale of simulated time with ticks at round times of day."""
    span_s = max(last_us - first_us, 1.0) / 1e6
    step_s = next((step for step in _TIME_STEPS_S if span_s / step <= 5), _TIME_STEPS_S[-1])
    return Scale(
        first_us,
        max(last_us, first_us + 1),
        LEFT,
        WIDTH - RIGHT,
        _ticks(first_us, last_us, step_s * 1e6, lambda t_us: clock(t_us, seconds=step_s < 60)),
    )


def chart(title: str, says: str, x: Scale, y: Scale, *marks: str) -> Markup:
    """A plot with its grid; a screen reader speaks `title` and `says`; `marks` come from the makers below."""
    grid = [
        f'<path class="grid" d="M{x.start} {y(at):.1f}H{x.end}"/>'
        f'<text class="tick" x="{x.start - 6}" y="{y(at) + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        for at, label in y.ticks
    ]
    grid += [
        f'<text class="tick" x="{x(at):.1f}" y="{y.start + 18}" text-anchor="{_anchor(x, at)}">{escape(label)}</text>'
        for at, label in x.ticks
    ]
    axis = f'<path class="axis" d="M{x.start} {y.start}H{x.end}"/>'
    return drawing(title, says, WIDTH, HEIGHT, *grid, *marks, axis)


def drawing(title: str, says: str, width: int, height: int, *marks: str) -> Markup:
    """An SVG with a title and a description."""
    return Markup(  # noqa: S704 – marks are drawn here, words are escaped
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}. {escape(says)}">'
        f"<title>{escape(title)}</title><desc>{escape(says)}</desc>{''.join(marks)}</svg>"
    )


def line(x: Scale, y: Scale, points: Sequence[tuple[float, float]], kind: str) -> str:
    """One line through the points; `kind` is a class of the style sheet."""
    return f'<path class="line {kind}" d="{_path(x, y, points)}"/>' if points else ""


def area(x: Scale, y: Scale, points: Sequence[tuple[float, float, float]], kind: str) -> str:
    """The band through (across, low, high)."""
    if not points:
        return ""
    there = _path(x, y, [(at, high) for at, _, high in points])
    back = _path(x, y, [(at, low) for at, low, _ in points[::-1]])
    return f'<path class="area {kind}" d="{there}L{back[1:]}Z"/>'


def bars(x: Scale, y: Scale, spans: Sequence[tuple[float, float, float, float]], kind: str, says: str = "") -> str:
    """One bar per (from, to, bottom, top), a pixel apart; `says` shows when the pointer rests on it."""
    title = f"<title>{escape(says)}</title>" if says else ""
    return "".join(
        f'<rect class="bar {kind}" x="{x(start) + 0.5:.1f}" width="{max(x(end) - x(start) - 1, 0.5):.1f}" '
        f'y="{y(top):.1f}" height="{max(y(bottom) - y(top), 0):.1f}">{title}</rect>'
        for start, end, bottom, top in spans
        if top > bottom
    )


def dots(x: Scale, y: Scale, points: Sequence[tuple[float, float]], kind: str, radius: float) -> str:
    """One dot per point, as zero-length strokes of a single path: thousands stay small."""
    marks = "".join(f"M{x(across_):.1f} {y(up):.1f}h0" for across_, up in points)
    return f'<path class="dots {kind}" stroke-width="{2 * radius}" d="{marks}"/>' if marks else ""


def upright(x: Scale, y: Scale, at: float, label: str) -> str:
    """A dashed vertical line with a word beside it, such as a median."""
    side = "end" if x(at) > (x.start + x.end) / 2 else "start"
    gap = -5 if side == "end" else 5
    return (
        f'<path class="mark" d="M{x(at):.1f} {y.start}V{y.end}"/>'
        f'<text class="note" x="{x(at) + gap:.1f}" y="{y.end - 5}" text-anchor="{side}">{escape(label)}</text>'
    )


def stack(shares: Sequence[Sequence[float]]) -> list[tuple[list[float], list[float]]]:
    """Lower and upper edges of series laid on top of each other; all of one length."""
    edges: list[tuple[list[float], list[float]]] = []
    floor = [0.0] * (len(shares[0]) if shares else 0)
    for share in shares:
        top = [low + height for low, height in zip(floor, share, strict=True)]
        edges.append((floor, top))
        floor = top
    return edges


def _path(x: Scale, y: Scale, points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x(across_):.1f} {y(up):.1f}" for across_, up in points)


def _round_step(span: float, wanted: int = 5) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts the span into at most so many parts."""
    if span <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(span / wanted))
    return next(size * factor for factor in (1, 2, 5, 10, 20) if span / (size * factor) <= wanted + 1e-9)


def _ticks(low: float, high: float, step: float, label: Callable[[float], str]) -> tuple[tuple[float, str], ...]:
    ticks: list[tuple[float, str]] = []
    for index in count(math.ceil(low / step - 1e-9)):
        if index * step > high + step * 1e-9:
            return tuple(ticks)
        ticks.append((index * step, label(index * step)))
    return tuple(ticks)


def _anchor(x: Scale, at: float) -> str:
    """Words at the right end are set inside the picture."""
    return "end" if x(at) > x.end - 12 else "middle"
