"""`outrider why`: why a car's trigger fired, or why it was silent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fleet.why import Answer, Moment

EXAMPLES = """
[bold]Examples[/bold]

outrider why runs/rainy_city-7-1 --car 417 --trigger shadow_surprise --at 08:13:07

outrider why runs/rainy_city-7-1 --car 417 --trigger hard_braking

outrider why runs/rainy_city-7-1 --car 417 --trigger hard_braking --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", epilog=EXAMPLES)(why)


def why(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    car: Annotated[int, typer.Option(help="Which car, counted from 0.")],
    trigger: Annotated[str, typer.Option(help="Which of its triggers.")],
    at: Annotated[
        str | None, typer.Option(metavar="HH:MM:SS", help="Which moment. [dim]Default: the whole run[/dim]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Explain why a car's trigger fired or was silent: drive the car again and show what decided."""
    from dataclasses import asdict

    from fleet import logs
    from fleet.cli.output import console, print_json

    logs.configure()
    at_us = _time_us(at)
    console().print(f"driving car {car} again …")

    from fleet.why import Rerun, moment_of, summary_of

    again = Rerun(run)
    answer = summary_of(again, car, trigger) if at_us is None else moment_of(again, car, trigger, at_us)
    if as_json:
        print_json({"run": str(run), "car": car, "trigger": trigger, **_plain(asdict(answer))})
        return
    from rich.console import Console

    for line in _summary_lines(answer) if at_us is None else _moment_lines(answer):  # type: ignore[arg-type]
        Console(soft_wrap=True).print(line, markup=False, highlight=False)


def _time_us(at: str | None) -> int | None:
    from fleet.plan import clock_us

    if at is None:
        return None
    try:
        return int(clock_us(at))
    except ValueError as error:
        raise typer.BadParameter(f"{at!r} is no time of day: {error}", param_hint="--at") from None


def _summary_lines(answer: "Answer") -> list[str]:
    from fleet.plan import show_clock

    if answer.first_us is None or answer.last_us is None:
        return ["the car never drives in this run"]
    lines = [f"{answer.looks:,} looks from {show_clock(answer.first_us)} to {show_clock(answer.last_us)}"]
    lines += [f"  {reason:<12} {count:>8,}" for reason, count in answer.reasons.items()]
    for moment in answer.fires:
        lines.append(f"fired at {show_clock(moment.t_us)}: {moment.fate.told if moment.fate else ''}")
    if answer.nearest:
        lines.append("nearest to a fire:")
        lines += [f"  {show_clock(each.t_us)} {each.reason}: {each.told}; {_values(each)}" for each in answer.nearest]
    return lines


def _moment_lines(moment: "Moment") -> list[str]:
    from fleet.plan import show_clock

    seen = moment.seen
    lines = [f"{show_clock(moment.t_us)} {moment.reason}: {moment.told}"]
    for title, parts in (("when", seen.when), ("condition", seen.score_of)):
        lines += [f"  {title}: {part.text} = {_shown(part.value, part.unit)}" for part in parts]
    if seen.graded:
        lines.append(f"  score {_shown(seen.score)}, threshold {seen.threshold:g}, hysteresis {seen.hysteresis:g}")
    active = "not active" if seen.active_s is None else f"active for {seen.active_s:g} s"
    lines.append(f"  {seen.edge} edge: {active}; dwell {seen.dwell_s:g} s, {seen.dwell_left_s:g} s missing")
    lines.append(f"  cooldown {seen.cooldown_s:g} s, {seen.cooldown_left_s:g} s left")
    most = "no limit" if seen.per_car_day is None else f"of {seen.per_car_day}"
    lines.append(f"  fires today: {seen.fires_today} {most}")
    return lines + ([f"  clip {moment.fate.clip or ''}: {moment.fate.told}"] if moment.fate else [])


def _values(moment: "Moment") -> str:
    return ", ".join(f"{name} = {_shown(part.value, part.unit)}" for name, part in moment.seen.signals.items())


def _shown(value: float | bool | None, unit: str = "") -> str:
    if value is None:
        return "undefined"
    shown = str(value).lower() if isinstance(value, bool) else f"{value:.5g}"
    return f"{shown} {unit}".strip() if unit != "1" else shown


def _plain(value: Any) -> Any:
    """Infinities as null: JSON has none."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
