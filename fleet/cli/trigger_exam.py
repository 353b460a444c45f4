"""`outrider trigger exam` and `budget`: what a trigger will do in a fleet, and how to keep it within bounds."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleet.exam.exam import Exam
    from triggers import estimate

EXAM = """
[bold]Examples[/bold]

outrider trigger exam caution_light --world mixed_fleet

outrider trigger exam caution_light --require "precision>=0.6, upload_mb_per_car_day<=4" --json

outrider trigger exam rules/mine.yaml --catches stop_sign_held --cars 100000 --out mine.html

outrider trigger exam caution_light --versus rules/caution_light_2.yaml

outrider trigger exam theirs --scores frames.parquet --threshold 0.7 --require "precision>=0.6"
"""
BUDGET = """
[bold]Examples[/bold]

outrider trigger budget caution_light --mb-per-car-day 4 --want 10000

outrider trigger budget rules/mine.yaml --catches stop_sign_held --mb-per-car-day 0.5 --cars 100000 --json
"""
EXIT = {"pass": 0, "fail": 1, "inconclusive": 3}

FilmsAt = Annotated[
    Path | None,
    typer.Option(
        "--film",
        help="Where films of dry runs are kept. [dim]Default: ~/.cache/outrider/films[/dim]",
        show_default=False,
    ),
]
NoFilm = Annotated[bool, typer.Option("--no-film", help="Paint the dry run and keep nothing of it.")]
FreshFilm = Annotated[
    bool, typer.Option("--fresh-film", help="Begin another film, of other driving, for nobody was examined on it yet.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that paint. [dim]Default: one a core[/dim]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def add(group: typer.Typer) -> None:
    """Add the commands to `outrider trigger`."""
    group.command("exam", epilog=EXAM)(exam)
    group.command("budget", epilog=BUDGET)(budget)


def exam(
    spec: Annotated[str, typer.Argument(help="A shipped trigger, or a YAML file.")],
    *,
    world: Annotated[str, typer.Option(help="Where: a drawn world that ships, or a YAML file.")] = "mixed_fleet",
    require: Annotated[
        str, typer.Option(help="What must hold, such as 'precision>=0.6, recall[night]>=0.3, fires_per_car_day<=2'.")
    ] = "",
    catches: Annotated[
        list[str] | None,
        typer.Option(help="An encounter it ought to fire at; repeatable. [dim]Default: what its name says[/dim]"),
    ] = None,
    cars: Annotated[int, typer.Option(min=1, help="Of the fleet that is forecast.")] = 1000,
    want: Annotated[int, typer.Option(min=1, help="Right fires to wait for.")] = 10_000,
    versus: Annotated[str, typer.Option(help="Another version, examined on the same encounters.")] = "",
    network: Annotated[str, typer.Option(help="What drives: a shipped name or a folder.")] = "hydranet-v1",
    shadow: Annotated[list[str] | None, typer.Option(help="A candidate that rides along; repeatable.")] = None,
    frames: Annotated[int, typer.Option(min=100, help="To paint for encounters.")] = 40_000,
    dry_run_frames: Annotated[int, typer.Option(min=100, help="To paint for the dry run.")] = 40_000,
    every_s: Annotated[float, typer.Option(min=0.1, max=10, help="Seconds between two looks of a car.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the world and of what is looked at.")] = 1,
    film: FilmsAt = None,
    no_film: NoFilm = False,
    fresh_film: FreshFilm = False,
    workers: Workers = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Instead of a world: labelled frames in Parquet (encounter, label, score …)."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="With --scores: from which a frame fires.")] = 0.5,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. [dim]Default: runs/exam-TRIGGER.html[/dim]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine a trigger at the fleet's true base rates; ends with 0 = pass, 1 = fail, 3 = inconclusive."""
    from fleet.cli.output import print_json

    if scores is not None:
        raise typer.Exit(_of_scores(spec, scores, threshold, require, as_json=as_json))
    from fleet.exam.crew import cores
    from fleet.exam.exam import Order, examine
    from fleet.exam.telling import told
    from fleet.report import write_exam

    order = Order(
        spec, world, seed, network, tuple(shadow or ()), tuple(catches or ()), frames, dry_run_frames, every_s, require,
        cars, want, versus, _films(film, no_film=no_film), fresh_film, workers or cores(),
    )  # fmt: skip
    found = examine(order, _Line())
    page = out or Path("runs") / f"exam-{found.spec.name}.html"
    write_exam(found, page)
    if as_json:
        print_json({**told(found), "page": str(page)})
    else:
        _show(found, page)
    raise typer.Exit(EXIT[found.verdict])


