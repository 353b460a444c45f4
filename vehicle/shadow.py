"""How differently a candidate saw it, task by task. It is handed answers and gives numbers; it can do nothing else."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from vehicle.perceive import Percepts

_BLOCK = 256  # rows


def disagreement(production: Percepts, candidate: Percepts) -> dict[str, NDArray[np.float32]]:
    """Task to (n,) float32, for the tasks that both networks have; 0 where they agree."""
    return {
        name: row_by_row(task.disagree, production.outputs[name], candidate.outputs[name])
        for name, task in production.network.tasks.items()
        if name in candidate.outputs
    }


def row_by_row(function: Callable[..., torch.Tensor], *arrays: NDArray[np.float32]) -> NDArray[np.float32]:
    """A torch function of rows, worked out in blocks of one fixed size, so that no row depends on its company.

    Vectorised code treats the last few numbers of an array by another route than the rest.
    """
    rows = len(arrays[0])
    blocks = []
    for start in range(0, max(rows, 1), _BLOCK):
        block = [np.zeros((_BLOCK, *array.shape[1:]), np.float32) for array in arrays]
        for padded, array in zip(block, arrays, strict=True):
            part = array[start : start + _BLOCK]
            padded[: len(part)] = part
        blocks.append(function(*(torch.from_numpy(part) for part in block)).numpy())
    return np.concatenate(blocks)[:rows].astype(np.float32, copy=False)


class Tally:
    """Disagreement per car since it was last taken: ticks, sum and maximum, for each candidate and task.

    Row i is car `first_car + i`.
    """

    def __init__(self, first_car: int, cars: int) -> None:
        self._first, self._cars = first_car, cars
        self._sums: dict[tuple[str, str], NDArray[np.float64]] = {}

    def add(self, candidate: str, cars: NDArray[np.uint32], found: Mapping[str, NDArray[np.float32]]) -> None:
        """Count one tick of some cars; found: task to (n,)."""
        rows = cars.astype(np.intp) - self._first
        for task, values in found.items():
            sums = self._sums.setdefault((candidate, task), np.zeros((self._cars, 3)))
            sums[rows, 0] += 1
            sums[rows, 1] += values
            sums[rows, 2] = np.maximum(sums[rows, 2], values)

    def take(self) -> dict[tuple[str, str], NDArray[np.float64]]:
        """(candidate, task) to (cars, 3) float64: ticks, sum, maximum; and begin anew."""
        taken, self._sums = self._sums, {}
        return taken


def side_by_side(found: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    """Columns of candidates' disagreement: `TASK.disagreement.CANDIDATE`, and `TASK.disagreement`, the greatest.

    found: candidate to task to (n,)
    """
    columns: dict[str, NDArray[np.float32]] = {}
    for candidate, tasks in found.items():
        for task, values in tasks.items():
            columns[f"{task}.disagreement.{candidate}"] = values
            greatest = columns.get(f"{task}.disagreement", values)
            columns[f"{task}.disagreement"] = np.maximum(greatest, values)
    return columns
