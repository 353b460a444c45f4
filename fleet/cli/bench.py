"""`outrider bench`: the benchmarks with their floors and rivals."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fleet.errors import UnknownBenchmark

EXAMPLES = """
[bold]Examples[/bold]

outrider bench tick

outrider bench --json > bench.json
"""
FOLDER = Path(__file__).parents[2] / "benchmarks"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", epilog=EXAMPLES)(bench)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which. [dim]Default: all[/dim]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Measure speed as ratios, each against a floor or a rival of the same run."""
    from rich.table import Table

    from fleet.cli.output import console, print_json

    known = sorted(path.stem for path in FOLDER.glob("*.py"))
    wrong = [name for name in names or [] if name not in known]
    if wrong or not known:
        raise UnknownBenchmark(wrong[0] if wrong else "", known)
    figures: list[dict[str, Any]] = []
    for name in names or known:
        console().print(f"measuring {name} …")
        done = subprocess.run(
            [sys.executable, str(FOLDER / f"{name}.py")], check=True, stdout=subprocess.PIPE, text=True
        )
        figures += json.loads(done.stdout.splitlines()[-1])["figures"]
    if as_json:
        print_json({"figures": figures})
        return
    table = Table("bench", "figure", "value", "target", "range", "runs", "against")
    for each in figures:
        target = "" if each["target"] is None else f"{each['target']:g}"
        span = f"{each['low']:g} to {each['high']:g}"
        table.add_row(
            each["bench"], each["figure"], f"{each['value']:g}", target, span, str(each["runs"]), each["floor_or_rival"]
        )
    console().print(table)
