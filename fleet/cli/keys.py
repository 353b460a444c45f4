"""`outrider keys`: who may connect to a collection server."""

from pathlib import Path
from typing import Annotated

import typer

INIT = """
[bold]Example[/bold]

outrider keys init keys
"""
ENROL = """
[bold]Examples[/bold]

outrider keys enrol keys garage --cars all --out garage.key [dim]# a simulator speaks for every car[/dim]

outrider keys enrol keys car-417 --cars 417 --out car-417.key
"""
ROTATE = """
[bold]Example[/bold]

outrider keys rotate keys car-417 --out car-417-new.key
"""
REVOKE = """
[bold]Example[/bold]

outrider keys revoke keys car-417 [dim]# a running server hangs up on it within a second[/dim]
"""
LIST = """
[bold]Example[/bold]

outrider keys list keys --json
"""

Folder = Annotated[Path, typer.Argument(help="The server's folder of keys.")]
Name = Annotated[str, typer.Argument(help="Whose key: a car, a garage, a simulator.")]
Out = Annotated[Path, typer.Option(help="The key file to write; carry it to the car side, and keep it secret.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="Say who may connect to a collection server.", no_args_is_help=True)
    keys.command("init", epilog=INIT)(init)
    keys.command("enrol", epilog=ENROL)(enrol)
    keys.command("rotate", epilog=ROTATE)(rotate)
    keys.command("revoke", epilog=REVOKE)(revoke)
    keys.command("list", epilog=LIST)(list_keys)
    app.add_typer(keys, name="keys")


def init(folder: Folder, *, as_json: AsJson = False) -> None:
    """Make a server's own key, and a register with nobody in it."""
    from telemetry import Keys

    keys = Keys.made(folder)
    _say(f"made {folder}; enrol somebody next", {"folder": str(folder), "server": keys.server.public}, as_json=as_json)


def enrol(
    folder: Folder,
    name: Name,
    *,
    cars: Annotated[str, typer.Option(help="The cars it speaks for: `417`, `0-999,1200` or `all`.")],
    out: Out,
    as_json: AsJson = False,
) -> None:
    """Make a key for some cars; a running server takes it at once."""
    from telemetry import Keys

    _refuse_used(out)
    key = Keys.found(folder).enrol(name, cars)
    key.write(out)
    _say(f"{name} speaks for {cars}; its key is {out}", {"name": name, "public": key.public}, as_json=as_json)


def rotate(folder: Folder, name: Name, *, out: Out, as_json: AsJson = False) -> None:
    """Give somebody another key, and revoke the one there was."""
    from telemetry import Keys

    _refuse_used(out)
    key = Keys.found(folder).rotate(name)
    key.write(out)
    _say(f"{name} has a new key, {out}; the old one is revoked", {"name": name, "public": key.public}, as_json=as_json)


def revoke(folder: Folder, name: Name, *, as_json: AsJson = False) -> None:
    """Take nothing more from somebody."""
    from telemetry import Keys

    number = Keys.found(folder).revoke(name)
    _say(f"{name}: {number} keys revoked", {"name": name, "revoked": number}, as_json=as_json)


def list_keys(folder: Folder, *, as_json: AsJson = False) -> None:
    """List everybody who was ever enrolled."""
    from fleet.cli.output import print_json, print_table
    from telemetry import Keys

    found = [
        {"name": each.name, "public": each.public, "cars": each.said_cars, "revoked": each.revoked}
        for each in Keys.found(folder).holders
    ]
    if as_json:
        print_json({"keys": found})
    else:
        rows = [(each["name"], each["cars"], "revoked" if each["revoked"] else "", each["public"]) for each in found]
        print_table(("name", "cars", "", "public key"), rows, whole={"public key"})


def _refuse_used(out: Path) -> None:
    """Before a key is enrolled: one that could not be written down would be lost."""
    if out.exists():
        raise typer.BadParameter(f"{out} exists already, and keys are not overwritten", param_hint="--out")


def _say(text: str, facts: dict[str, object], *, as_json: bool) -> None:
    from fleet.cli.output import console, print_json

    console().print(text)
    if as_json:
        print_json(facts)
