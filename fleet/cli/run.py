"""`outrider run`: simulate a plan into a run folder, or go on with an interrupted one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleet.plan import RunPlan
    from fleet.simulation.run import Setting, Summary

RUNS = Path("runs")
EVENTS = {"take": "package taken:", "refuse": "package refused by every car:", "suspend": "trigger suspended:"}
EPILOG = """
[bold]Examples[/bold]

outrider run rainy_city

outrider run rainy_city --set cars=200 --set duration=30s --out runs/try

outrider run my_plan.yaml --server tcp://collector:5757 --key garage.key --shards 2

outrider run rainy_city --resume
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=EPILOG)(run)


def run(
    plan: Annotated[str, typer.Argument(help="A plan that ships (rainy_city, recorded) or a YAML file.")],
    *,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the plan; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run folder. [dim]Default: runs/<plan>-<seed>-<n>[/dim]")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="`embedded` (so it is by default), or the endpoint of one that runs: tcp://…"),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key file to be let in with, from `outrider keys enrol`.")
    ] = None,
    shards: Annotated[int | None, typer.Option(min=1, help="Worker processes.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run from its last barrier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every event.")] = False,
) -> None:
    """Simulate a plan; ends with a report."""
    from fleet import logs
    from fleet.cli.output import console
    from fleet.plan_file import load_plan
    from fleet.simulation.run_folder import interrupted, next_free, refuse_used

    logs.configure(verbose=verbose)
    if out and not resume:
        refuse_used(out)
    asked = load_plan(plan, overrides or ())
    asked = asked.model_copy(update={"shards": shards or asked.shards})
    path = out or (interrupted(RUNS, asked) if resume else next_free(RUNS, asked))
    try:
        summary = _simulate(asked, path, _setting(server, key, device), resume=resume)
    except KeyboardInterrupt:
        again = f"outrider run {path / 'plan.yaml'} --resume --out {path}"
        console().print(f"interrupted; what was done is kept. Go on with: [bold]{again}[/bold]")
        raise typer.Exit(130) from None
    _conclude(path, summary, as_json=as_json)


def _setting(server: str | None, key: Path | None, device: str) -> "Setting":
    from fleet.simulation.run import Setting
    from telemetry import KeyFile

    return Setting(server=server, key=KeyFile.read(key) if key else None, device=device)


def _simulate(plan: "RunPlan", path: Path, setting: "Setting", *, resume: bool) -> "Summary":
    """Start or go on, with a line that says how far it is."""
    from dataclasses import replace

    from fleet.cli.output import RunProgress
    from fleet.simulation import run as runs
    from fleet.simulation.run_folder import RunFolder

    with RunProgress(plan) as progress:
        setting = replace(setting, watch=progress)
        if resume:
            RunFolder(path).refuse_other_plan(plan)
            return runs.resume(path, setting)
        return runs.start(plan, path, setting)


def _conclude(path: Path, summary: "Summary", *, as_json: bool) -> None:
    """Write the report and say what the run came to."""
    from dataclasses import asdict

    from fleet.cli.output import console, print_json
    from fleet.report import write_report

    report = write_report(path)
    for action, reason in summary.events:
        console().print(f"{EVENTS[action]} {reason}")
    console().print(
        f"{summary.cars:,} cars, {summary.car_ticks:,} car-ticks, {summary.fires:,} fires, "
        f"{summary.clips_kept:,} clips kept in {summary.wall_s:,.1f} s ({summary.real_time_factor:.2f}x real time)\n"
        f"digest {summary.digest}\nrun    {path}\nreport {report}"
    )
    if as_json:
        print_json({**asdict(summary), "report": str(report)})
