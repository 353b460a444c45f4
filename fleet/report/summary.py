"""The head of the report: what the run was and what it came to, in one sentence and a few figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.plan import clock_us, duration_us, show_clock
from fleet.report.folder import Run
from fleet.report.markup import many, weight

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What the head of the page says; `reached` and `planned_end` are simulated times of day, empty when unknown."""

    name: str
    sentence: str
    complete: bool
    reached: str
    planned_end: str
    digest: str
    facts: tuple[tuple[str, str], ...]


def summarize(run: Run) -> Summary:
    """Count a run; a run without any row comes out as zeros."""
    start_us, end_us = _planned(run)
    reached_us = run.one("SELECT max(t_us) FROM vehicles")
    reached_us = start_us if reached_us is None else int(reached_us)
    cars, fires = run.cars, run.one("SELECT count(*) FROM fires")
    clips, size = run.one("SELECT count(*) FROM clips"), run.one("SELECT coalesce(sum(bytes), 0)::BIGINT FROM clips")
    simulated_us = max((end_us if run.complete and end_us else reached_us) - start_us, 0)
    car_days = cars * simulated_us / DAY_US
    per_day = f"{weight(size / car_days)} per car-day" if car_days else "nothing driven yet"
    parts = [
        _count(cars, "car"),
        f"{spell(simulated_us)} simulated",
        _count(fires, "fire"),
        _count(clips, "clip"),
        per_day,
    ]
    return Summary(
        name=str(run.manifest.get("run") or run.folder.resolve().name),
        sentence=" · ".join(parts),
        complete=run.complete,
        reached=show_clock(reached_us),
        planned_end=show_clock(end_us) if end_us else "",
        digest=str(run.manifest.get("digest") or ""),
        facts=tuple(_facts(run, fires, car_days, start_us)),
    )


def spell(us: int) -> str:
    """A length of simulated time, such as 60 s, 12 min, 2.5 h."""
    seconds = us / 1e6
    if seconds <= 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _facts(run: Run, fires: int, car_days: float, start_us: int) -> Sequence[tuple[str, str]]:
    delivered = run.one("SELECT count(*) FROM uploads WHERE status = 'delivered'")
    waiting = run.one("SELECT count(*) FROM uploads WHERE status = 'waiting'")
    driving = run.one("SELECT count(DISTINCT car) FROM vehicles WHERE driving") or 0
    world = run.plan.get("world", "")
    return [
        ("world", str(world.get("name", "")) if isinstance(world, dict) else str(world) or "unknown"),
        ("starts at", show_clock(start_us)),
        ("cars that drove", f"{many(driving)} of {many(run.cars)}"),
        ("fires per car-day", _rate(fires / car_days) if car_days else "–"),
        ("clips delivered", many(delivered)),
        ("still waiting", many(waiting)),
        ("network", Path(run.plan.get("loadout", {}).get("production", "unknown")).name),
        ("seed", str(run.plan.get("seed", run.manifest.get("seed", "unknown")))),
    ]


def _rate(rate: float) -> str:
    return many(rate) if rate >= 100 else f"{rate:.3g}"


def _planned(run: Run) -> tuple[int, int | None]:
    """Start and end of the plan, µs; without a plan the start is what the tables begin with, and the end unknown."""
    start: Any = run.plan.get("start")
    length: Any = run.plan.get("duration")
    if start is None or length is None:
        return int(run.one("SELECT min(t_us) FROM vehicles") or 0), None
    return clock_us(start), clock_us(start) + duration_us(length)


def _count(number: int, noun: str) -> str:
    return f"{many(number)} {noun}{'' if number == 1 else 's'}"
