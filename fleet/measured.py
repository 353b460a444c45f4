"""What benchmarks measured: figures with their targets, as JSON and as a table."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

HEADS = ("bench", "figure", "value", "target", "range", "runs", "against")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    figure: its name
    value: what was found; not finite where nothing could be counted
    target: what it should be, where somebody said so
    floor_or_rival: what it is held against
    runs: so many measurements are in it
    low, high: from where to where it lies; None where that is the value alone
    """

    figure: str
    value: float
    target: float | None = None
    floor_or_rival: str = ""
    runs: int = 1
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, figure: str, samples: Sequence[float], target: float | None = None, floor_or_rival: str = "") -> Self:
        """The median of measurements, from the least to the most of them."""
        middle, low, high = statistics.median(samples), min(samples), max(samples)
        return cls(figure, middle, target, floor_or_rival, len(samples), low, high)


def told(bench: str, figures: Iterable[Figure]) -> dict[str, Any]:
    """As `outrider bench --json` gives the figures of a benchmark."""
    return {"figures": [_told(bench, each) for each in figures]}


def row(figure: Mapping[str, Any]) -> tuple[object, ...]:
    """A figure as `told` gives it, under `HEADS`."""
    low, high = ("" if figure[name] is None else f"{figure[name]:g}" for name in ("low", "high"))
    names = ("bench", "figure", "value", "target", "runs", "floor_or_rival")
    *found, runs, against = (figure[name] for name in names)
    return *found, f"{low} to {high}", runs, against


def _told(bench: str, figure: Figure) -> dict[str, Any]:
    low, high = (figure.value if each is None else each for each in (figure.low, figure.high))
    return {
        "bench": bench, "figure": figure.figure, "value": _rounded(figure.value), "target": figure.target,
        "floor_or_rival": figure.floor_or_rival, "runs": figure.runs, "low": _rounded(low), "high": _rounded(high),
    }  # fmt: skip


def _rounded(value: float) -> float | None:
    """To five places, a count as it is; None for what could not be counted."""
    return round(value, 5) if math.isfinite(value) else None
