"""`outrider trigger keys`, `pack` and `verify`: signed packages of triggers, and what a car says to them."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from triggers import packages

KEYS = """
[bold]Examples[/bold]

outrider trigger keys keys

outrider trigger keys keys --expires 2031-12-31 --json

outrider trigger keys keys --replace targets --replace timestamp
"""
PACK = """
[bold]Examples[/bold]

outrider trigger pack caution_light hard_braking --keys keys --version 3 --expires 2027-01-31

outrider trigger pack rules/mine.yaml --keys keys --version 4 --expires 2027-01-31 --out mine-4.pack
"""
VERIFY = """
[bold]Examples[/bold]

outrider trigger verify triggers-4.pack --trust keys/1.root.json

outrider trigger verify triggers-4.pack --trust keys/1.root.json --network hydranet-v1 --at 2027-01-31

outrider trigger verify triggers-3.pack --trust keys/1.root.json --after triggers-4.pack --json
"""

Day = Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def add(group: typer.Typer) -> None:
    """Add the commands to `outrider trigger`."""
    group.command("keys", epilog=KEYS)(keys)
    group.command("pack", epilog=PACK)(pack)
    group.command("verify", epilog=VERIFY)(verify)


def keys(
    folder: Annotated[Path, typer.Argument(help="A new folder, or with --replace one that has keys.")],
    *,
    expires: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The root's last day. [dim]Default: five years from now[/dim]"),
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(help="Give a role (root, targets, snapshot, timestamp) a new key; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys that sign packages, and the root that cars trust; or replace keys that are lost."""
    from fleet.cli.output import console, print_json
    from triggers import packages

    until = (expires or dt.datetime.now() + dt.timedelta(days=5 * 365)).date()
    if replace:
        root = packages.replace_keys(folder, replace, expires=until)
    else:
        root = packages.make_keys(folder, expires=until)
    if as_json:
        print_json({"keys": str(folder), "root": str(root), "expires": str(until), "replaced": replace or []})
        return
    console().print(f"keys: {folder} (private: keep *.pem off the cars, and root.pem off this machine)\nroot: {root}")


def pack(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC…", help="Triggers: shipped names or YAML files.")],
    *,
    keys: Annotated[Path, typer.Option(help="A folder of `outrider trigger keys`.")],
    version: Annotated[int, typer.Option(min=1, help="Counts up with every package; a car refuses a lower one.")],
    expires: Day,
    out: Annotated[Path | None, typer.Option(help="[dim]Default: triggers-VERSION.pack[/dim]")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign triggers and their weights into one file that a car can check; the same input gives the same bytes."""
    from fleet.cli.output import console, print_json
    from fleet.saving import save
    from triggers import packages

    file = out or Path(f"triggers-{version}{packages.SUFFIX}")
    raw = packages.pack(specs, packages.read_keys(keys), version=version, expires=expires.date())
    save(raw, file)
    said = {"package": str(file), "bytes": len(raw), "version": version, "expires": str(expires.date())}
    if as_json:
        print_json(said)
    else:
        console().print(f"package: {file} ({len(raw):,} bytes, version {version}, until {expires.date()})")


def verify(
    package: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The package offered.")],
    *,
    trust: Annotated[Path, typer.Option(help="The root that the car is built with: N.root.json.")],
    network: Annotated[str | None, typer.Option(help="What the car runs. [dim]Default: whatever fits[/dim]")] = None,
    after: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A package it has taken; repeatable.")
    ] = None,
    at: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When, UTC. [dim]Default: now[/dim]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Be a car that is offered a package: say what it takes, or why it refuses (exit code 1)."""
    from fleet.cli.output import console, print_json
    from triggers import packages

    now = at.replace(tzinfo=dt.UTC) if at else dt.datetime.now(dt.UTC)
    backbone = _backbone(network)
    memory = packages.Trust.read(trust)
    for earlier in after or ():
        memory = packages.verify(earlier.read_bytes(), memory, now=now, backbone=backbone).trust
    said: dict[str, Any] = {"package": str(package), "taken": False, "reason": None, "problem": None}
    try:
        taken = packages.verify(package.read_bytes(), memory, now=now, backbone=backbone)
        said |= {"taken": True, **_contents(taken)}
    except packages.PackageRefused as refused:
        said |= {"reason": refused.reason, "problem": refused.problem}
    if as_json:
        print_json(said)
    else:
        console().print(_in_words(said))
    if not said["taken"]:
        raise typer.Exit(1)


def _contents(taken: "packages.Package") -> dict[str, Any]:
    specs = [{"name": spec.name, "version": spec.version, "kind": spec.kind} for spec in taken.specs]
    return {
        "version": taken.version,
        "expires": str(taken.expires),
        "backbone": taken.backbone or None,
        "triggers": specs,
    }


def _in_words(said: dict[str, Any]) -> str:
    if not said["taken"]:
        return f"refused: {said['problem']} ({said['reason']})"
    triggers = ", ".join(f"{each['name']} {each['version']}" for each in said["triggers"])
    made_for = f"backbone {said['backbone'][:12]}…" if said["backbone"] else "any network"
    return f"taken: version {said['version']}, until {said['expires']}, for {made_for}: {triggers}"


def _backbone(network: str | None) -> str | None:
    """The hash of a network's backbone."""
    if network is None:
        return None
    from vehicle import load_network

    return load_network(network).backbone
