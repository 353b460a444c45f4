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

outrider bench bev --out runs/bev

outrider bench faults soak --quick

outrider bench --json > bench.json
"""
FOLDER = Path(__file__).parents[2] / "benchmarks"
WITH_QUICK, WITH_OUT = ("bev", "faults", "fuzz_coverage", "soak"), ("bev",)  # benchmarks that know --quick, and --out
LONG = (  # only where they are named
    "exam_truth", "faults", "fuzz_coverage", "fuzz_expressions", "fuzz_packages", "fuzz_wire", "soak",
)  # fmt: skip
STUDIES = ("few_positives", "from_above", "sizing")  # scripts with questions and tables of their own


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", epilog=EXAMPLES)(bench)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Which. [dim]Default: all but {', '.join(LONG)}[/dim]")
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"Fewer of everything. [dim]{', '.join(WITH_QUICK)}[/dim]")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help=f"A folder for pictures and tables. [dim]{', '.join(WITH_OUT)}[/dim]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Measure speed and skill as ratios, each against a floor or a rival of the same run."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.measured import HEADS, row

    # A file beside the others called triggers.py would be what they import as our package of that name.
    known = {path.stem.removesuffix("_cost"): path for path in sorted(FOLDER.glob("*.py")) if path.stem not in STUDIES}
    wrong = [name for name in names or [] if name not in known]
    if wrong or not known:
        raise UnknownBenchmark(wrong[0] if wrong else "", list(known))
    figures: list[dict[str, Any]] = []
    for name in names or [name for name in known if name not in LONG]:
        console().print(f"measuring {name} …")
        options = ["--quick"] if quick and name in WITH_QUICK else []
        options += ["--out", str(out)] if out and name in WITH_OUT else []
        command = [sys.executable, str(known[name]), *options]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures += json.loads(done.stdout.splitlines()[-1])["figures"]
    if as_json:
        print_json({"figures": figures})
        return
    print_table(HEADS, [row(each) for each in figures])
