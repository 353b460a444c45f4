"""`outrider train` hydranet, head, interference, occupancy and bev: making networks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli.output import Quarters, command_line

if TYPE_CHECKING:
    from fleet.engine.workshop import Order

HYDRANET = """
[bold]Examples[/bold]

outrider train hydranet --out runs/hydranet-mine

outrider train hydranet --minutes 18 --seed 2 --out runs/hydranet-2

outrider train hydranet --task lead --task lane --steps 500 --out runs/follower
"""
HEAD = """
[bold]Examples[/bold]

outrider train head hydranet-v1 --task pedestrians --out runs/candidate

outrider train head hydranet-v1 --task pedestrians --task vehicles --steps 800 --out runs/candidate

outrider train head hydranet-v1 --task tasks/scooter.yaml --out runs/with-scooters
"""
OCCUPANCY = """
[bold]Examples[/bold]

outrider train occupancy --out runs/occupancy-mine

outrider train occupancy --network runs/hydranet-mine --steps 400 --tune-on 64 --out runs/occupancy-2
"""
INTERFERENCE = """
[bold]Examples[/bold]

outrider train interference --steps 400 --out runs/interference

outrider train interference --steps 800 --task lane --task lead --task weather --json
"""
BEV = """
[bold]Examples[/bold]

outrider train bev --out runs/bev-mine

outrider train bev --seed 2 --steps 3000 --out runs/bev-2 --json

outrider train bev --drives 64 --steps 40 --measure-on 24 --out runs/bev-taste
"""
STEPS, HEAD_STEPS, OCCUPANCY_STEPS, BEV_STEPS, BEV_DRIVES = 4000, 800, 1600, 4500, 2400

Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="A task's name, or its YAML file; repeatable. [dim]Default: all[/dim]"),
]
Out = Annotated[Path, typer.Option("--out", help="The folder to write.")]
Seed = Annotated[int, typer.Option(help="Of the world to learn from and of the first weights.")]
World = Annotated[str, typer.Option(help="What to learn from: one with every weather and light.")]
Minutes = Annotated[
    float | None, typer.Option(help="End after so much wall time. [dim]Not repeatable; default: by --steps.[/dim]")
]
Threads = Annotated[int, typer.Option(min=1, help="Of torch; another number gives other last bits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    train = typer.Typer(help="Make networks.", no_args_is_help=True)
    train.command("hydranet", epilog=HYDRANET)(hydranet)
    train.command("head", epilog=HEAD)(head)
    train.command("bev", epilog=BEV)(bev)
    train.command("interference", epilog=INTERFERENCE)(interference)
    train.command("occupancy", epilog=OCCUPANCY)(occupancy)
    app.add_typer(train, name="train")


def hydranet(
    *,
    task: Tasks = None,
    out: Out = Path("runs/hydranet"),
    name: Annotated[str | None, typer.Option(help="For the card. [dim]Default: the folder's[/dim]")] = None,
    version: Annotated[int, typer.Option(min=1, help="For the card.")] = 1,
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="How many batches.")] = STEPS,
    minutes: Minutes = None,
    world: World = "all_weather",
    measure_on: Annotated[int, typer.Option(min=64, help="Moments to measure on.")] = 4096,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Train a network from nothing: one pass over moments of drawn cars, all its tasks at once."""
    from fleet.engine.training import Schedule
    from fleet.engine.workshop import Order, make_hydranet

    schedule = Schedule(steps=10**9 if minutes else steps, minutes=minutes)
    order = Order(name or out.name, version, out, world, seed, schedule, measure_on, threads, command_line())
    _report(order, make_hydranet(order, task or (), _Line(schedule.minutes, steps)), as_json=as_json)


