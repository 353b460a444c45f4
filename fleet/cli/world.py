"""`outrider world list`, `rates`, `preview`, `rig`: what worlds are, how rare things are in them, and how they look."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli import rigs

if TYPE_CHECKING:
    from fleet.report.preview import Preview

LIST = """
[bold]Examples[/bold]

outrider world list
"""
RATES = """
[bold]Examples[/bold]

outrider world rates

outrider world rates europe --json

outrider world rates --markdown > docs/base_rates.md
"""
PREVIEW = """
[bold]Examples[/bold]

outrider world preview rainy_city

outrider world preview rainy_city --only stop_sign --only no_entry --only rain --out stop_sign.html

outrider world preview my_world.yaml --plugins my_fleet
"""
SHORT = 60  # letters of a source, in a table

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    world = typer.Typer(help="Look at worlds: what they show, and how often.", no_args_is_help=True)
    world.command("list", epilog=LIST)(list_worlds)
    world.command("rates", epilog=RATES)(rates)
    world.command("preview", epilog=PREVIEW)(preview)
    rigs.register(world)
    app.add_typer(world, name="world")


def list_worlds(as_json: AsJson = False) -> None:
    """List the worlds that ship."""
    from fleet.cli.output import print_json, print_table
    from scenarios import worlds

    found = {name: spec.model_dump(mode="json") for name, spec in worlds().items()}
    if as_json:
        print_json({"worlds": found})
        return
    rows = [(name, _roads(said), said.get("region", ""), said["says"]) for name, said in found.items()]
    print_table(("world", "roads", "region", "is"), rows, whole={"world"})


def rates(
    region: Annotated[str, typer.Argument(metavar="[REGION]", help="Whose base rates: us, europe.")] = "us",
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page with the sources.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how often a car meets what, per kilometre driven, by road type; with sources."""
    from fleet.cli.output import print_json, print_table
    from scenarios import ROADS
    from scenarios import rates as table

    per_km, said = table.per_km(region), table.base_rates()
    if as_json:
        print_json(
            {
                "region": region,
                "per_km": {name: dict(zip(ROADS, row.tolist(), strict=True)) for name, row in per_km.items()},
                "sources": {name: said.rates[name].source for name in per_km},
            }
        )
    elif markdown:
        typer.echo(table.page(), nl=False)
    else:
        rows = [(name, *row.tolist(), _short(said.rates[name].source)) for name, row in per_km.items()]
        print_table(("per km", *ROADS, "source"), rows, whole={"per km"})


def preview(
    world: Annotated[str, typer.Argument(help="A drawn world that ships, or a YAML file.")],
    *,
    seed: Annotated[int, typer.Option(help="Of the world.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. [dim]Default: runs/WORLD-preview.html[/dim]")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Show only this encounter, place, condition or road; repeatable.")
    ] = None,
    plugins: Annotated[
        list[str] | None, typer.Option(metavar="MODULE", help="Import it first: it may add to the tables; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a page of pictures: every encounter, near miss, condition and road of a world."""
    from fleet.cli.output import console, print_json
    from fleet.plan_file import import_plugins

    import_plugins(plugins or ())
    from fleet.engine.preview import make_preview
    from fleet.report import write_preview

    page = out or Path("runs") / f"{Path(world).stem}-preview.html"
    made = make_preview(world, seed, only or (), _Line())
    write_preview(made, page)
    if as_json:
        print_json(_summary(made, page))
        return
    console().print(f"preview {page}")
    if made.missing:
        console().print(f"not found: {', '.join(made.missing)}")


class _Line:
    """Says every few seconds what is being looked for."""

    def __init__(self) -> None:
        import time

        from fleet.cli.output import LINE_EVERY_S, console

        self._clock, self._console, self._every_s = time.monotonic, console(), LINE_EVERY_S
        self._said_s = -LINE_EVERY_S

    def __call__(self, name: str, number: int, total: int) -> None:
        if self._clock() - self._said_s >= self._every_s:
            self._said_s = self._clock()
            self._console.print(f"{number + 1} of {total}: {name}")


def _summary(made: "Preview", page: Path) -> dict[str, Any]:
    sights = (*made.things, *made.conditions, *made.roads)
    return {
        "world": made.world,
        "seed": made.seed,
        "region": made.region,
        "page": str(page),
        "bytes": page.stat().st_size,
        "pictures": {each.name: len(each.shots) for each in sights},
        "missing": list(made.missing),
    }


def _roads(said: dict[str, Any]) -> str:
    shares = said.get("roads", {})
    return ", ".join(f"{road} {share:.0%}" for road, share in shares.items()) or "as recorded"


def _short(source: str) -> str:
    return source if len(source) <= SHORT else source[: SHORT - 1].rstrip() + "…"
