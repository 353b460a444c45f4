"""`outrider trigger import`: campaigns of other systems as specs of ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from triggers import fleetwise

FLEETWISE = """
[bold]Examples[/bold]

outrider trigger import fleetwise campaign.json

outrider trigger import fleetwise campaign.json --out rules --rename Vehicle.ABS.Brake=Vehicle.Speed

aws iotfleetwise get-campaign --name braking > braking.json && outrider trigger import fleetwise braking.json --json
"""


def add(group: typer.Typer) -> None:
    """Add the commands to `outrider trigger`."""
    imports = typer.Typer(help="Turn rules of other systems into specs.", no_args_is_help=True)
    imports.command("fleetwise", epilog=FLEETWISE)(fleetwise_campaign)
    group.add_typer(imports, name="import")


def fleetwise_campaign(
    campaign: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="As CreateCampaign or GetCampaign has it.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder for the spec.")] = Path(),
    rename: Annotated[
        list[str] | None, typer.Option(metavar="THEIRS=OURS", help="Their name of a signal, and ours; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Turn an AWS IoT FleetWise campaign into a trigger, and say what became of each of its fields.

    Exit code 1 where something that the campaign does is lost; the spec is written all the same.
    """
    from fleet.cli.output import print_json
    from fleet.saving import save
    from triggers import fleetwise

    read = fleetwise.read_campaign(campaign.read_bytes(), campaign.name)
    found = fleetwise.migrate(read, campaign.name, _car(rename or ()))
    file = out / f"{found.spec.name}.yaml"
    save(found.yaml.encode(), file)
    if as_json:
        notes = [{"field": note.field, "fate": note.fate.value, "text": note.text} for note in found.notes]
        print_json({"spec": str(file), "trigger": found.spec.name, "lost": len(found.lost), "notes": notes})
    else:
        _tell(file, found)
    if found.lost:
        raise typer.Exit(1)


def _car(rename: Sequence[str]) -> "fleetwise.Car":
    """The signals of a car that a campaign can name."""
    from telemetry import TABLES
    from triggers import fleetwise

    types: dict[str, type] = {"bool": bool, "string": str}
    columns = {name: each for name, each in TABLES["signals"].columns.items() if name.startswith("Vehicle.")}
    return fleetwise.Car(
        types={name: types.get(each.type, float) for name, each in columns.items()},
        units={name: each.unit for name, each in columns.items() if each.unit},
        renamed=_renamed(rename),
    )


def _renamed(pairs: Sequence[str]) -> dict[str, str]:
    from fleet.errors import BadPlan, Problem

    out = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not (theirs and equals and ours):
            raise BadPlan([Problem(f"--rename {pair}", "", "expected THEIRS=OURS, two names of a signal")])
        out[theirs] = ours
    return out


def _tell(file: Path, found: "fleetwise.Migration") -> None:
    from fleet.cli.output import console, print_table

    print_table(("field", "fate", "what became of it"), [(n.field, n.fate.value, n.text) for n in found.notes])
    lost = f"{len(found.lost)} of its fields are lost" if found.lost else "nothing is lost"
    console().print(f"trigger: {file} ({lost})")
