"""`outrider serve`: the collection server, on its own."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
[bold]Examples[/bold]

outrider serve --store store

outrider serve --store store --bind tcp://0.0.0.0:5757 --metrics-port 9100
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", epilog=EPILOG)(serve)


def serve(
    *,
    store: Annotated[Path, typer.Option(help="The folder that keeps inbox, tables and clips.")],
    bind: Annotated[str, typer.Option(help="Where to listen; port 0 takes any free one.")] = "tcp://127.0.0.1:5757",
    metrics_port: Annotated[int | None, typer.Option(help="Counters for Prometheus on this port.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print endpoint and store as one JSON object.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every event.")] = False,
) -> None:
    """Collect clips and rows until interrupted; what is acknowledged is on disk."""
    import telemetry
    from fleet import logs
    from fleet.cli.output import console, print_json

    logs.configure(verbose=verbose)

    def ready(endpoint: str) -> None:
        console().print(f"listening on {endpoint}, keeping things in {store}; Ctrl-C ends it")
        if as_json:
            print_json({"endpoint": endpoint, "store": str(store)})

    telemetry.serve(store, bind, ready=ready, metrics_port=metrics_port)
