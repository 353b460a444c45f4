"""`outrider world rig list`, `import`: the cameras of a car, and how to get those of a recording."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from scenarios import Rig

LIST = """
[bold]Examples[/bold]

outrider world rig list

outrider run rainy_city --set world.rig=six_tilted
"""
IMPORT = """
[bold]Examples[/bold]

outrider world rig import my_logs/calibration --out argoverse2.yaml

outrider world rig import my_infos.pkl --out nuscenes.yaml --width 400

outrider run recorded --set world.drives=my_logs --set world.rig=argoverse2.yaml
"""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def register(world: typer.Typer) -> None:
    """Add the commands to those of worlds."""
    rig = typer.Typer(help="The cameras of a car: which rigs there are, and new ones.", no_args_is_help=True)
    rig.command("list", epilog=LIST)(list_rigs)
    rig.command("import", epilog=IMPORT)(import_rig)
    world.add_typer(rig, name="rig")


def list_rigs(as_json: AsJson = False) -> None:
    """List the rigs that ship."""
    from fleet.cli.output import print_json, print_table
    from scenarios import cameras

    found = {name: cameras.read_rig(name) for name in cameras.rig_names()}
    if as_json:
        print_json({"rigs": {name: _told(spec.rig()) | {"says": spec.says} for name, spec in found.items()}})
        return
    rows = [(name, *_size(spec.rig()), spec.says) for name, spec in found.items()]
    print_table(("rig", "cameras", "height", "width", "is"), rows, whole={"rig"})


def import_rig(
    place: Annotated[Path, typer.Argument(help="A calibration of Argoverse 2, nuScenes or KITTI: its folder or file.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The rig's file, which worlds and plans then name.")],
    width: Annotated[
        int, typer.Option(min=8, help="Columns of the widest image at most; the cameras keep what they see.")
    ] = 240,
    as_json: AsJson = False,
) -> None:
    """Make a rig of the calibration that comes with a recording; its numbers stay under that recording's licence."""
    from fleet.cli.output import console, print_json
    from scenarios import cameras, read_calibration

    if out.suffix not in {".yaml", ".yml"} or out.exists():
        problem = "is there already" if out.exists() else "should end in .yaml"
        raise typer.BadParameter(f"{out} {problem}", param_hint="--out")
    rig = read_calibration(place)
    rig = rig.resized(min(1.0, width / rig.width))
    says = f"{len(rig.cameras)} cameras, made of {place.name}; the licence of that recording holds for its numbers"
    out.write_text(cameras.rig_yaml(rig, says), encoding="utf-8")
    if as_json:
        print_json({"rig": str(out)} | _told(rig))
        return
    console().print(f"rig {out}: {', '.join(rig.names)}; {rig.width} x {rig.height} pixels")


def _size(rig: "Rig") -> tuple[int, int, int]:
    return len(rig.cameras), rig.height, rig.width


def _told(rig: "Rig") -> dict[str, Any]:
    return {"cameras": list(rig.names), "height": rig.height, "width": rig.width, "level": rig.is_level}
