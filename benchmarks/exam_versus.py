"""How often the intervals of two versions' differences hold the truth, on own data made up; one line of JSON.

Encounters of cars, half of them labelled yes, two frames each; both versions look at the same and are read as by
`outrider trigger exam --scores … --versus …`. A version fires where a normal draw is low enough. Part of it is the
encounter's and the same for both, part the car's, part the car's with this version, the rest its own. So how far the
two differ on average is known in closed form.

- `coverage_*`: share of 95 % intervals that hold it; low and high are two standard errors away
- `half_width_*`: median

In `…, cars unheard` nothing says which car an encounter is of. `--exams N` for other numbers of exams of a case.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fleet.exam.changes import Versus
from fleet.exam.own_data import Own, gathered
from fleet.exam.own_versus import Other, matched, versus
from fleet.measured import Figure, told
from scenarios import Draws
from triggers import estimate

WEIGHT = (0.01, 0.05)
MB = (0.5, 0.4)
"""Of what is labelled yes and no; of a clip of this version and of the other."""


@dataclass(frozen=True, slots=True)
class Case:
    """Cars, encounters of each, chances to fire of (yes, no) of this version and of the other.

    car, together, encounter: shares of what the car does to both, to one of them, and what the encounter does to both
    heard: whether the data says which car
    """

    name: str
    cars: int
    each: int
    chances: tuple[tuple[float, float], tuple[float, float]]
    car: float = 0.0
    together: float = 0.0
    encounter: float = 0.7
    heard: bool = True


BETTER, HARDLY = ((0.7, 0.1), (0.6, 0.2)), ((0.61, 0.195), (0.6, 0.2))
CASES = (
    Case("300 encounters", 300, 1, BETTER, heard=False),
    Case("300 encounters, few differences", 300, 1, HARDLY, encounter=0.995, heard=False),
    Case("40 cars", 40, 8, BETTER, car=0.3, together=0.3, encounter=0.2),
    Case("40 cars, cars unheard", 40, 8, BETTER, car=0.3, together=0.3, encounter=0.2, heard=False),
    Case("40 cars, few differences", 40, 8, HARDLY, car=0.5, together=0.01, encounter=0.48),
    Case("15 cars", 15, 20, BETTER, car=0.3, together=0.3, encounter=0.2),
)


def examined(case: Case, exam: int) -> Versus:
    """Two versions on the same encounters."""
    mine, other = (_own(case, exam, version) for version in (0, 1))
    return versus(mine, Other("other", None, matched(mine, other, Path("mine"), Path("other"))))


def _own(case: Case, exam: int, version: int) -> Own:
    from scipy.special import ndtri

    draws, n = Draws(exam), np.arange(case.cars * case.each)
    car, yes = n // case.each, n % 2 == 0
    parts = (
        (case.car, draws.normal("car", car)), (case.together, draws.normal("car of a version", car, version)),
        (case.encounter, draws.normal("encounter", n)),
        (1.0 - case.car - case.together - case.encounter, draws.normal("own", n, version)),
    )  # fmt: skip
    ease = sum((math.sqrt(share) * drawn for share, drawn in parts), np.zeros(len(n)))
    score = ndtri(np.where(yes, *case.chances[version])) - ease
    columns = {
        "encounter": n, "label": yes, "stratum": yes, "weight": np.where(yes, *WEIGHT), "score": score,
        "mb": np.full(len(n), MB[version]), **({"car": car} if case.heard else {}),
    }  # fmt: skip
    frames = pa.table({name: np.repeat(values, 2) for name, values in columns.items()})
    lower = pa.array(np.repeat(score, 2) - np.tile([0.0, 1.0], len(n)))
    return gathered(Path("made up"), frames.set_column(4, "score", lower), threshold=0.0)


def truth_of(case: Case) -> dict[str, float]:
    """How far the two differ on average, by the names that requirements have for figures."""
    half = case.cars * case.each / 2
    right, wrong = ([half * WEIGHT[k] * chances[k] for chances in case.chances] for k in (0, 1))
    fires = [r + w for r, w in zip(right, wrong, strict=True)]
    return {
        "precision": right[0] / fires[0] - right[1] / fires[1],
        "recall": case.chances[0][0] - case.chances[1][0],
        "fires_per_car_day": fires[0] - fires[1],
        "false_fires_per_car_day": wrong[0] - wrong[1],
        "upload_mb_per_car_day": MB[0] * fires[0] - MB[1] * fires[1],
    }


def figures(case: Case, exams: Sequence[Versus]) -> list[Figure]:
    """Of one case."""
    found, runs = [], len(exams)
    for name, truth in truth_of(case).items():
        changes = [each.change(name) for each in exams]
        share = float(np.mean([each.low <= truth <= each.high for each in changes]))
        error = 2.0 * math.sqrt(share * (1.0 - share) / runs)
        wide = float(np.median([each.half_width for each in changes]))
        against, of = "the truth in closed form", f"{name}, {case.name}"
        found.append(Figure(f"coverage_{of}", share, estimate.LEVEL, against, runs, share - error, share + error))
        found.append(Figure(f"half_width_{of}", wide, None, against, runs))
    return found


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--exams", type=int, default=1000)
    exams = asked.parse_args().exams
    found = [each for case in CASES for each in figures(case, [examined(case, exam) for exam in range(exams)])]
    print(json.dumps(told("exam_versus", found)))


if __name__ == "__main__":
    main()