def budget(
    spec: Annotated[str, typer.Argument(help="A shipped trigger, or a YAML file.")],
    *,
    mb_per_car_day: Annotated[float, typer.Option(min=0, help="What a car may upload in a day, on average.")],
    want: Annotated[int, typer.Option(min=1, help="Right fires to collect, shared out among conditions.")] = 10_000,
    world: Annotated[str, typer.Option(help="Where: a drawn world that ships, or a YAML file.")] = "mixed_fleet",
    catches: Annotated[
        list[str] | None,
        typer.Option(help="An encounter it ought to fire at; repeatable. [dim]Default: what its name says[/dim]"),
    ] = None,
    cars: Annotated[int, typer.Option(min=1, help="Of the fleet.")] = 1000,
    network: Annotated[str, typer.Option(help="What drives: a shipped name or a folder.")] = "hydranet-v1",
    shadow: Annotated[list[str] | None, typer.Option(help="A candidate that rides along; repeatable.")] = None,
    frames: Annotated[int, typer.Option(min=100, help="To paint for encounters.")] = 40_000,
    dry_run_frames: Annotated[int, typer.Option(min=100, help="To paint for the dry run.")] = 40_000,
    every_s: Annotated[float, typer.Option(min=0.1, max=10, help="Seconds between two looks of a car.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the world and of what is looked at.")] = 1,
    film: FilmsAt = None,
    no_film: NoFilm = False,
    fresh_film: FreshFilm = False,
    workers: Workers = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. [dim]Default: runs/budget-TRIGGER.html[/dim]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the loosest threshold that keeps an upload budget but in one case of ten; ends with 1 where none does."""
    from fleet.cli.output import console, print_json
    from fleet.exam.budgeting import budget_of
    from fleet.exam.crew import cores
    from fleet.exam.exam import Order, examine
    from fleet.exam.telling import told_budget
    from fleet.report import write_budget

    order = Order(
        spec, world, seed, network, tuple(shadow or ()), tuple(catches or ()), frames, dry_run_frames, every_s, "",
        cars, want, "", _films(film, no_film=no_film), fresh_film, workers or cores(),
    )  # fmt: skip
    examined = examine(order, _Line())
    found = budget_of(examined, mb_per_car_day)
    page = out or Path("runs") / f"budget-{examined.spec.name}.html"
    write_budget(examined, found, page)
    told = told_budget(found)
    if as_json:
        print_json({"trigger": examined.spec.name, **told, "page": str(page)})
    elif found.chosen < 0:
        console().print(f"nothing keeps {mb_per_car_day:g} MB a car-day, not even the strictest threshold; page {page}")
    else:
        limit = "no daily limit" if found.per_car_day is None else f"{found.per_car_day} a car-day"
        console().print(
            f"threshold {told['threshold']:.3f}, cooldown {found.cooldown_s:.0f} s, {limit}: "
            f"{found.used:.0%} of the budget; page {page}"
        )
    raise typer.Exit(EXIT[told["verdict"]])


def _films(film: Path | None, *, no_film: bool) -> Path | None:
    from fleet.exam.films import default_films

    return None if no_film else film or default_films()


class _Line:
    """Says every few seconds what is being done, how far it is, and how long it still takes."""

    def __init__(self) -> None:
        from fleet.cli.output import LINE_EVERY_S, console

        self._console, self._every_s = console(), LINE_EVERY_S
        self._begun_s, self._said_s = time.monotonic(), -LINE_EVERY_S

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said_s < self._every_s:
            return
        self._said_s = now
        left = (total - done) * (now - self._begun_s) / done if done else None
        wait = f", {left / 60:.1f} min left" if left is not None else ""
        self._console.print(f"{doing}: {done:,} of {total:,} frames{wait}")


def _of_scores(name: str, file: Path, threshold: float, require: str, *, as_json: bool) -> int:
    """The exam of a user's own frames; the exit code."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.exam.own_data import examine_scores

    found = examine_scores(file, threshold=threshold, require=require)
    if as_json:
        print_json({"trigger": name, **found.told()})
        return EXIT[found.verdict]
    figures = found.figures
    rows = [("precision", *_numbers(figures.precision)), ("recall", *_numbers(figures.recall))]
    print_table(("figure", "estimate", "from", "to"), rows)
    for verdict in found.verdicts:
        console().print(f"{verdict.outcome}: {verdict.requirement} ({verdict.why})")
    console().print(f"{found.verdict}; {figures.encounters:,} encounters in {found.frames:,} frames")
    return EXIT[found.verdict]


def _show(found: "Exam", page: Path) -> None:
    from fleet.cli.output import console, print_table

    figures, guard = found.figures, found.guard
    rows = [
        ("fires a car-day", *_numbers(figures.fires)),
        ("MB a car-day", *_numbers(found.forecast.mb_per_car_day)),
        (f"hours to {found.forecast.wanted:,} right fires", *_numbers(found.forecast.first)),
    ]
    if found.aim.catches:
        rows[:0] = [("precision", *_numbers(figures.precision)), ("recall", *_numbers(figures.recall))]
    print_table(("figure", "estimate", "from", "to"), rows)
    say = console().print
    for verdict in found.verdicts:
        say(f"{verdict.outcome}: {verdict.requirement} ({verdict.why})")
    say(
        f"dry run: {guard.alerts} alerts in {guard.car_days:.1f} car-days, {guard.foretold:.1f} foretold; "
        f"precision is at least {guard.precision_low:.2f} whatever was missed"
    )
    if guard.alarm:
        say(f"alarm: {guard.alarm}")
    if not figures.resolved:
        say("precision holds for the modes of false fires that are known; a longer dry run vouches for the rest")
    if found.bill.film:
        say(
            f"{found.bill.shown:,} frames of the dry run came from film, each for {found.bill.share:.1%} of a painted "
            f"one; exam {found.bill.times} on it, of {found.bill.triggers} triggers"
        )
    painted, wall_s = int(found.cost["frames_painted"]), found.cost["wall_s"]
    say(f"{found.verdict}; {painted:,} frames painted in {wall_s:.0f} s; page {page}")


def _numbers(each: "estimate.Interval") -> tuple[float, float, float]:
    return each.estimate, each.low, each.high
