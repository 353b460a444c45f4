"""`outrider trigger exam` and `budget`: what a trigger will do in a fleet, and how to keep it within bounds."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli.exam_options import Options, with_options

if TYPE_CHECKING:
    from fleet.exam.budgeting import Budget
    from fleet.exam.changes import Versus
    from fleet.exam.exam import Exam, Order
    from fleet.exam.own_exam import OwnExam
    from triggers import estimate

EXAM = """
[bold]Examples[/bold]

outrider trigger exam caution_light --world mixed_fleet

outrider trigger exam caution_light --require "precision>=0.6, upload_mb_per_car_day<=4" --json

outrider trigger exam rules/mine.yaml --catches stop_sign_held --cars 100000 --out mine.html

outrider trigger exam caution_light --versus rules/caution_light_2.yaml

outrider trigger exam caution_light --clips runs/rainy_city-7-1/clips --labels said.csv

outrider trigger exam rules/caution_light_2.yaml --clips clips --labels said.csv --versus caution_light

outrider trigger exam theirs --scores frames.parquet --threshold 0.7 --slice-by road --require "precision>=0.6"

outrider trigger exam new --scores new.parquet --versus old.parquet --require "recall_change>=-0.02"
"""
BUDGET = """
[bold]Examples[/bold]

outrider trigger budget caution_light --mb-per-car-day 4 --want 10000

outrider trigger budget caution_light --mb-per-car-day 2 --quota "night=30%, rain=20%"

outrider trigger budget rules/mine.yaml --catches stop_sign_held --mb-per-car-day 0.5 --cars 100000 --json
"""
EXIT = {"pass": 0, "fail": 1, "inconclusive": 3}

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def add(group: typer.Typer) -> None:
    """Add the commands to `outrider trigger`."""
    group.command("exam", epilog=EXAM)(exam)
    group.command("budget", epilog=BUDGET)(budget)


@with_options
def exam(
    spec: Annotated[str, typer.Argument(help="A shipped trigger, or a YAML file.")],
    *,
    options: Options,
    require: Annotated[
        str,
        typer.Option(help=r"What must hold, such as 'precision>=0.6, recall\[night]>=0.3, upload_mb_per_car_day<=2'."),
    ] = "",
    versus: Annotated[
        str,
        typer.Option(help="Another version, examined on the same encounters; with --scores, the file of its frames."),
    ] = "",
    clips: Annotated[
        Path | None, typer.Option(help="Instead of a world: a folder of recorded clips (MCAP) to run it over.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="With --clips: CSV or Parquet (clip, label), or a run with a table of them.")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Instead of a world: your own labelled frames, CSV or Parquet (encounter, label, score)."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="With --scores: from which a frame fires.")] = 0.5,
    versus_threshold: Annotated[
        float | None,
        typer.Option(
            help="With --scores and --versus: from which a frame of the other fires. [dim]Default: --threshold[/dim]"
        ),
    ] = None,
    slice_by: Annotated[
        list[str] | None, typer.Option(help="With --clips or --scores: a column to slice by; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. [dim]Default: runs/exam-TRIGGER.html[/dim]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine a trigger at the fleet's true base rates; ends with 0 = pass, 1 = fail, 3 = inconclusive."""
    from fleet.cli.output import print_json

    place = _own_place(spec, clips, labels, scores, slice_by or [])
    _refuse_versus(versus, versus_threshold, scores)
    if place is not None:
        asked = {"require": require, "slice_by": tuple(slice_by or ()), "cars": options.cars, "wanted": options.want}
        least = {"threshold": threshold, "versus_threshold": versus_threshold}
        own = _examine_own(spec, options, place, labels, versus, least, asked)
        raise typer.Exit(_show_own(own, out or Path("runs") / f"exam-{own.trigger}.html", as_json=as_json))
    from fleet.exam.telling import told
    from fleet.report import write_exam

    _make_room(out)
    found = _examined(options.order(spec, require=require, versus=versus))
    page = out or Path("runs") / f"exam-{found.spec.name}.html"
    write_exam(found, page)
    if as_json:
        print_json({**told(found), "page": str(page)})
    else:
        _show(found, page)
    raise typer.Exit(EXIT[found.verdict])


