"""`outrider trigger`: the group of commands about triggers, one file for each sort of them."""

import importlib

import typer

PARTS = ("trigger_train", "trigger_prove", "trigger_exam", "trigger_packages", "trigger_import")
"""Modules of this package with an `add(group)`."""


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Make, judge and deploy triggers.", no_args_is_help=True)
    for part in PARTS:
        importlib.import_module(f"fleet.cli.{part}").add(group)
    app.add_typer(group, name="trigger")
