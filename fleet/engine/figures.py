"""How well a network answers, task by task, on cars it has not learnt from."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.engine.sampling import Sampler
from fleet.engine.training import batch
from vehicle import HydraNet, Task

Figures = dict[str, dict[str, float]]
BATCH = 64


def evaluate(network: HydraNet, tasks: Mapping[str, Task], sampler: Sampler, *, cars: int) -> Figures:
    """Column to figures over this many moments.

    For answers of yes or no: `ap` (average precision), `base` (share of yes, what guessing would reach) and `n`;
    for quantities `mae` (mean absolute error, in the output's unit), `base` (that of the median) and `n`.
    """
    columns = {column: ([], []) for name, task in tasks.items() for column in task.columns(name)}  # type: ignore[var-annotated]
    network.eval()
    for number in range(-(-cars // BATCH)):
        pixels, labels = batch(sampler, tasks, number, BATCH)
        with torch.no_grad():
            _, outputs = network(pixels)
        for name, task in tasks.items():
            label, labelable = labels[name]
            for column, answers, truths in _labelled(task, name, outputs[name], label, labelable):
                columns[column][0].append(answers)
                columns[column][1].append(truths)
    return {column: _figures(np.concatenate(a), np.concatenate(t)) for column, (a, t) in columns.items()}


def summary(figures: Figures, tasks: Mapping[str, Task]) -> dict[str, str]:
    """Task to one line: the mean of its columns' figures."""
    lines = {}
    for name, task in tasks.items():
        own = [figures[column] for column in task.columns(name)]
        kinds: Sequence[str] = [kind for kind in ("ap", "mae") if any(kind in each for each in own)]
        lines[name] = ", ".join(f"{kind} {_mean(own, kind):.3f} (base {_mean(own, 'base'):.3f})" for kind in kinds[:1])
    return lines


def _labelled(
    task: Task, name: str, outputs: torch.Tensor, label: torch.Tensor, labelable: torch.Tensor | None
) -> list[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Column, answers and labels, of the entries that can be labelled."""
    mask = torch.ones_like(label, dtype=torch.bool)
    if labelable is not None:
        mask &= labelable if labelable.ndim == 2 else labelable[:, None]
    meant = task.read(outputs)
    return [
        (column, meant[mask[:, i], i].numpy(), label[mask[:, i], i].numpy())
        for i, column in enumerate(task.columns(name))
    ]


def _figures(answers: NDArray[np.float32], truths: NDArray[np.float32]) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    found: dict[str, float] = {"n": len(truths)}
    if len(truths) and ((truths == 0) | (truths == 1)).all():
        found["base"] = float(truths.mean())
        found["ap"] = float(average_precision_score(truths, answers)) if truths.any() else float("nan")
    elif len(truths):
        found["base"] = float(np.abs(truths - np.median(truths)).mean())
        found["mae"] = float(np.abs(truths - answers).mean())
    return {name: round(value, 4) for name, value in found.items()}


def _mean(own: Sequence[Mapping[str, float]], kind: str) -> float:
    values = [each[kind] for each in own if np.isfinite(each.get(kind, np.nan))]
    return float(np.mean(values)) if values else float("nan")
