"""`outrider replay`: repeat a run and compare it, barrier by barrier."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
[bold]Examples[/bold]

outrider replay runs/rainy_city-7-1
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", epilog=EPILOG)(replay)


def replay(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every event.")] = False,
) -> None:
    """Repeat a run from its plan and log; the same digest, or exit code 1 and the first difference."""
    from dataclasses import asdict

    from fleet import logs
    from fleet.cli.output import RunProgress, console, print_json
    from fleet.simulation.run_folder import RunFolder

    logs.configure(verbose=verbose)
    plan = RunFolder(run).plan

    from fleet.simulation import run as runs  # after the folder: a typing error should not wait for torch

    with RunProgress(plan) as progress:
        summary = runs.replay(run, runs.Setting(watch=progress))
    console().print(f"the same: {summary.clips_kept:,} clips, digest {summary.digest}")
    if as_json:
        print_json({**asdict(summary), "same": True})
