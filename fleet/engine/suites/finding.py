"""Which moments are cases of a slice: what a labeller would say, and whether thing and moment are as asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.suites.spec import Slice, Suite
from fleet.errors import BadSuite, Problem, UnknownInSuite, hint
from scenarios import CONDITIONS, KINDS, SLICES, TRAITS, Truth
from vehicle import TASKS, Task, load_task

AHEAD = ("main", "narrow", "wide")
GLIMPSE = 1 / 3  # of the pixels asked for: another thing that is that large may be what a network answers to
Bools = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What makes a moment a case: its row, the camera that shows the thing best, the thing's number, facts."""

    row: int
    camera: str | None
    encounter: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Quest:
    """A slice of a suite with the task it asks, every name in it known.

    cameras: of the car, in the order of truth
    """

    suite: Suite
    asked: Slice
    task: Task
    cameras: tuple[str, ...]

    @property
    def counting(self) -> list[int]:
        """The cameras that count: the slice's, else all."""
        return [self.cameras.index(name) for name in self.asked.cameras or self.cameras]

    def column(self, camera: str | None) -> int:
        """Which of the task's outputs answers: the one asked for, else the camera's, else the first."""
        outputs = self.task.outputs
        named = self.asked.output or (camera if self.by_camera else None)
        return outputs.index(named) if named is not None and not isinstance(outputs, int) else 0

    @property
    def by_camera(self) -> bool:
        """Whether the task answers for each camera."""
        outputs = self.task.outputs
        return not isinstance(outputs, int) and set(outputs) <= set(self.cameras)


def task_of(suite: Suite) -> tuple[str, Task]:
    """Name and task that a suite tests: one that is known, or one from a file beside the suite.

    BadSuite where there is none of that name, or it answers with quantities; BadTask for a file that is no task's.
    """
    said = suite.spec.task
    if said not in TASKS and not said.endswith((".yaml", ".yml")):
        raise BadSuite([Problem(str(suite.file), "task", f"unknown task {said!r}{hint(said, TASKS)}")])
    beside = suite.file.parent / said
    task = load_task(beside if beside.is_file() else said)
    if not answers_yes_or_no(task):
        raise BadSuite([Problem(str(suite.file), "task", f"{said!r} answers with quantities, not with yes or no")])
    return (said if said in TASKS or task.spec is None else task.spec.name), task


def answers_yes_or_no(task: Task) -> bool:
    """Whether a task's outputs mean probabilities."""
    return Task.__dataclass_fields__["read"].default is task.read


def quest(suite: Suite, name: str, cameras: Sequence[str]) -> Quest:
    """A slice with its task; BadSuite where it names what there is not, UnknownInSuite for no such slice."""
    asked, (_, task) = suite.slice(name), task_of(suite)
    outputs = () if isinstance(task.outputs, int) else task.outputs
    conditions = [each.removeprefix("not ") for each in asked.where]
    wrong = [
        *_unknown("thing", "kind", asked.thing, KINDS),
        *_unknown("where", "slice or trait", conditions, (*SLICES, *TRAITS)),
        *_unknown("severity", "condition", asked.severity, CONDITIONS),
        *_unknown("cameras", "camera", asked.cameras, cameras),
        *_unknown("output", "output", [asked.output] if asked.output else [], outputs),
    ]
    if wrong:
        raise BadSuite([Problem(str(suite.file), f"slice {name!r}: {field}", text) for field, text in wrong])
    return Quest(suite, asked, task, tuple(cameras))


def _unknown(field: str, what: str, names: Sequence[str] | Mapping[str, Any], known: Any) -> list[tuple[str, str]]:
    return [(field, f"unknown {what} {name!r}{hint(name, known)}") for name in names if name not in known]


def said_by_labeller(wanted: Quest, truth: Truth) -> tuple[Bools, Bools]:
    """For each output whether a labeller who has the pictures would say yes, and whether no, (n, outputs) each."""
    yes = wanted.task.label(truth).numpy() >= 0.5
    sure = np.ones(yes.shape, np.bool_)
    if wanted.task.labelable is not None:
        told = wanted.task.labelable(truth).numpy().astype(np.bool_)
        sure &= told if told.ndim == 2 else told[:, None]
    return yes & sure, ~yes & sure


def moments_that_fit(asked: Slice, columns: Columns, n: int) -> Bools:
    """Which moments may lie in the slice as far as these columns can tell, (n,)."""
    fits = np.ones(n, np.bool_)
    for name in asked.where:
        told = _told(name, columns)
        if told is not None:
            fits &= told
    for name, (low, high) in asked.severity.items():
        if name in columns:
            fits &= (columns[name] >= low) & (columns[name] <= high)
    return fits


