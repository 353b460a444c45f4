"""`outrider store`: what a collection server keeps, in a folder or in a bucket."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from telemetry import Limits, Trimmed

GIGABYTE = 1_000_000_000

Where = Annotated[str, typer.Argument(metavar="STORE", help="A folder, or s3://BUCKET/PREFIX.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
KeepDays = Annotated[int | None, typer.Option(min=0, help="Let go what came in longer ago.")]
KeepGb = Annotated[float | None, typer.Option(min=1e-6, help="Above so many gigabytes, let go the oldest.")]

EXAMPLES = {
    "sql": (
        'store sql s3://fleet/store "SELECT trigger, count(*) FROM fires GROUP BY 1"',
        'store sql store "SELECT received, count(*) FROM clips GROUP BY 1 ORDER BY 1" --json',
    ),
    "clips": ("store clips s3://fleet/store", "store clips s3://fleet/store \"trigger = 'caution_light'\" --out clips"),
    "trim": (
        "store trim store --keep-days 30 --keep-gb 200 --dry-run [dim]# what would go[/dim]",
        "store trim s3://fleet/store --keep-days 30",
        "store trim store --keep-gb 50 --at-once [dim]# the disk is full: without an hour's grace for readers[/dim]",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look into a collection server's store, and let go what is old.", no_args_is_help=True)
    for command in (sql, clips, trim):
        examples = "\n\n".join(f"outrider {example}" for example in EXAMPLES[command.__name__])
        group.command(command.__name__, epilog=f"[bold]Examples[/bold]\n\n{examples}")(command)
    app.add_typer(group, name="store", rich_help_panel=None)


def sql(
    store: Where,
    query: Annotated[str, typer.Argument(metavar='"SELECT …"', help="DuckDB SQL over the tables of the store.")],
    *,
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows; 0 for all.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Ask the tables of a store a question in SQL, wherever it lies; a bucket's credentials are in AWS_ variables."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.report import ask_database
    from telemetry import open_store

    with open_store(store) as opened:
        answer = ask_database(opened.db, query, limit=limit)
    if as_json:
        print_json({"store": store, "columns": answer.columns, "rows": answer.rows, "more": answer.more})
        return
    print_table(answer.columns, answer.rows)
    if answer.more:
        console().print(f"… there are more than {limit} rows; --limit 0 shows all")


def clips(
    store: Where,
    where: Annotated[str, typer.Argument(metavar="[CONDITION]", help="SQL about the table `clips`.")] = "true",
    *,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Fetch their MCAP files into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the clips of a store, and fetch them."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.report import ask_database
    from telemetry import open_store

    query = f"SELECT run, clip, trigger, score, car, bytes, received, file FROM clips WHERE {where} ORDER BY t_us, clip"  # noqa: S608 - the user's own
    with open_store(store) as opened:
        found = ask_database(opened.db, query)
        files = [row[-1] for row in found.rows]
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for number, file in enumerate(files, 1):
                console().print(f"{number} of {len(files)}: {file}")
                opened.fetch(file, out)
    if as_json:
        print_json({"store": store, "clips": found.records(), "out": str(out) if out else None})
    else:
        print_table(found.columns[:-1], [row[:-1] for row in found.rows], whole={"clip"})


def trim(
    store: Where,
    *,
    keep_days: KeepDays = None,
    keep_gb: KeepGb = None,
    labels: Annotated[bool, typer.Option("--labels", help="Let labels go with their days, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and touch nothing.")] = False,
    at_once: Annotated[bool, typer.Option("--at-once", help="Free the disk now: readers may miss a file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go the oldest days of a store, rows and clips; what is not yet in its tables stays, and so do labels.

    May run beside its server and readers: files leave an hour after their rows, with the next trim.
    """
    limits = limits_of(keep_days, keep_gb, labels=labels)
    if limits is None:
        raise typer.BadParameter("say what is to stay: --keep-days, --keep-gb or both", param_hint="--keep-days")
    from fleet.cli.output import console, print_json, print_table
    from telemetry import open_destination
    from telemetry import trim as let_go

    with console().status("looking at what there is"):
        done = let_go(open_destination(store), limits, grace_h=0 if at_once else 1, dry_run=dry_run)
    if as_json:
        print_json({"store": store, **done.facts()})
    else:
        print_table(["", ""], _rows(done))


def limits_of(keep_days: int | None, keep_gb: float | None, *, labels: bool = False) -> "Limits | None":
    """The limits that a command was given; None where it was given none."""
    from telemetry import Limits

    if keep_days is None and keep_gb is None:
        return None
    return Limits(days=keep_days, nbytes=round(keep_gb * GIGABYTE) if keep_gb else None, labels=labels)


def _rows(done: "Trimmed") -> list[tuple[str, str]]:
    went, gone = ("would go", "would leave the disk") if done.dry_run else ("gone", "left the disk")
    rows = ", ".join(f"{table} {number:,}" for table, number in done.rows.items())
    return [
        ("days", f"{went} up to {done.upto}" if done.upto else "all stay"),
        ("rows", f"{went}: {rows}" if rows else "all stay"),
        ("clips", f"{went}: {done.clips:,}"),
        ("weight", f"{went}: {weight(done.nbytes)}; kept: {weight(done.kept_bytes)}"),
        ("files", f"{gone}: {done.freed_files:,} clips, {weight(done.freed_bytes)}"),
    ]


def weight(nbytes: int) -> str:
    """Bytes as people say them."""
    return f"{nbytes / GIGABYTE:,.1f} GB" if nbytes >= GIGABYTE else f"{nbytes / 1e6:,.1f} MB"
