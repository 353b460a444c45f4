"""`outrider`: the commands put together, and every foreseen error on one screen."""

import importlib
import sys

import typer

from fleet.errors import FleetError, root_errors

GROUPS = (
    "run", "serve", "store", "keys", "replay", "look", "why", "world", "trigger", "train", "suite", "bench", "schema",
    "doctor",
)  # fmt: skip
"""Modules of this package, in the order of `outrider --help`; what is heavy is imported inside their commands."""


def build() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        name="outrider",
        help="Simulate a car fleet and learn, before a rollout, what a trigger will catch.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for group in GROUPS:
        importlib.import_module(f"fleet.cli.{group}").register(app)
    return app


def main() -> None:
    """The console script: a user's mistake ends in one screen and exit code 2 (1 where a verdict failed)."""
    app = build()
    try:
        app()
    except root_errors() as error:
        from fleet.cli.output import print_error

        print_error(error)
        sys.exit(error.exit_code if isinstance(error, FleetError) else 2)


if __name__ == "__main__":
    main()
