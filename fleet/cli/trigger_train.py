"""`outrider trigger train`, `drift`: a probe out of a few labelled examples, and what another network does to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli.output import Quarters, command_line

if TYPE_CHECKING:
    from fleet.engine.seeds import Wanted

TRAIN = """
[bold]Examples[/bold]

outrider trigger train caution_light --positives 30 --out runs/caution_light

outrider trigger train rules/mine.yaml --kind stop_sign --miss no_entry --sort linear_svm --budget 0.005

outrider trigger train rules/mine.yaml --positives suites/stop_sign.cases.jsonl

outrider trigger train rules/mine.yaml --positives runs/rainy_city-7-1 --labels said.csv
"""
DRIFT = """
[bold]Examples[/bold]

outrider trigger drift caution_light --against runs/hydranet-mine

outrider trigger drift caution_light --against runs/hydranet-mine --positives 80 --json
"""

Network = Annotated[str, typer.Option(help="Whose features to use: a shipped name or a folder.")]
Kind = Annotated[str | None, typer.Option(help="What to catch. [dim]Default: the trigger's name[/dim]")]
Miss = Annotated[list[str] | None, typer.Option(help="What resembles it; repeatable.")]
Seed = Annotated[int, typer.Option(help="Of the world to collect in, and of all chance.")]
World = Annotated[str, typer.Option(help="What to collect in: one with every weather and light.")]
Often = Annotated[
    float | None,
    typer.Option(help="Meet it, and its near misses, so often per km. [dim]Default: as the world has it[/dim]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def add(group: typer.Typer) -> None:
    """Add the commands to `outrider trigger`."""
    group.command("train", epilog=TRAIN)(train)
    group.command("drift", epilog=DRIFT)(drift)


def train(
    spec: Annotated[str, typer.Argument(help="A trigger of kind `probe`: a shipped name or a YAML file.")],
    *,
    positives: Annotated[
        str, typer.Option(help="How many encounters to collect; or a suite's cases; or a folder of clips.")
    ] = "300",
    negatives: Annotated[int, typer.Option(min=20, help="How many moments without it to collect.")] = 1500,
    labels: Annotated[Path | None, typer.Option(help="What was said of the clips: a CSV with `clip`, `label`.")] = None,
    budget: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Share of encounters without it that may fire.")
    ] = 0.01,
    sort: Annotated[str, typer.Option(help="Of classifier: logistic, linear_svm, rbf_svm or perceptron.")] = "logistic",
    network: Network = "hydranet-v1",
    kind: Kind = None,
    miss: Miss = None,
    error_rate: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of frames that the labeller gets wrong.")
    ] = 0.02,
    seed: Seed = 3,
    world: World = "all_weather",
    often: Often = None,
    out: Annotated[Path | None, typer.Option("--out", help="A folder. [dim]Default: beside the spec[/dim]")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a trigger's probe to labelled examples; writes its weights, a report and a learning curve.

    Encounters, not frames, are counted and split. The threshold keeps a promise: with 95 % confidence no more than the
    budget of encounters without it fires. The same command gives the same bytes.
    """
    from fleet.cli.output import console, print_json
    from fleet.engine.trigger_training import TriggerOrder, make_probe

    source: Wanted | Path = (
        _wanted(spec, kind, miss, int(positives), negatives, error_rate)
        if positives.isdigit()
        else _cases(positives, labels)
    )
    order = TriggerOrder(
        spec,
        network,
        source,
        world,
        seed,
        out,
        command_line(),
        labels=labels,
        sort=sort,
        budget=budget,
        options=_made_frequent(source, often),
    )
    report = make_probe(order, Quarters("collected"))
    if as_json:
        print_json(report)
        return
    said = ("average_precision", "threshold", "precision", "recall", "encounter_recall")
    console().print(f"{report['file']}: " + ", ".join(f"{name} {report[name]:.3f}" for name in said))
    promise = report["false_fires"]
    kept = f"at most {promise['target']:g} of encounters without it fire, with {promise['confidence']:.0%} confidence"
    short = f"no promise: {promise['negatives']} encounters without it, {promise['needed']} are needed"
    console().print(kept if promise["promised"] else short)


def drift(
    spec: Annotated[str, typer.Argument(help="A trigger of kind `probe`: a shipped name or a YAML file.")],
    *,
    against: Annotated[str, typer.Option(help="The network that is to take over: a shipped name or a folder.")],
    network: Network = "hydranet-v1",
    kind: Kind = None,
    miss: Miss = None,
    positives: Annotated[int, typer.Option(min=20, help="How many encounters to compare on.")] = 60,
    negatives: Annotated[int, typer.Option(min=60, help="How many moments without it.")] = 600,
    seed: Seed = 11,
    world: World = "all_weather",
    as_json: AsJson = False,
) -> None:
    """Compare a probe on its own network and on another one, on the same labelled moments; says what to do.

    On the new backbone the old weights are refused in a car, and here is why: their scores, side by side. A probe
    fitted anew to half of the encounters shows what training it again would give.
    """
    from fleet.cli.output import console, print_json
    from fleet.engine.drift import measure_drift

    wanted = _wanted(spec, kind, miss, positives, negatives, 0.0)
    found = measure_drift(spec, network, against, wanted, world=world, seed=seed, progress=Quarters("collected"))
    if as_json:
        print_json(found)
        return
    for name in ("old", "new", "anew"):
        row = found[name]
        line = (
            "its weights do not fit" if row is None else ", ".join(f"{key} {value:.3f}" for key, value in row.items())
        )
        console().print(f"{name:5}{line}")
    console().print(
        f"rank correlation {found['rank_correlation']:.3f}" if found["rank_correlation"] is not None else ""
    )
    console().print(found["do"])


def _wanted(
    spec: str, kind: str | None, miss: list[str] | None, positives: int, negatives: int, error_rate: float
) -> "Wanted":
    from fleet.engine.seeds import Wanted
    from fleet.errors import UnknownThing
    from scenarios import ENCOUNTERS, KINDS

    name = kind or Path(spec).stem
    for each in (name, *(miss or ())):
        if each not in KINDS:
            raise UnknownThing(each, KINDS)
    alike = [each for each, met in ENCOUNTERS.items() if name in met.near_miss_of and each in KINDS]
    return Wanted(name, tuple(miss or alike), positives, negatives, error_rate)


def _made_frequent(source: "Wanted | Path", often: float | None) -> dict[str, Any]:
    """Fields of the world's file in which a kind and its near misses are met so often, and nothing else rare is."""
    from scenarios import ENCOUNTERS

    if often is None or isinstance(source, Path):
        return {}
    met = [each for each, told in ENCOUNTERS.items() if each == source.kind or source.kind in told.near_miss_of]
    return {"encounters_per_km": dict.fromkeys(met, often)}


def _cases(place: str, labels: Path | None) -> Path:
    from fleet.errors import BadLabels

    path = Path(place)
    if not path.exists():
        raise BadLabels(path, "neither a number of encounters, nor a suite's cases, nor a folder of clips")
    if path.is_dir() and labels is None:
        raise BadLabels(path, "a folder of clips needs --labels FILE, a CSV with the columns `clip` and `label`")
    if path.is_file() and labels is not None:
        raise BadLabels(path, "--labels is for a folder of clips; a suite's cases say themselves what is there")
    return path
