"""How well networks answer, task by task and slice by slice, on cars they have not learnt from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from fleet.engine.training import labels_of, look
from scenarios import Truth, slices_of
from vehicle import HydraNet, Task

Figures = dict[str, dict[str, float]]
"""Column to figures."""
EVERYWHERE = "everywhere"
BATCH = 64

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


def evaluate(networks: Sequence[HydraNet], sampler: Sampler, *, cars: int) -> list[dict[str, Figures]]:
    """For each network: slice to column to figures, over the same so many moments; `everywhere` comes first.

    For answers of yes or no: `ap` (average precision; left out where there is no yes), `base` (share of yes, what
    guessing would reach) and `n`; for quantities `mae` (mean absolute error, in the output's unit), `base` (that of
    the median) and `n`. A slice of things, such as `tilted`, has the things in it and every moment without a thing.
    """
    tasks = {name: task for network in networks for name, task in network.tasks.items()}
    asked = {name: _Sheet() for name in tasks}
    answered: list[dict[str, list[Floats]]] = [{name: [] for name in network.tasks} for network in networks]
    for number in range(-(-cars // BATCH)):
        pixels, truth = look(sampler, number, BATCH)
        for name, labels in labels_of(tasks, truth).items():
            asked[name].add(tasks[name], truth, *labels)
        for network, answers in zip(networks, answered, strict=True):
            with torch.no_grad():
                _, outputs = network.eval()(pixels)
            for name, task in network.tasks.items():
                answers[name].append(task.read(outputs[name]).numpy())
    sheets = {name: sheet.whole() for name, sheet in asked.items()}
    return [
        _by_slice(network.tasks, sheets, {name: np.concatenate(each) for name, each in answers.items()})
        for network, answers in zip(networks, answered, strict=True)
    ]


def overall(figures: Figures, columns: Sequence[str]) -> tuple[str, float] | None:
    """What a task comes to: `ap` or `mae`, and its mean over the task's columns; None where nothing was measured."""
    for kind in ("ap", "mae"):
        values = [figures[column][kind] for column in columns if kind in figures.get(column, {})]
        if values:
            return kind, float(np.mean(values))
    return None


@dataclass(slots=True)
class _Sheet:
    """One task's questions: labels (n, outputs), which of them count, and slice to which belong to it."""

    labels: list[Floats] = field(default_factory=list)
    told: list[Bools] = field(default_factory=list)
    slices: list[dict[str, Bools]] = field(default_factory=list)

    def add(self, task: Task, truth: Truth, label: torch.Tensor, labelable: torch.Tensor | None) -> None:
        told = np.ones(tuple(label.shape), np.bool_)
        if labelable is not None:
            told &= (labelable if labelable.ndim == 2 else labelable[:, None]).numpy()
        self.labels.append(label.numpy())
        self.told.append(told)
        self.slices.append({name: np.broadcast_to(within, told.shape) for name, within in _slices(task, truth)})

    def whole(self) -> tuple[Floats, Bools, dict[str, Bools]]:
        """All batches put together."""
        slices = {name: np.concatenate([each[name] for each in self.slices]) for name in self.slices[0]}
        return np.concatenate(self.labels), np.concatenate(self.told), slices


def _slices(task: Task, truth: Truth) -> Iterator[tuple[str, Bools]]:
    """Slice to which moments belong to it, (n, 1), or which outputs of them, (n, cameras)."""
    moments = slices_of(truth.moments())
    yield from ((name, within[:, None]) for name, within in moments.items())
    if task.subject is None:
        return
    subject = task.subject(truth).reshape(len(truth.cars), -1)  # (n, 1) or (n, cameras)
    rows, places = np.nonzero(subject >= 0)
    for name, within in slices_of(truth.things(rows, subject[rows, places])).items():
        if name not in moments:
            belongs = subject < 0
            belongs[rows, places] = within
            yield name, belongs


def _by_slice(
    tasks: Mapping[str, Task], sheets: Mapping[str, tuple[Floats, Bools, dict[str, Bools]]], answers: dict[str, Floats]
) -> dict[str, Figures]:
    found: dict[str, Figures] = {EVERYWHERE: {}}
    for name, task in tasks.items():
        label, told, slices = sheets[name]
        for i, column in enumerate(task.columns(name)):
            number = task.read is not torch.sigmoid or not np.isin(label[told[:, i], i], (0, 1)).all()
            for part, within in {EVERYWHERE: told, **slices}.items():
                rows = told[:, i] & within[:, i]
                if part == EVERYWHERE or (rows.any() if number else label[rows, i].any()):
                    found.setdefault(part, {})[column] = _figures(answers[name][rows, i], label[rows, i], number)
    return found


def _figures(answers: Floats, truths: Floats, number: bool) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    found: dict[str, Any] = {"n": len(truths)}
    if number and len(truths):
        found["base"] = np.abs(truths - np.median(truths)).mean()
        found["mae"] = np.abs(truths - answers).mean()
    elif len(truths):
        found["base"] = truths.mean()
        if truths.any():
            found["ap"] = average_precision_score(truths, answers)
    return {name: round(float(value), 4) for name, value in found.items()}
