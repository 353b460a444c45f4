"""How far each encounter gets through the gates of a trigger, in order: `when`, the score's conditions, dwell, edge.

A trigger is a tree of conditions, and which of them lets something through is known. So a false fire is told with the
way it took, and what does not fire with the gate that stopped it and how near it came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from triggers import Clause, Reason, TriggerSpec, Verdicts

PASSED = (Reason.FIRED, Reason.PRIVATE, Reason.NO_BUFFER)
ACTIVE = (*PASSED, Reason.HELD, Reason.DWELLING, Reason.COOLDOWN, Reason.QUOTA, Reason.FLEET_QUOTA, Reason.SUSPENDED)

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """How far n cars get at one look, (n,) each; see `Marks`."""

    depth: Ints
    apart: Floats
    way: Ints


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a trigger.

    told: whether its condition is one of clauses, and holds where they do; graded: whether it has a threshold
    """

    told: bool
    graded: bool
    threshold: float
    dwells: bool

    @classmethod
    def of(cls, spec: TriggerSpec) -> Self:
        """Of a spec that was loaded."""
        told = spec.kind == "expression" and spec.fire.edge != "falling"
        return cls(told, spec.kind != "expression", spec.threshold(), spec.fire.dwell_s > 0)

    def names(self, clauses: Sequence[Clause]) -> tuple[str, ...]:
        """In the order in which they are passed."""
        found = [clause.text for clause in clauses]
        if not self.told:
            found.append(f"score ≥ {self.threshold:.3g}" if self.graded else "the condition")
        return (*found, "dwell, edge and cooldown" if self.dwells else "edge and cooldown")

    def reached(self, clauses: Sequence[Clause], verdicts: Verdicts, k: int) -> Reached:
        """How far each car of the verdicts gets through the gates of trigger number k, with its clauses."""
        reasons, n = verdicts.reasons[:, k], len(verdicts.cars)
        held, apart = [clause.held for clause in clauses], [clause.apart for clause in clauses]
        if not self.told:
            held.append(np.isin(reasons, ACTIVE))
            apart.append(self._below(verdicts.scores[:, k]) if self.graded else np.ones(n))
        held.append(np.isin(reasons, PASSED))
        apart.append(np.zeros(n))
        depth = np.cumprod(np.array(held), axis=0).sum(axis=0).astype(np.int64)
        stopped = np.minimum(depth, len(held) - 1)
        left = np.where(depth == len(held), 0.0, np.array(apart)[stopped, np.arange(n)])
        way = np.zeros(n, np.int64)
        for clause in clauses:
            if len(clause.ways) > 1:
                way = way * len(clause.ways) + clause.through.argmax(axis=0)
        return Reached(depth, left, way)

    def _below(self, scores: NDArray[np.float32]) -> Floats:
        """How far a score is below the threshold, as a share of it; 1 where there is none."""
        short = (self.threshold - scores.astype(np.float64)) / max(abs(self.threshold), 1e-9)
        return np.clip(np.nan_to_num(short, nan=1.0), 0.0, 1.0)


def ways_of(clauses: Sequence[Clause]) -> tuple[str, ...]:
    """The ways through, one for each choice among a gate's alternatives; "" where there is no choice."""
    found = [""]
    for clause in clauses:
        if len(clause.ways) > 1:
            found = [f"{before} and {way}" if before else way for before in found for way in clause.ways]
    return tuple(found)