def _told(name: str, columns: Columns) -> Bools | None:
    """Who lies in a slice or has a trait; None where the columns cannot tell."""
    bare = name.removeprefix("not ")
    try:
        found = np.asarray(SLICES[bare](columns) if bare in SLICES else columns[bare], np.bool_)
    except KeyError:
        return None
    return ~found if bare != name else found


def find(wanted: Quest, truth: Truth) -> list[Seen]:
    """The rows that are cases of a slice, at most one thing of each."""
    yes, no = said_by_labeller(wanted, truth)
    right = yes if wanted.asked.wants_yes else no
    fits = moments_that_fit(wanted.asked, truth.moments(), len(truth.cars))
    if wanted.asked.thing:
        return [seen for row, seen in _things(wanted, truth, right).items() if fits[row]]
    rows = np.flatnonzero(fits & right[:, wanted.column(None)]).tolist()
    return [Seen(row, None, 0, _of_moment(truth.moments(), row)) for row in rows]


def _things(wanted: Quest, truth: Truth, right: Bools) -> dict[int, Seen]:
    """Row to the largest thing there that is as asked for, where nothing else of its sort could be meant instead."""
    asked, found = wanted.asked, dict[int, Seen]()
    rows, slots, places = _glimpsed(wanted, truth)
    columns = _columns(truth, rows, slots, places)
    fits = _as_asked(asked, columns)
    column = np.array([wanted.column(wanted.cameras[place]) for place in places], np.int64)
    fits &= right[rows, column]
    largest_first = np.argsort(-columns["pixels"], kind="stable")
    for i in largest_first[fits[largest_first]]:
        row = int(rows[i])
        beside = (rows == row) & ((places == places[i]) | (not wanted.by_camera))
        if row not in found and (not asked.wants_yes or fits[beside].all()):
            facts = _of_moment(truth.moments(), row) | _of_thing(columns, int(i))
            found[row] = Seen(row, wanted.cameras[places[i]], int(truth.encounter[row, slots[i]]), facts)
    return found


def _glimpsed(wanted: Quest, truth: Truth) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, slot and the camera that shows most of it, of things that the task may be about, in sight."""
    asked = wanted.asked
    kinds = {*asked.thing, *(wanted.task.classes if asked.wants_yes else ())}
    counts = np.isin(truth.kind, [KINDS.index(kind) for kind in kinds]) & truth.valid
    pixels = truth.pixels[:, wanted.counting]
    rows, slots = np.nonzero(counts & (pixels.max(axis=1) >= max(GLIMPSE * asked.min_pixels, 1.0)))
    return rows, slots, np.array(wanted.counting)[pixels[rows, :, slots].argmax(axis=1)]


def _columns(truth: Truth, rows: NDArray[np.intp], slots: NDArray[np.intp], places: NDArray[np.intp]) -> Columns:
    """What slices may ask of these things, as the camera sees them that shows most."""
    own = {"pixels": truth.pixels[rows, places, slots], "visible": truth.visible[rows, places, slots]}
    return {**truth.things(rows, slots), **own}


def _as_asked(asked: Slice, columns: Columns) -> Bools:
    fits = moments_that_fit(asked, columns, len(columns["pixels"]))
    fits &= np.isin(columns["kind"], asked.thing) & (columns["pixels"] >= asked.min_pixels)
    bounds = {"distance_m": asked.distance_m, "tilt_deg": asked.tilt_deg, "visible": asked.visible}
    for name, span in bounds.items():
        if span is not None:
            value = np.abs(columns[name])  # to which side a sign leans does not matter
            fits &= (value >= span[0]) & (value <= span[1])
    return fits & np.isin(columns["state"], asked.state) if asked.state else fits


def _of_moment(columns: Columns, row: int) -> dict[str, Any]:
    """What is worth saying of a moment: its road, and every condition that holds."""
    told = {name: values[row].item() for name, values in columns.items()}
    return {name: _short(value) for name, value in told.items() if isinstance(value, str) or value > 0}


def _of_thing(columns: Columns, i: int) -> dict[str, Any]:
    numbers = ("distance_m", "visible", "pixels", "tilt_deg", "state")
    traits = [trait for trait in TRAITS if columns[trait][i]]
    told = {name: _short(columns[name][i].item()) for name in numbers}
    return {"kind": str(columns["kind"][i]), **told, "traits": traits}


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def unknown_task(name: str) -> UnknownInSuite:
    """The error for a task that nobody defines."""
    return UnknownInSuite("task", name, TASKS, "the table of tasks")
