"""What one version of a trigger gains and loses against another on the same encounters, in any exam."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.exam.errors import NothingToCompare
from fleet.exam.grading import SHOWN
from triggers import TriggerSpec, estimate, load_spec


@dataclass(frozen=True, slots=True)
class Versus:
    """The trigger that is examined, less the other.

    trigger, version: of the other, None where it has no number; comparison: of the figures
    mb: a car-day; NaN where nobody says what clips weigh
    """

    trigger: str
    version: int | None
    comparison: estimate.Comparison
    mb: estimate.Interval

    def change(self, figure: str) -> estimate.Interval:
        """Of a figure by the name that requirements have for it."""
        found = self.comparison
        return {
            "precision": found.precision, "recall": found.recall, "fires_per_car_day": found.fires,
            "false_fires_per_car_day": found.wrong, "upload_mb_per_car_day": self.mb,
        }[figure]  # fmt: skip

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "trigger": self.trigger,
            "version": self.version,
            **{f"{name}_change": self.change(name).told() for name in estimate.NAMES},
            "gained": self.comparison.gained,
            "lost": self.comparison.lost,
            "p": self.comparison.p,
            "smallest_difference": self.comparison.smallest,
        }


def specs_of(name: str, versus: str = "") -> tuple[TriggerSpec, ...]:
    """A trigger, and the other by a name of its own, for in an evaluator a name stands for one. Raises TriggerError."""
    first = load_spec(name)
    if not versus:
        return (first,)
    other = load_spec(versus)
    return first, other.model_copy(update={"name": f"{other.name}_versus"})


def name_of(other: TriggerSpec) -> str:
    """What the other is called, where it is at home."""
    return other.name.removesuffix("_versus")


def refuse_changes(required: Sequence[estimate.Requirement]) -> None:
    """Where there is no other version nothing can be said of a change. Raises NothingToCompare."""
    if change := next((each for each in required if each.change), None):
        raise NothingToCompare(change.name)


def differing(mine: estimate.Sample, other: estimate.Sample) -> dict[str, list[int]]:
    """Rows at which the two differ, up to `SHOWN` of a sort, the heaviest first.

    `only_right`, `only_wrong` are those at which mine alone fired, `other_right`, `other_wrong` the other alone.
    """

    def only(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> list[int]:
        return heaviest_first(mine, one & ~two)[:SHOWN]

    right = mine.right, other.right
    wrong = mine.wrong > 0, other.wrong > 0
    return {
        "only_right": only(*right), "other_right": only(*right[::-1]),
        "only_wrong": only(*wrong), "other_wrong": only(*wrong[::-1]),
    }  # fmt: skip


def heaviest_first(sample: estimate.Sample, which: NDArray[np.bool_]) -> list[int]:
    """Rows for which `which`, (n,), holds."""
    found = np.flatnonzero(which)
    return [int(row) for row in found[np.argsort(-sample.weight[found], kind="stable")]]
