"""The options that `exam` and `budget` share, said once: a command with a parameter `options` takes them one by one."""

import datetime as dt
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from fleet.exam.exam import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to examine where, and how hard; a field is an option of the same name."""

    world: Annotated[str, typer.Option(help="Where: a drawn world that ships, or a YAML file.")] = "mixed_fleet"
    catches: Annotated[
        list[str] | None,
        typer.Option(help="An encounter it ought to fire at; repeatable. [dim]Default: what its name says[/dim]"),
    ] = None
    cars: Annotated[int, typer.Option(min=1, help="Of the fleet that is forecast.")] = 1000
    want: Annotated[int, typer.Option(min=1, help="Right fires to wait for.")] = 10_000
    start: Annotated[str, typer.Option(metavar="DATE", help="First day, 2026-12-01, for a trigger that expires.")] = ""
    network: Annotated[str, typer.Option(help="What drives: a shipped name or a folder.")] = "hydranet-v1"
    shadow: Annotated[list[str] | None, typer.Option(help="A candidate that rides along; repeatable.")] = None
    frames: Annotated[int, typer.Option(min=100, help="To paint for encounters.")] = 40_000
    dry_run_frames: Annotated[int, typer.Option(min=100, help="To paint for the dry run.")] = 40_000
    every_s: Annotated[float, typer.Option(min=0.1, max=10, help="Seconds between two looks of a car.")] = 1.0
    seed: Annotated[int, typer.Option(help="Of the world and of what is looked at.")] = 1

    film: Annotated[
        Path | None,
        typer.Option(
            help="Where films of dry runs are kept. [dim]Default: ~/.cache/outrider/films[/dim]", show_default=False
        ),
    ] = None
    no_film: Annotated[bool, typer.Option("--no-film", help="Paint the dry run and keep nothing of it.")] = False
    fresh_film: Annotated[
        bool,
        typer.Option("--fresh-film", help="Begin another film, of other driving: nobody was examined on it yet."),
    ] = False
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that paint. [dim]Default: one a core[/dim]", show_default=False)
    ] = None

    def order(self, spec: str, *, require: str = "", versus: str = "") -> "Order":
        """What is to be examined."""
        from fleet.exam.crew import cores
        from fleet.exam.exam import Order
        from fleet.exam.films import default_films

        return Order(
            spec, self.world, self.seed, self.network, tuple(self.shadow or ()), tuple(self.catches or ()),
            self.frames, self.dry_run_frames, self.every_s, require, self.cars, self.want, versus,
            None if self.no_film else self.film or default_films(), self.fresh_film, self.workers or cores(),
            _date(self.start),
        )  # fmt: skip


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with every field of `Options` in the place of its parameter `options`."""
    hints, mine = get_type_hints(Options, include_extras=True), inspect.signature(command, eval_str=True)
    shared = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(Options)
    ]

    @wraps(command)
    def taking(**given: Any) -> None:
        said = {each.name: given.pop(each.name) for each in fields(Options)}
        command(**given, options=Options(**said))

    own = [each for each in mine.parameters.values() if each.name != "options"]
    taking.__signature__ = mine.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return taking


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"a day is written 2026-12-01, and this is {text!r}", param_hint="--start") from None
