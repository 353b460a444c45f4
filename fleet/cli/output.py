"""What commands share in talking: people on standard error, one JSON object on standard output."""

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

from fleet.plan import RunPlan, show_clock

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from fleet.simulation.crew import Progress

LINE_EVERY_S = 5.0


def console() -> Console:
    """Standard error, for people."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_json(found: dict[str, Any]) -> None:
    """The one object of `--json`."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


class RunProgress:
    """One line that says how far a run is: live on a terminal, else a plain line every few seconds."""

    def __init__(self, plan: RunPlan, *, began_us: int | None = None) -> None:
        self._plan, self._began_us = plan, plan.start_us if began_us is None else began_us
        self._shards: dict[int, Progress] = {}
        self._console = console()
        self._began_s, self._line_s = time.monotonic(), time.monotonic()
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(bar_width=20), console=self._console, transient=True
            )
            self._bar.add_task("opening world and networks", total=self._plan.end_us - self._began_us)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, progress: "Progress") -> None:
        """A shard has come further, or waits."""
        self._shards[progress.shard] = progress
        if self._bar:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self._now_us - self._began_us, description=self._text())
        elif time.monotonic() - self._line_s >= LINE_EVERY_S:
            self._line_s = time.monotonic()
            self._console.print(self._text())

    @property
    def _now_us(self) -> int:
        return min(each.now_us for each in self._shards.values())

    def _text(self) -> str:
        shards = self._shards.values()
        spent_s = max(time.monotonic() - self._began_s, 1e-6)
        factor = (self._now_us - self._began_us) / 1e6 / spent_s
        left_s = (self._plan.end_us - self._now_us) / 1e6 / factor if factor > 0 else None
        parts = [
            show_clock(self._now_us),
            f"{sum(each.car_ticks for each in shards) / spent_s:,.0f} car-ticks/s",
            f"{sum(each.fires for each in shards):,} fires",
            f"{sum(each.clips for each in shards):,} clips kept",
            f"{factor:.2f}x real time",
            f"{_show_left(left_s)} left",
        ]
        waiting = sum(each.waiting for each in shards)
        if waiting:
            parts.append(f"waiting for the server to acknowledge {waiting:,} messages (simulated time stands)")
        return " · ".join(parts)


def _show_left(left_s: float | None) -> str:
    if left_s is None:
        return "?"
    minutes, seconds = divmod(round(left_s), 60)
    return f"{minutes}:{seconds:02}" if minutes < 600 else f"{minutes // 60} h"
