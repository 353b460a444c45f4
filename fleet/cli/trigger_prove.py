"""`outrider trigger prove`: every published rule against what must fire it and what must not."""

from pathlib import Path
from typing import Annotated

import typer

PROVE = """
[bold]Examples[/bold]

outrider trigger prove --out proving.html

outrider trigger prove lead_cuts_in_or_out tunnel_passage --passages 4

outrider trigger prove --network runs/hydranet-mine --json
"""


def add(group: typer.Typer) -> None:
    """Add the command to `outrider trigger`."""
    group.command("prove", epilog=PROVE)(prove)


def prove(
    rules: Annotated[list[str] | None, typer.Argument(help="Names of published rules. [dim]Default: all[/dim]")] = None,
    *,
    network: Annotated[str, typer.Option(help="Which network drives: a shipped name or a folder.")] = "hydranet-v1",
    passages: Annotated[int, typer.Option(min=1, max=500, help="How often each situation is met.")] = 12,
    seed: Annotated[int, typer.Option(help="Of the worlds that it is driven in.")] = 12,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("proving.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Drive the published rules past what must fire them and past near misses; writes a page with pictures."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.proving.page import page_of, told
    from fleet.proving.prove import library_rules, prove
    from fleet.report.proving import write_proving
    from vehicle import load_network

    specs, texts = library_rules(rules or ())
    said = console()
    proven = prove(
        list(specs.values()), load_network(network), passages=passages, seed=seed,
        watch=lambda name, i, of: said.print(f"{i + 1} of {of}: {name}"),
    )  # fmt: skip
    write_proving(page_of(proven, specs, texts), out)
    found = told(proven)
    if as_json:
        print_json({**found, "page": str(out)})
        return
    rows = [
        (
            name,
            *(
                ", ".join(f"{each} {row['fired']}/{row['of']}" for each, row in of[side].items())
                for side in ("fires_on", "silent_on")
            ),
        )
        for name, of in found["rules"].items()
    ]
    print_table(("rule", "must fire on", "must not fire on"), rows, whole={"rule"})
    said.print(f"page: {out}")
