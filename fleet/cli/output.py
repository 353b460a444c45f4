"""What commands share in talking: people on standard error, one JSON object on standard output."""

import json
import shlex
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from fleet.plan import RunPlan
    from fleet.simulation.crew import Progress

LINE_EVERY_S = 5.0


def console() -> "Console":
    """Standard error, for people."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_error(error: Exception) -> None:
    """What a user is told of a mistake."""
    from rich.text import Text

    console().print(Text.assemble(("error: ", "bold red"), str(error)))


def print_json(found: dict[str, Any]) -> None:
    """The one object of `--json`."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, whole: Collection[str] = ()) -> None:
    """A table on standard output; the columns named in `whole` are never broken, so that they can be copied."""
    from rich.console import Console
    from rich.table import Table

    wide = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(heads))
    for index, head in enumerate(heads):
        numbers = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(head, justify="right" if numbers else "left", overflow="fold", no_wrap=head in whole)
    for row in rows:
        table.add_row(*map(_cell, row))
    wide.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value).replace("[", r"\[")


def command_line() -> str:
    """What was typed, for a card that says how something was made."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


class Quarters:
    """Says at each quarter of what is wanted how much is there, and begins again where more is sought after that."""

    def __init__(self, what: str) -> None:
        self._console, self._said, self._what = console(), 0, what

    def __call__(self, found: int, wanted: int) -> None:
        """So much is there, of so much."""
        if found * 4 // max(wanted, 1) > self._said:
            self._said = found * 4 // max(wanted, 1) % 4
            self._console.print(f"{found:,} of {wanted:,} {self._what}")


class RunProgress:
    """One line that says how far a run is: live on a terminal, else a plain line every few seconds.

    Rates count from the first word of a shard: what came before was opening the world.
    """

    def __init__(self, plan: "RunPlan") -> None:
        self._plan = plan
        self._first: dict[int, Progress] = {}
        self._last: dict[int, Progress] = {}
        self._console = console()
        self._began_s, self._line_s = 0.0, -LINE_EVERY_S
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            columns = TextColumn("{task.description}"), BarColumn(bar_width=10)
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.add_task("opening the world and the networks", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, progress: "Progress") -> None:
        """A shard has come further, or waits."""
        if not self._first:
            self._began_s = time.monotonic()
        self._first.setdefault(progress.shard, progress)
        self._last[progress.shard] = progress
        if self._bar:
            done, total = self._now_us - self._plan.start_us, self._plan.duration_us
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, description=self._text())
        elif time.monotonic() - self._line_s >= LINE_EVERY_S:  # at once, and then every few seconds
            self._line_s = time.monotonic()
            self._console.print(self._text())

    @property
    def _now_us(self) -> int:
        return min(each.now_us for each in self._last.values())

    def _text(self) -> str:
        from fleet.plan import show_clock  # brings in pydantic, and a server that logs has no plan

        now, first = self._last.values(), self._first.values()
        spent_s = max(time.monotonic() - self._began_s, 1e-3)
        looked = sum(each.car_ticks for each in now) - sum(each.car_ticks for each in first)
        factor = (self._now_us - min(each.now_us for each in first)) / 1e6 / spent_s
        left_s = (self._plan.end_us - self._now_us) / 1e6 / factor if factor > 0 else None
        parts = [
            show_clock(self._now_us),
            f"{looked / spent_s:,.0f} car-ticks/s",
            f"{sum(each.fires for each in now):,} fires",
            f"{sum(each.clips for each in now):,} clips kept",
            f"{factor:.2f}x real time",
            f"{_show_left(left_s)} left",
        ]
        waiting = sum(each.waiting for each in now)
        if waiting:
            parts.append(f"waiting for the server to acknowledge {waiting:,} messages (simulated time stands)")
        return " · ".join(parts)


def _show_left(left_s: float | None) -> str:
    if left_s is None:
        return "?"
    minutes, seconds = divmod(round(left_s), 60)
    return f"{minutes}:{seconds:02}" if minutes < 600 else f"{minutes // 60} h"
