"""`outrider serve`: the collection server, on its own, and how one is that runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli import collecting
from fleet.cli.store import GIGABYTE, KeepDays, KeepGb, weight

if TYPE_CHECKING:
    from telemetry import Status

EPILOG = """
[bold]Examples[/bold]

outrider keys init keys && outrider keys enrol keys garage --cars all --out garage.key

outrider serve --store store --keys keys --bind tcp://0.0.0.0:5757 --metrics-port 9100

outrider serve --store store --keys keys --publish s3://fleet/store --keep-days 30 --keep-gb 200

outrider serve --store store --plain [dim]# plain text, on this machine only[/dim]

outrider serve status --store store
"""
STATUS_EPILOG = """
[bold]Examples[/bold]

outrider serve status --store store

outrider serve status --store store --json [dim]# exit code 1 where it is not healthy: a health check[/dim]
"""
MEGABYTE = 1_000_000

Store = Annotated[Path, typer.Option(help="The folder that keeps inbox, tables and clips.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the command and what belongs to it."""
    group = typer.Typer(rich_markup_mode="rich", invoke_without_command=True, subcommand_metavar="[status]")
    group.callback(epilog=EPILOG)(serve)
    group.command("status", epilog=STATUS_EPILOG)(status)
    app.add_typer(group, name="serve")


def serve(
    context: typer.Context,
    *,
    store: Store | None = None,
    bind: Annotated[str, typer.Option(help="Where to listen; port 0 takes any free one.")] = "tcp://127.0.0.1:5757",
    keys: Annotated[Path | None, typer.Option(help="Who may connect: a folder of `outrider keys`.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="No keys, no encryption; loopback only.")] = False,
    car_mb: Annotated[float | None, typer.Option(min=0.001, help="Megabytes a car may send a day.")] = None,
    fleet_mb: Annotated[float | None, typer.Option(min=0.001, help="Megabytes all may send a day.")] = None,
    publish: Annotated[
        str | None, typer.Option(metavar="URL", help="Tables and clips go to this s3://BUCKET/PREFIX, or folder.")
    ] = None,
    keep_days: KeepDays = None,
    keep_gb: KeepGb = None,
    metrics_port: Annotated[int | None, typer.Option(help="Counters for Prometheus on this port.")] = None,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every event.")] = False,
) -> None:
    """Collect clips and rows until interrupted; what is acknowledged is on disk."""
    if context.invoked_subcommand:
        return
    if store is None:
        raise typer.BadParameter("needed, and it is not there", param_hint="--store")
    if plain == (keys is not None):
        raise typer.BadParameter("say one: --keys DIR (`outrider keys init DIR` makes it), or --plain on this machine")
    collecting.begin(
        collecting.Words(
            store=str(store),
            bind=bind,
            keys=str(keys) if keys else None,
            car_bytes=round(car_mb * MEGABYTE) if car_mb else None,
            fleet_bytes=round(fleet_mb * MEGABYTE) if fleet_mb else None,
            publish=publish or "",
            keep_days=keep_days,
            keep_bytes=round(keep_gb * GIGABYTE) if keep_gb else None,
            metrics_port=metrics_port,
            as_json=as_json,
            verbose=verbose,
        )
    )


def status(*, store: Store, as_json: AsJson = False) -> None:
    """How the server of a store is: connections, rate, lag, disk, what was refused and why."""
    from fleet.cli.output import print_json, print_table
    from telemetry import status_of

    found = status_of(store)
    if as_json:
        print_json(found.facts())
    else:
        print_table(["", ""], _rows(found))
    if not found.healthy:
        raise typer.Exit(1)


def _rows(found: "Status") -> list[tuple[str, str]]:
    how = "healthy" if found.healthy else found.closed or ("silent" if found.alive else "not running")
    return [
        ("state", f"{how}, heard of {found.age_s:.0f} s ago (process {found.pid})"),
        ("listens on", found.endpoint),
        ("connections", f"{found.connected:,}"),
        ("acknowledged", f"{found.acknowledged:,}, {found.messages_per_s:,.0f} a second lately"),
        ("unheard", f"{found.unheard:,} connections that ended before a message came"),
        ("lag", f"{found.lag:,} messages on disk and not yet in the tables, the oldest for {found.behind_s:.0f} s"),
        ("tables", _compaction(found)),
        ("retention", _retention(found)),
        ("came twice", f"{found.duplicates:,}"),
        ("dropped", f"{found.malformed:,} that were no message"),
        ("refused", ", ".join(f"{code} {number:,}" for code, number in sorted(found.refused.items())) or "nothing"),
        ("disk", f"{found.disk_free_bytes / 1e9:,.1f} GB free of {found.disk_bytes / 1e9:,.1f}"),
    ]


def _compaction(found: "Status") -> str:
    last = f"; it had to wait before: {found.waited}" if found.waited else ""
    return f"{found.storage}: " + (f"waiting: {found.waits}" if found.waits else f"as they should{last}")


def _retention(found: "Status") -> str:
    if found.trimmed is None:
        return "nothing was let go since the server began"
    gone, kept = weight(found.trimmed.nbytes), weight(found.trimmed.kept_bytes)
    return f"at {found.trimmed.at}: {found.trimmed.clips:,} clips, {gone} went, {kept} stay"