def head(
    base: Annotated[str, typer.Argument(help="The network to begin from: a shipped name or a folder.")],
    *,
    task: Annotated[list[str], typer.Option(help="A task's name, or its YAML file; repeatable.")],
    out: Out = Path("runs/candidate"),
    name: Annotated[str | None, typer.Option(help="For the card. [dim]Default: the folder's[/dim]")] = None,
    version: Annotated[int, typer.Option(min=1, help="For the card.")] = 2,
    seed: Seed = 2,
    steps: Annotated[int, typer.Option(min=1, help="How many batches.")] = HEAD_STEPS,
    minutes: Minutes = None,
    world: World = "all_weather",
    everywhere: Annotated[
        bool,
        typer.Option("--everywhere", help="Learn from every weather and light alike, not mostly from rainy nights."),
    ] = False,
    distinct: Annotated[
        int | None, typer.Option(min=1, help="Go over so many batches again and again. [dim]Default: fresh ones[/dim]")
    ] = None,
    measure_on: Annotated[int, typer.Option(min=64, help="Moments to measure on.")] = 4096,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Train some heads, mostly in heavy rain at night; backbone and other heads keep their bits.

    A head that the network lacks is added; one that it has goes on learning.
    """
    from fleet.engine.sampling import EVERYTHING, HEAVY_RAIN_AT_NIGHT
    from fleet.engine.training import Schedule
    from fleet.engine.workshop import Order, make_candidate

    schedule = Schedule(steps=10**9 if minutes else steps, minutes=minutes, rate=1e-3, distinct=distinct)
    order = Order(name or out.name, version, out, world, seed, schedule, measure_on, threads, command_line())
    strata = EVERYTHING if everywhere else HEAVY_RAIN_AT_NIGHT
    card = make_candidate(order, base, tuple(task), _Line(schedule.minutes, steps), strata=strata)
    _report(order, card, as_json=as_json)


def bev(
    *,
    network: Annotated[str, typer.Option(help="Whose eyes to use: a shipped name or a folder.")] = "hydranet-v1",
    out: Annotated[Path, typer.Option("--out", help="The folder to write; its twin's has -single at the end.")] = Path(
        "runs/bev"
    ),
    name: Annotated[str | None, typer.Option(help="For the card. [dim]Default: the folder's[/dim]")] = None,
    version: Annotated[int, typer.Option(min=1, help="For the card.")] = 1,
    seed: Seed = 1,
    drives: Annotated[int, typer.Option(min=8, help="How many short drives to film and learn from.")] = BEV_DRIVES,
    steps: Annotated[int, typer.Option(min=1, help="How many batches.")] = BEV_STEPS,
    batch: Annotated[int, typer.Option(min=1, help="Drives in each.")] = 4,
    measure_on: Annotated[int, typer.Option(min=8, help="Drives to measure on.")] = 400,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Train a map seen from above on a network's frozen backbone, with memory, and a twin without it.

    Drives are painted and looked at once; both then learn from the same batches.
    """
    from fleet.cli.output import console, print_json
    from fleet.engine.bev_workshop import BevOrder, make_bev

    order = BevOrder(
        name or out.name, version, out, network, seed, drives, steps, batch, measure_on, threads, command_line()
    )
    cards = make_bev(order, Quarters("drives filmed"), _Line(None, steps))
    if as_json:
        print_json({"networks": cards, "folder": str(out)})
        return
    for told in cards.values():
        found = told["figures"]["everywhere"]
        console().print(f"{told['name']:20}" + " ".join(f"{each} {value:.3f}" for each, value in found.items()))
    console().print(f"maps: {out}")


def interference(
    *,
    task: Tasks = None,
    out: Out = Path("runs/interference"),
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="How many batches; each network learns from all of them.")],
    world: World = "all_weather",
    measure_on: Annotated[int, typer.Option(min=64, help="Moments to measure on.")] = 2048,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Compare one network for all tasks with one for each, on the same batches and from the same first weights."""
    from fleet.cli.output import console, print_json
    from fleet.engine.training import Schedule
    from fleet.engine.workshop import Order, make_interference

    order = Order(out.name, 1, out, world, seed, Schedule(steps=steps), measure_on, threads, command_line())
    found = make_interference(order, task or (), _Line(None, steps))
    if as_json:
        print_json({**found, "folder": str(out)})
        return
    for name, row in found["tasks"].items():
        both = f"together {row['multi']:.3f} alone {row['single']:.3f}"
        console().print(f"{name:20}{row['figure']} {both} difference {row['difference']:+.3f}")
    console().print(f"interference: {out}")


def occupancy(
    *,
    network: Annotated[
        str, typer.Option(help="Whose eyes it looks through: a shipped name or a folder.")
    ] = "hydranet-v1",
    out: Out = Path("runs/occupancy"),
    name: Annotated[str | None, typer.Option(help="For the card. [dim]Default: the folder's[/dim]")] = None,
    version: Annotated[int, typer.Option(min=1, help="For the card.")] = 1,
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="How many batches of 16 cars.")] = OCCUPANCY_STEPS,
    minutes: Minutes = None,
    world: World = "all_weather",
    tune_on: Annotated[int, typer.Option(min=32, help="Moments to choose the geometry's numbers on.")] = 256,
    measure_on: Annotated[int, typer.Option(min=32, help="Moments to measure on.")] = 256,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Make an occupancy tracker: a head that says what pixels show, and the numbers of the geometry that maps them."""
    from fleet.cli.output import console, print_json
    from fleet.engine.occupancy_workshop import make_occupancy
    from fleet.engine.training import Schedule
    from fleet.engine.workshop import Order

    schedule = Schedule(steps=10**9 if minutes else steps, batch=16, rate=3e-3, minutes=minutes)
    order = Order(name or out.name, version, out, world, seed, schedule, measure_on, threads, command_line())
    card = make_occupancy(order, network, tune_on=tune_on, progress=_Line(minutes, steps))
    if as_json:
        print_json({**card, "folder": str(out)})
        return
    for each, overlap in card["iou"].items():
        console().print(f"{each:20}IoU {overlap:.3f}")
    console().print(f"viewer: {out}")


class _Line:
    """Says every few seconds how far training is, with an estimate of the rest."""

    def __init__(self, minutes: float | None, steps: int) -> None:
        import time

        from fleet.cli.output import console

        self._clock, self._console = time.monotonic, console()
        self._minutes, self._steps = minutes, steps
        self._begun = self._said = time.monotonic()
        self._loss: float | None = None

    def __call__(self, step: int, loss: float) -> None:
        self._loss = loss if self._loss is None else 0.98 * self._loss + 0.02 * loss
        now = self._clock()
        if now - self._said < 10 and step > 1:
            return
        self._said = now
        spent = (now - self._begun) / 60
        whole = self._minutes or spent * self._steps / step
        of = "" if self._minutes else f" of {self._steps:,}"
        self._console.print(f"step {step:,}{of} · loss {self._loss:.3f} · {spent:.1f} of about {whole:.1f} min")


def _report(order: "Order", card: dict[str, Any], *, as_json: bool) -> None:
    from fleet.cli.output import console, print_json

    if as_json:
        print_json({**card, "folder": str(order.out)})
        return
    for column, found in card["figures"]["everywhere"].items():
        console().print(f"{column:32}" + " ".join(f"{name} {value:g}" for name, value in found.items()))
    console().print(f"network: {order.out}")