@with_options
def budget(
    spec: Annotated[str, typer.Argument(help="A shipped trigger, or a YAML file.")],
    *,
    options: Options,
    mb_per_car_day: Annotated[float, typer.Option(min=0, help="What a car may upload in a day, on average.")],
    quota: Annotated[
        str,
        typer.Option(
            help="Shares of the wanted fires, such as 'night=30%, rain=20%'. [dim]Default: shared out evenly[/dim]"
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. [dim]Default: runs/budget-TRIGGER.html[/dim]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the loosest threshold that keeps an upload budget but in one case of ten; ends with 1 where none does."""
    from fleet.cli.output import print_json
    from fleet.exam.budgeting import budget_of, read_quotas
    from fleet.exam.telling import told_budget
    from fleet.report import write_budget

    shares = read_quotas(quota, _slices() if quota else ())
    _make_room(out)
    examined = _examined(options.order(spec))
    found = budget_of(examined, mb_per_car_day, shares)
    page = out or Path("runs") / f"budget-{examined.spec.name}.html"
    write_budget(examined, found, page)
    told = told_budget(found)
    if as_json:
        print_json({"trigger": examined.spec.name, **told, "page": str(page)})
    else:
        _show_budget(found, page)
    raise typer.Exit(EXIT[told["verdict"]])


def _slices() -> tuple[str, ...]:
    from scenarios import SLICES

    return tuple(SLICES)


def _make_room(page: Path | None) -> None:
    """Refuse a page that cannot be written before anything is painted. Raises CannotWrite."""
    from fleet.errors import CannotWrite

    try:
        if page is not None:
            page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(page or Path(), error) from error


def _show_budget(found: "Budget", page: Path) -> None:
    from fleet.cli.output import console

    most = f"{found.purse.mb_per_car_day:g} MB a car-day"
    if found.chosen < 0:
        console().print(f"nothing keeps {most}, not even the strictest threshold; page {page}")
        return
    limit = "no daily limit" if found.per_car_day is None else f"{found.per_car_day} a car-day"
    console().print(
        f"threshold {found.offers[found.chosen].threshold:.3f}, cooldown {found.cooldown_s:.0f} s, {limit}: "
        f"{found.used:.0%} of {most}; page {page}"
    )
    for name, each in found.quotas.items():
        console().print(f"{name}: {each.count:,} right fires in {each.hours.estimate:,.0f} h")


def _examined(order: "Order") -> "Exam":
    """Examine, and say how far it is."""
    from fleet import logs
    from fleet.cli.output import console
    from fleet.exam.exam import examine

    logs.configure()  # else they go to standard output, which belongs to --json
    try:
        return examine(order, _Line())
    except KeyboardInterrupt:
        console().print("interrupted; what is on film is kept, and the same command goes on from there")
        raise typer.Exit(130) from None


class _Line:
    """Says every few seconds what is being done, how far it is, and how long it still takes."""

    def __init__(self, of: str = "frames") -> None:
        from fleet.cli.output import LINE_EVERY_S, console

        self._of = of

        self._console, self._every_s = console(), LINE_EVERY_S
        self._begun_s, self._said_s = time.monotonic(), -LINE_EVERY_S

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said_s < self._every_s:
            return
        self._said_s = now
        left = (total - done) * (now - self._begun_s) / done if done else None
        wait = f", {left / 60:.1f} min left" if left is not None else ""
        self._console.print(f"{doing}: {done:,} of {total:,} {self._of}{wait}")


def _own_place(
    spec: str, clips: Path | None, labels: Path | None, scores: Path | None, slice_by: list[str]
) -> Path | None:
    """Where a user's own encounters are; None for a world's. Refuses options that do not go together."""
    if clips and scores:
        raise typer.BadParameter("one of --clips and --scores, not both")
    if bool(clips) != bool(labels):
        lacks = "--labels: what was said of the clips" if clips else "--clips: the folder that the labels are of"
        raise typer.BadParameter(f"it needs {lacks}")
    if slice_by and not (clips or scores):
        raise typer.BadParameter(
            "a world has its own slices; columns are of --clips or --scores", param_hint="--slice-by"
        )
    if scores and "/" in spec:
        raise typer.BadParameter(
            f"with --scores this is only a name for the page, and it is {spec!r}", param_hint="SPEC"
        )
    return clips or scores


def _refuse_versus(versus: str, threshold: float | None, scores: Path | None) -> None:
    """Where the other version is not what it must be; threshold: of the other."""
    if threshold is not None and not (versus and scores):
        raise typer.BadParameter("it is of the other file of scores", param_hint="--versus-threshold")
    kind = Path(versus).suffix.lower()
    if scores and kind in (".yaml", ".yml"):
        raise typer.BadParameter(
            f"with --scores the other version is a file of scores, too, and this is {versus!r}; triggers are compared "
            "on recorded clips by --clips and --labels", param_hint="--versus",
        )  # fmt: skip
    if versus and not scores and kind in (".parquet", ".csv"):
        raise typer.BadParameter(
            f"{versus!r} is a file of scores, and they are compared with --scores", param_hint="--versus"
        )


def _examine_own(
    spec: str, options: Options, place: Path, labels: Path | None, versus: str, least: dict[str, Any],
    asked: dict[str, Any],
) -> "OwnExam":  # fmt: skip
    if labels is None:
        from fleet.exam.own_exam import ScoreOrder, examine_scores

        return examine_scores(
            ScoreOrder(place, trigger=spec, versus=Path(versus) if versus else None, **least, **asked)
        )
    from fleet.exam.own_clips import ClipOrder, examine_clips

    order = ClipOrder(spec, place, labels, options.network, tuple(options.shadow or ()), versus, **asked)
    return examine_clips(order, _Line("clips"))


def _show_own(found: "OwnExam", page: Path, *, as_json: bool) -> int:
    """Page, and words or JSON; the exit code."""
    from fleet.cli.output import console, print_json, print_table
    from fleet.exam.own_exam import told_own
    from fleet.report import write_own_exam

    write_own_exam(found, page)
    if as_json:
        print_json({**told_own(found), "page": str(page)})
        return EXIT[found.verdict]
    figures = found.figures
    rows = [("precision", *_numbers(figures.precision)), ("recall", *_numbers(figures.recall))]
    print_table(("figure", "estimate", "from", "to"), [*rows, *_changes(found.versus, found.compared)])
    for verdict in found.verdicts:
        console().print(f"{verdict.outcome}: {verdict.requirement} ({verdict.why})", markup=False)
    for remark in (*found.remarks, *([found.doubt] if found.doubt else [])):
        console().print(remark)
    counted = f"{figures.encounters:,} encounters in {found.own.frames:,} rows"
    console().print(f"{found.verdict}; {counted}; page {page}")
    return EXIT[found.verdict]


def _show(found: "Exam", page: Path) -> None:
    from fleet.cli.output import console, print_table
    from triggers import estimate

    figures, guard = found.figures, found.guard
    rows = [
        ("fires a car-day", *_numbers(figures.fires)),
        ("MB a car-day", *_numbers(found.forecast.mb_per_car_day)),
    ]
    if not found.forecast.never:
        rows.append((f"hours to {found.forecast.wanted:,} right fires", *_numbers(found.forecast.first)))
    if found.aim.catches:
        rows[:0] = [("precision", *_numbers(figures.precision)), ("recall", *_numbers(figures.recall))]
    print_table(("figure", "estimate", "from", "to"), [*rows, *_changes(found.versus, estimate.NAMES)])
    say = console().print
    if found.forecast.never:
        say(f"{found.forecast.wanted:,} right fires never come: {found.forecast.never}")
    for verdict in found.verdicts:
        say(f"{verdict.outcome}: {verdict.requirement} ({verdict.why})", markup=False)
    say(
        f"dry run: {guard.alerts} alerts in {guard.car_days:.1f} car-days, {guard.foretold:.1f} foretold"
        f"{'' if guard.strays is None else f', {guard.strays} at nothing that was sampled'}; "
        f"precision is at least {guard.precision_low:.2f} whatever was missed"
    )
    if guard.alarm:
        say(f"alarm: {guard.alarm}{'' if found.alarming else '; the figures count it in'}")
    if not figures.resolved:
        say("precision holds for the modes of false fires that are known; a longer dry run vouches for the rest")
    if found.bill.film:
        say(
            f"{found.bill.shown:,} frames of the dry run came from film, each for {found.bill.share:.1%} of a painted "
            f"one; exam {found.bill.times} on it, of {found.bill.triggers} triggers"
        )
    painted, wall_s = int(found.cost["frames_painted"]), found.cost["wall_s"]
    say(f"{found.verdict}; {painted:,} frames painted in {wall_s:.0f} s; page {page}")


def _changes(found: "Versus | None", names: Sequence[str]) -> list[tuple[str, float, float, float]]:
    """Rows of the table, for figures with these names."""
    return [(f"{name}_change", *_numbers(found.change(name))) for name in names] if found else []


def _numbers(each: "estimate.Interval") -> tuple[float, float, float]:
    return each.estimate, each.low, each.high
