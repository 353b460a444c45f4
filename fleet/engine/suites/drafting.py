"""A first suite for any task: what is to be seen in every weather, each subtask, and what must not be mistaken."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from fleet.engine.suites.finding import AHEAD, answers_yes_or_no, unknown_task
from fleet.engine.suites.spec import load_suite
from fleet.errors import BadSuite, Problem, SuiteExists
from fleet.saving import save
from scenarios import CONDITIONS, ENCOUNTERS, KINDS, SLICES
from vehicle import TASKS, Task, load_task

SHOWS = {
    "jaywalker": "pedestrian",
    "round_bag": "bag",
    "cut_in": "vehicle",
    "drift": "vehicle",
    "hard_braking_lead": "vehicle",
    "brake_tap": "vehicle",
    "speed_sticker": "sticker",
    "stop_advert": "advert",
    "striped_hump": "hump",
    "parked_bicycle": "bicycle",
}
"""What an encounter shows, where its name does not begin with the kind."""
OFTEN_PER_KM = 8.0
DRY: dict[str, Any] = {"conditions": {}, "night": {"share": 0.0}}
RECALL, FALSE_ALARMS = "recall >= 0.8", "false_alarms <= 0.1"
CASES = 100


def draft(name: str, file: Path) -> Path:
    """Write a suite that follows from a task alone, a name or a YAML file.

    SuiteExists, UnknownInSuite, CannotWrite, BadSuite, BadTask.
    """
    if name not in TASKS and not name.endswith((".yaml", ".yml")):
        raise unknown_task(name)
    task = load_task(name)
    if not answers_yes_or_no(task):
        raise BadSuite([Problem(name, "task", "it answers with quantities, not with yes or no")])
    where = name if name in TASKS else os.path.relpath(name, file.parent)
    if file.exists():
        raise SuiteExists(file)
    told = json.loads(json.dumps(_suite(where, task)))  # nothing shared, so that YAML writes no anchors
    text = yaml.safe_dump(told, sort_keys=False, width=110, default_flow_style=None)
    intro = f"# Begun by `outrider suite new {name}`; thresholds are guesses until somebody sets them.\n"
    save((intro + text).encode(), file)
    return load_suite(str(file)).file


def _suite(name: str, task: Task) -> dict[str, Any]:
    shown = [each for each in ENCOUNTERS if shows(each) in task.classes]
    least = getattr(task.spec, "min_pixels", 14)
    present = {"thing": list(task.classes), "min_pixels": least} if task.classes else {}
    often = {"encounters_per_km": dict.fromkeys(shown, round(OFTEN_PER_KM / len(shown), 2))} if shown else {}
    one_question = bool(task.classes) or task.width == 1 or task.per_camera
    slices = [{**one, **present} for one in _in_every_weather()] if one_question else []
    slices += [_slice("nothing there", FALSE_ALARMS)] if one_question else []
    slices += [{**one, **present} for one in _subtasks(task)]
    slices += _near_misses(task, shown)
    return {
        "task": name,
        "says": f"First tests of {Path(name).stem}: every weather and light, each subtask, near misses.",
        **({} if task.per_camera else {"cameras": list(AHEAD)}),
        **({"options": often} if often else {}),
        "slices": slices,
    }


def _in_every_weather() -> Iterator[dict[str, Any]]:
    clear = {condition: [0.0, 0.1] for condition in CONDITIONS if condition != "night"}
    yield _recall("dry day", where=["dry day"], severity=clear, options=DRY)
    yield _recall("night", where=["night"], options={"conditions": {}, "night": {"share": 1.0}})
    for condition in CONDITIONS:
        if condition != "night":  # which worlds know by the hour
            strong = {condition: {"probability": 1.0, "low": 0.6, "high": 0.9}}
            yield _recall(
                "heavy rain" if condition == "rain" else condition.replace("_", " "),
                severity={condition: [0.6, 1.0] if condition == "rain" else [0.3, 1.0]},
                options={**DRY, "conditions": strong},
            )


def _subtasks(task: Task) -> Iterator[dict[str, Any]]:
    """Each further output: found where it holds, not claimed where it does not."""
    outputs = () if isinstance(task.outputs, int) or task.per_camera else task.outputs
    named = [output for output in outputs if output != "present"] if task.classes else list(outputs)
    for output in named:
        says = output.replace("_", " ")
        where = {"options": DRY} if task.classes else {}  # a tag may be about the weather
        yield _recall(says, output=output, **where)
        yield _slice(f"not {says}", FALSE_ALARMS, output=output, **where)


def _near_misses(task: Task, shown: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name, encounter in ENCOUNTERS.items():
        kind = shows(name)
        if {*shown} & {*encounter.near_miss_of} and kind not in (None, *task.classes):
            options = {**DRY, "encounters_per_km": {name: OFTEN_PER_KM}}
            yield _slice(name.replace("_", " "), FALSE_ALARMS, thing=kind, min_pixels=20, options=options)


def shows(encounter: str) -> str | None:
    """The kind of thing that an encounter is about: the longest that its name begins with; None where none is."""
    if encounter in SHOWS:
        return SHOWS[encounter]
    return max((kind for kind in KINDS if encounter.startswith(kind)), key=len, default=None)


def _recall(name: str, **asked: Any) -> dict[str, Any]:
    if "where" in asked and not {*asked["where"]} <= {*SLICES}:
        del asked["where"]
    return _slice(name, RECALL, **asked)


def _slice(name: str, must: str, **asked: Any) -> dict[str, Any]:
    return {"name": name, "must": must, "cases": CASES, **asked}
