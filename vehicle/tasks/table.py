"""From files to tasks: those that ship, a user's, and those that a network's card carries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from vehicle.errors import ForeignTask, UnknownTask, hint
from vehicle.tasks.families import FAMILIES
from vehicle.tasks.source import Source, read_source
from vehicle.tasks.spec import TaskSpec
from vehicle.tasks.task import Task

LIBRARY = Path(__file__).parent / "library"


def load_task(name_or_path: str | Path) -> Task:
    """The task of a name in TASKS, or of a YAML file, whose spec says its name; UnknownTask, BadTask."""
    if str(name_or_path) in TASKS:
        return TASKS[str(name_or_path)]
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        raise UnknownTask(str(name_or_path), TASKS)
    return task_of(read_source(path))


def task_of(source: Source) -> Task:
    """The task that a file describes. Raises BadTask, with every mistake's line and the nearest name."""
    family = source.data.get("family")
    if not isinstance(family, str) or family not in FAMILIES:
        missing = "needed, and it is not there" if family is None else f"unknown family {family!r}"
        raise source.refusal(("family",), f"{missing}{hint(str(family), FAMILIES)}")
    return FAMILIES[family](spec_of(family).of(source))


def spec_of(family: str) -> type[TaskSpec]:
    """What the YAML of this family may say: the annotation of the family's argument."""
    hints = get_type_hints(FAMILIES[family])
    hints.pop("return", None)
    (spec,) = hints.values()
    return spec if isinstance(spec, type) and issubclass(spec, TaskSpec) else TaskSpec


def tasks_on_card(said: Mapping[str, Mapping[str, Any]], table: Mapping[str, Task], file: str) -> dict[str, Task]:
    """The tasks of a network, by name in the order of its card: from the table, else made from the card's own spec.

    Raises UnknownTask where neither has it, ForeignTask where both have it and their outputs differ, BadTask.
    """
    found = {}
    for name, told in said.items():
        if name in table:
            task = table[name]
        elif told["spec"] is None:
            raise UnknownTask(name, table)
        else:
            task = task_of(Source(file, told["spec"]))
        if task.columns(name) != tuple(told["outputs"]) or task.per_camera != told["per_camera"]:
            raise ForeignTask(name, head=told["outputs"], now=task.columns(name))
        found[name] = task
    return found


def task_schema() -> dict[str, Any]:
    """The JSON Schema of a task's file: what any of the families takes."""
    each = []
    for family in FAMILIES:
        own = spec_of(family).model_json_schema()
        own["properties"]["family"] = {"const": family}
        each.append(own)
    shared: dict[str, Any] = {}
    for own in each:
        shared |= own.pop("$defs", {})
    return {"title": "Task", "type": "object", "anyOf": each, "$defs": shared}


def _shipped() -> dict[str, Task]:
    tasks = [task_of(read_source(path)) for path in sorted(LIBRARY.glob("*.yaml"))]
    return {task.spec.name: task for task in tasks if task.spec}


TASKS: dict[str, Task] = _shipped()
"""The tasks that ship, a file each in `library/`, and those that plugins add. A network has a head for some of them."""
