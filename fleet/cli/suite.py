"""`outrider suite list`, `run`, `grow`, `new`, `look`: test sets as unit tests of a network."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.errors import BadSuite, Problem

if TYPE_CHECKING:
    from fleet.engine.suites.running import SliceResult, Trial

EXAMPLES = {
    "list": ("suite list", "suite list --json"),
    "run": (
        "suite run stop_sign --network hydranet-v1",
        "suite run stop_sign --network runs/candidate --slice 'heavy rain' --junit stop_sign.xml",
    ),
    "grow": (
        "suite grow stop_sign --slice 'heavy rain' --n 100",
        "suite grow stop_sign --clip runs/rainy_city-7-1 000417-0668310 --error-rate 0.02",
    ),
    "new": ("suite new pedestrians --out suites/my_pedestrians.yaml",),
    "look": ("suite look stop_sign 17 --png case.png",),
}
EXIT = {"pass": 0, "fail": 1, "inconclusive": 3}

Name = Annotated[str, typer.Argument(metavar="SUITE", help="The name of a suite in suites/, or a YAML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Test a network by perception suites: each slice of the world a test.", no_args_is_help=True
    )
    for command in (list_suites, run, grow, new, look):
        name = command.__name__.removesuffix("_suites")
        examples = "\n\n".join(f"outrider {example}" for example in EXAMPLES[name])
        group.command(name, epilog=f"[bold]Examples[/bold]\n\n{examples}")(command)
    app.add_typer(group, name="suite")


def list_suites(as_json: AsJson = False) -> None:
    """List the suites in suites/, with how many cases each slice has and wants."""
    from collections import Counter

    from fleet.cli.output import console, print_json, print_table
    from fleet.engine.suites.cases import read_cases
    from fleet.engine.suites.spec import load_suite, suite_names

    found: list[dict[str, Any]] = []
    for suite in map(load_suite, suite_names()):
        have = Counter(case.slice for case in read_cases(suite.cases_file))
        slices = [
            {"slice": one.name, "must": one.must, "cases": have[one.name], "wanted": one.cases}
            for one in suite.slices.values()
        ]
        found.append({"suite": suite.name, "task": suite.spec.task, "file": str(suite.file), "slices": slices})
    if as_json:
        print_json({"suites": found})
        return
    if not found:
        console().print("no suites here; `outrider suite new TASK` begins one")
        return
    heads = ("suite", "slice", "must", "cases", "wanted")
    print_table(heads, [(each["suite"], *one.values()) for each in found for one in each["slices"]])


def run(
    suite: Name,
    *,
    network: Annotated[str, typer.Option(help="What to test: a shipped name or a folder.")],
    slice_: Annotated[list[str] | None, typer.Option("--slice", help="Only this slice; repeatable.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The answer from which on it is a yes. [dim]Default: the suite's[/dim]"),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit file, too.")] = None,
    repaint: Annotated[
        bool, typer.Option("--repaint", help="Accept pictures that are not bit by bit those that were stored.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a network through a suite; ends with 0 = pass, 1 = fail, 3 = inconclusive."""
    from fleet.cli.output import print_json
    from fleet.engine.suites.running import Trial, told, verdict_of
    from fleet.engine.suites.spec import load_suite
    from vehicle import load_network

    trial = Trial(load_suite(suite), load_network(network), threshold=threshold, repaint=repaint)
    results = trial.run(slice_ or (), _Progress("cases looked at"))
    if junit is not None:
        from fleet.engine.suites.showing import junit as as_junit
        from fleet.saving import save

        save(as_junit(trial.suite, results), junit)
    if as_json:
        print_json(told(trial, results))
    else:
        _show(trial, results)
    raise typer.Exit(EXIT[verdict_of(results)])


def grow(
    suite: Name,
    *,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Which slice. [dim]For a clip: the first that takes it[/dim]")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many new cases to sample from the world.")] = 100,
    seed: Annotated[int | None, typer.Option(min=0, help="Of that world. [dim]Default: one not used yet[/dim]")] = None,
    clip: Annotated[
        tuple[Path, str] | None, typer.Option(metavar="RUN ID", help="Instead: the moment of a clip of a run.")
    ] = None,
    error_rate: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of clips that the labeller names wrongly.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Add cases to a suite's end: sampled from the world, or the moment of a clip that the fleet sent."""
    from dataclasses import asdict

    from fleet.cli.output import console, print_json
    from fleet.engine.suites.growing import ClipOrder, Order, grow_by_clip
    from fleet.engine.suites.growing import grow as grow_slice
    from fleet.engine.suites.spec import load_suite

    found, added = load_suite(suite), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if clip is not None:
        cases = [grow_by_clip(found, ClipOrder(clip[0], clip[1], slice_, error_rate, added))]
    elif slice_ is not None:
        cases = grow_slice(found, Order(slice_, n, seed, added), _Progress("cases found"))
    else:
        raise BadSuite([Problem("--slice", "", f"which slice is to grow? there are {', '.join(found.slices)}")])
    if as_json:
        print_json({"file": str(found.cases_file), "added": [asdict(case) for case in cases]})
    else:
        console().print(f"{len(cases)} cases of slice {cases[0].slice!r} added to {found.cases_file}", markup=False)


def new(
    task: Annotated[str, typer.Argument(help="A task that answers with yes or no: a name, or its YAML file.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="The file. [dim]Default: suites/TASK.yaml[/dim]")] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a suite that follows from a task: every weather and light, each subtask, its near misses."""
    from fleet.cli.output import console, print_json
    from fleet.engine.suites.drafting import draft

    file = draft(task, out or Path("suites") / f"{Path(task).stem}.yaml")
    if as_json:
        print_json({"file": str(file)})
    else:
        console().print(f"suite: {file}\nSet its thresholds, then let it grow: outrider suite grow {file} --slice …")


def look(
    suite: Name,
    case: Annotated[int, typer.Argument(min=1, help="The case's number: its line in the cases file.")],
    *,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what all cameras see as one PNG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at one case: its facts, where it comes from, and its picture."""
    from dataclasses import asdict

    from fleet.cli.output import console, print_json
    from fleet.engine.suites import showing
    from fleet.engine.suites.spec import load_suite

    found, same = showing.look(load_suite(suite), case, png)
    told = {**asdict(found), "as_stored": same, "png": str(png) if png else None}
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        console().print(f"{name:12} {value}", markup=False)


def _show(trial: "Trial", results: "list[SliceResult]") -> None:
    """The table, and the reasons of what did not pass."""
    from fleet.cli.output import console, print_table
    from fleet.engine.suites.running import verdict_of

    rows = []
    for result in results:
        judged = result.judged
        figure = "" if judged.figure is None else f"{judged.figure:.3f}"
        span = f"{judged.low:.3f} to {judged.high:.3f}"
        rows.append((result.asked.name, judged.n, judged.k, figure, span, result.asked.must, str(result.verdict)))
    print_table(("slice", "n", "k", "figure", "interval", "must be", "verdict"), rows)
    for result in results:
        if result.verdict != "pass":
            console().print("\n" + result.story(), markup=False)
    verdict = verdict_of(results)
    console().print(f"\n{trial.suite.name} of {trial.network.name}: {verdict}", markup=False)


class _Progress:
    """Says every few seconds how many of how many are done."""

    def __init__(self, what: str) -> None:
        from fleet.cli.output import LINE_EVERY_S, console

        self._what, self._every, self._console = what, LINE_EVERY_S, console()
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._said >= self._every:
            self._said = time.monotonic()
            self._console.print(f"{done:,} of {total:,} {self._what}")
