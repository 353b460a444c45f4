"""`outrider schema`: JSON Schemas, so that an editor completes and checks plans and specs."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

EPILOG = """
[bold]Examples[/bold]

outrider schema plan > plan.schema.json
"""


class What(StrEnum):
    """What has a schema."""

    PLAN = "plan"
    TRIGGER = "trigger"
    WORLD = "world"
    TASK = "task"
    RIG = "rig"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema", epilog=EPILOG)(schema)


def schema(what: Annotated[What, typer.Argument(help="Which kind of YAML file.")]) -> None:
    """Print the JSON Schema of a kind of file."""
    sys.stdout.write(json.dumps(schema_of(what), indent=2) + "\n")


def schema_of(what: What) -> dict[str, Any]:
    """The JSON Schema of a kind of file."""
    if what is What.TRIGGER:
        from triggers import TriggerSpec

        return TriggerSpec.model_json_schema()
    if what is What.TASK:
        from vehicle import task_schema

        return task_schema()
    if what is What.WORLD:
        from scenarios import open_world

        spec = vars(open_world("rainy_city", seed=0, cars=1))["spec"]  # every drawn world has one
        return dict(type(spec).model_json_schema())
    if what is What.RIG:
        from scenarios import cameras

        return cameras.RigSpec.model_json_schema()
    from fleet.plan import RunPlan

    return RunPlan.model_json_schema(by_alias=True)
