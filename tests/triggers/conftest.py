"""Small real tables, specs and probes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from triggers import Evaluator, Memory, Reason, SignalTable, TriggerSpec
from triggers.probe import Probe, Readout

TICK_US = 100_000
BACKBONE = "ab" * 32


def noise(n: int, d: int, *, salt: int = 0) -> np.ndarray:
    """Numbers that look normal and are the same every time, (n, d) float32."""
    grid = np.arange(n * d, dtype=np.float64).reshape(n, d) + 7919.0 * (salt + 1)
    return ndtri(np.clip(np.sin(grid * 12.9898) * 43758.5453 % 1.0, 1e-6, 1 - 1e-6)).astype(np.float32)


def signals(
    n: int = 4, *, tick: int = 0, first: int = 0, valid: dict[str, Any] | None = None, **columns: Any
) -> SignalTable:
    """A table of cars first …; `Vehicle__Speed=[…]` is column Vehicle.Speed; four features a car."""
    arrays = {name.replace("__", "."): np.asarray(values) for name, values in columns.items()}
    n = len(next(iter(arrays.values()))) if arrays else n
    return SignalTable(
        cars=np.arange(first, first + n, dtype=np.uint32),
        tick=tick,
        columns={k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in arrays.items()},
        embedding=noise(n, 4),
        valid={k.replace("__", "."): np.asarray(v) for k, v in (valid or {}).items()},
        backbone=BACKBONE,
    )


def observe_story(
    scores: Sequence[float | None],
    *,
    moving: Sequence[bool] | None = None,
    ticks: Sequence[int] | None = None,
    **spec: Any,
) -> list[str]:
    """The reasons one car gets, tick by tick (one a second), for these scores (None: undefined; threshold 0.5)."""
    when = None if moving is None else "moving"
    made = TriggerSpec(
        name="surprise", kind="disagreement", params={"task": "lane", "threshold": 0.5}, when=when, **spec
    )
    evaluator = Evaluator(
        [made], Memory(0, 1), tick_us=TICK_US, columns={"lane.disagreement": float, "moving": bool}, backbone=BACKBONE
    )
    out = []
    for i, score in enumerate(scores):
        row = {
            "lane__disagreement": [np.nan if score is None else float(score)],
            "moving": [moving is None or moving[i]],
        }
        table = signals(tick=ticks[i] if ticks else 10 * (i + 1), **row)
        out.append(Reason(evaluator.observe(table).reasons[0, 0]).name)
    return out


@pytest.fixture(scope="session")
def table() -> Callable[..., SignalTable]:
    return signals


@pytest.fixture(scope="session")
def story() -> Callable[..., list[str]]:
    return observe_story


@pytest.fixture(scope="session")
def normal() -> Callable[..., np.ndarray]:
    return noise


@pytest.fixture(scope="session")
def probe() -> Probe:
    """A probe on four features."""
    return Probe(
        mean=np.array([0.1, -0.2, 0.0, 0.3]),
        scale=np.array([1.0, 2.0, 0.5, 1.5]),
        readout=Readout(np.array([0.7, -1.1, 0.4, 2.0]), -0.3),
        calibration=np.array([1.2, -0.1]),
        threshold=0.6,
        backbone=BACKBONE,
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A YAML file with this text."""

    def write_text(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text
