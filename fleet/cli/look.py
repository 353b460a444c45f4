"""`outrider report`, `tables`, `sql`, `clips`, `clip`, `shadow`: looking at what a run came to."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fleet.cli.output import print_json, print_table

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or the store of a collection server.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else there.")
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most so many rows; 0 for all.")]


EXAMPLES = {
    "report": ("report runs/rainy_city-7-1", "report runs/rainy_city-7-1 --store store"),
    "tables": ("tables runs/rainy_city-7-1", "tables runs/rainy_city-7-1 fires"),
    "sql": (
        'sql runs/rainy_city-7-1 "SELECT trigger, count(*) FROM fires GROUP BY 1"',
        "sql runs/rainy_city-7-1 'SELECT car, max(\"Vehicle.Speed\") FROM signals GROUP BY 1' --json",
    ),
    "clips": (
        "clips runs/rainy_city-7-1",
        "clips runs/rainy_city-7-1 --trigger caution_light --slice night --limit 10",
    ),
    "clip": ("clip runs/rainy_city-7-1 000417-0668310 --png clip.png",),
    "shadow": ("shadow runs/rainy_city-7-1", "shadow runs/rainy_city-7-1 --json"),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (report, tables, sql, clips, clip, shadow):
        examples = "\n\n".join(f"outrider {example}" for example in EXAMPLES[command.__name__])
        app.command(command.__name__, epilog=f"[bold]Examples[/bold]\n\n{examples}")(command)


def report(
    run: RunFolder,
    store: Annotated[
        Path | None, typer.Option(help="Where the collection server kept tables and clips, if elsewhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page about a run: report.html in its folder."""
    from fleet.report import write_report

    page = write_report(run, store)
    if as_json:
        print_json({"run": str(run), "report": str(page), "bytes": page.stat().st_size})
    else:
        _say(f"report: {page}")


def tables(
    run: RunFolder,
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Only this table, column by column.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the tables of a run, or the columns of one."""
    from fleet.report import describe, open_folder

    found = describe(open_folder(run), table)
    if as_json:
        print_json({"run": str(run), "tables": found})
    elif table is None:
        print_table(("table", "rows", "a row is"), [(name, one["rows"], one["says"]) for name, one in found.items()])
    else:
        rows = [(one["name"], one["type"], one["unit"], one["says"]) for one in found[table]["columns"]]
        print_table(("column", "type", "unit", "is"), rows)


def sql(
    run: RunFolder,
    query: Annotated[str, typer.Argument(metavar='"SELECT …"', help="DuckDB SQL over the tables of the run.")],
    limit: Limit = 1000,
    as_json: AsJson = False,
) -> None:
    """Ask the tables of a run a question in SQL."""
    from fleet.report import ask, open_folder

    answer = ask(open_folder(run), query, limit=limit)
    if as_json:
        print_json({"run": str(run), "columns": answer.columns, "rows": answer.rows, "more": answer.more})
    else:
        print_table(answer.columns, answer.rows)
        _say_more(answer.more, limit)


def clips(
    run: RunFolder,
    trigger: Annotated[str | None, typer.Option(help="Only clips of this trigger.")] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Only clips from this part of the world, such as fog.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the clips that the collection server keeps, best score first."""
    from fleet.report import find_clips, open_folder

    found = find_clips(open_folder(run), trigger=trigger, where=slice_, limit=limit)
    if as_json:
        print_json({"run": str(run), "clips": found.records(), "more": found.more})
        return
    heads = ("clip", "trigger", "score", "car", "time", "pictures", "bytes", "slices")
    print_table(heads, [_clip_cells(row) for row in found.records()], whole={"clip", "trigger"})
    _say_more(found.more, limit)


def clip(
    run: RunFolder,
    clip_id: Annotated[str, typer.Argument(metavar="ID", help="The clip's id, or as much of it as is unique.")],
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write its pictures as one PNG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at one clip: a row of pictures per camera, the tick of the fire framed."""
    from fleet.report import find_clip, open_folder, read_pictures, sheet
    from fleet.report.maps import is_map, legend_of
    from fleet.saving import save

    row, file = find_clip(open_folder(run), clip_id)
    pictures = read_pictures(file)
    if png is not None:
        save(sheet(pictures, row["t_us"]), png)
    if as_json:
        print_json({**row, "mcap": str(file), "png": str(png) if png else None})
        return
    print_table(("", ""), [*((name, value) for name, value in row.items()), ("mcap", file)])
    _say(f"pictures: {png}" if png else f"{len(pictures)} pictures; --png FILE writes them")
    if above := {picture.camera: picture.encoded for picture in pictures if is_map(picture.encoded)}:
        colours = ", ".join(f"{name} {colour}" for name, colour in legend_of(next(iter(above.values()))))
        _say(f"seen from above by {', '.join(above)}, what is ahead on top: {colours}")


def shadow(run: RunFolder, as_json: AsJson = False) -> None:
    """Compare candidates with production: disagreement by task and by slice of the world."""
    from fleet.report import compare_shadows, open_folder

    rows = compare_shadows(open_folder(run))
    if as_json:
        print_json({"run": str(run), "shadow": rows})
    elif not rows:
        _say("no candidate rode along in this run")
    else:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])


def _clip_cells(row: dict[str, Any]) -> tuple[Any, ...]:
    from fleet.plan import show_clock

    return (
        *(row[name] for name in ("clip", "trigger", "score", "car")),
        show_clock(row["t_us"]),
        *(row[name] for name in ("frames", "bytes")),
        ", ".join(row["slices"]),
    )


def _say(line: str) -> None:
    Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _say_more(more: bool, limit: int) -> None:
    if more:
        _say(f"… there are more than {limit} rows; --limit 0 shows all")
