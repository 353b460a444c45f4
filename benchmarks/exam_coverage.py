"""How often an exam's intervals hold the truth, over many random triggers in the analytic world; one line of JSON.

200 triggers with prevalences from 1e-7 to 1e-4 a frame, five samples each: the exam's own pilot, allocation and
estimators; only pictures are missing (`fleet/exam/analytic.py`). By decade of prevalence:

- `coverage_*`: share of 95 % intervals that hold the truth
- `half_width`: median, of precision
- `saving`: frames that plain sampling would need for that half-width, over the frames of the exam, without the guard;
  `saving_guarded` counts a dry run of as many frames as notice a missed mode in 19 of 20 cases, each at full price

and of the guard, on as many triggers of which some hide a mode with 30 % of all alerts from the sampler:

- `guard_power`: share of such that raise the alarm within 1e7 frames; `guard_false`: share of the others that do
- `bound_valid`: how often precision is no lower than the guard's bound, hidden mode or not

`--triggers N --samples N --frames N` for other sizes.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.exam.analytic import Analytic
from fleet.exam.trial import sample
from scenarios import Draws
from triggers import estimate

DECADES = ((-7.0, -6.0), (-6.0, -5.0), (-5.0, -4.0))
FIGURES = ("precision", "recall", "fires")
DRY_FRAMES = 1e7
MISSED = 0.3


@dataclass(frozen=True, slots=True)
class Result:
    """One exam: log10 of prevalence, which of FIGURES are covered, and what it took."""

    prevalence: float
    covered: tuple[bool, ...]
    half_width: float
    saving: float
    saving_guarded: float


@dataclass(frozen=True, slots=True)
class Guarded:
    """One dry run: whether a mode was hidden, whether the alarm came, whether the bound holds."""

    prevalence: float
    hidden: bool
    alarm: bool
    valid: bool


def prevalence_of(trigger: int) -> float:
    """Log10 of it, evenly from -7 to -4."""
    return -7.0 + 3.0 * float(Draws(5).uniform("prevalence", trigger))


def examined(trigger: int, draw: int, frames: int) -> Result:
    """One sample of one trigger."""
    log = prevalence_of(trigger)
    field = Analytic(trigger, 10.0**log, draw=draw)
    sampled = sample(field, frames, pilot=40)
    found = estimate.figures_of(sampled.sample, rest=field.rest)
    truth, wide = field.truth, found.precision.half_width
    covered = tuple(bool(getattr(found, name).low <= truth[name] <= getattr(found, name).high) for name in FIGURES)
    naive = 3.8415 * truth["precision"] * (1 - truth["precision"]) / wide**2 / truth["fires"]
    dry = estimate.frames_for_power(found.fires)
    return Result(log, covered, wide, naive / sampled.frames, naive / (sampled.frames + dry))


def guarded(trigger: int, frames: int) -> Guarded:
    """One dry run beside one sample; every fourth trigger hides a mode."""
    hidden = trigger % 4 == 0
    log = prevalence_of(trigger)
    field = Analytic(trigger, 10.0**log, missed=MISSED if hidden else 0.0, draw=977)
    sampled = sample(field, frames, pilot=40)
    known, surely = (estimate.foretold_by(sampled.sample, field.rest, level) for level in (0.95, 0.975))
    guard = estimate.judge_dry_run(DRY_FRAMES, field.dry_run(DRY_FRAMES), known.fires, surely.right)
    return Guarded(log, hidden, guard.alarm.startswith("more"), guard.precision_low <= field.truth["precision"])


def figures(results: Sequence[Result], guards: Sequence[Guarded]) -> list[dict[str, object]]:
    """As `outrider bench` prints them."""
    found = []
    for low, high in DECADES:
        inside = [each for each in results if low <= each.prevalence < high]
        says = f"1e{low:.0f} to 1e{high:.0f}"
        for i, name in enumerate(FIGURES):
            shares = [each.covered[i] for each in inside]
            found.append(_figure(f"coverage_{name}, {says}", float(np.mean(shares)), 0.95, len(shares)))
        for name, target in (("half_width", None), ("saving", 10.0 ** (-3 - low)), ("saving_guarded", None)):
            values = [getattr(each, name) for each in inside]
            found.append(_figure(f"{name}, {says}", float(np.median(values)), target, len(values)))
        missed = [each.alarm for each in guards if each.hidden and low <= each.prevalence < high]
        found.append(_figure(f"guard_power, {says}", float(np.mean(missed)), 0.95, len(missed)))
    quiet = [each.alarm for each in guards if not each.hidden]
    found.append(_figure("guard_false", float(np.mean(quiet)), 0.05, len(quiet)))
    found.append(_figure("bound_valid", float(np.mean([each.valid for each in guards])), 0.975, len(guards)))
    return found


def _figure(name: str, value: float, target: float | None, runs: int) -> dict[str, object]:
    share = 0.0 <= value <= 1.0 and not name.startswith(("half_width", "saving"))
    spread = estimate.wilson(value * runs, runs) if share else estimate.Interval(value, value, value)
    return {
        "bench": "exam_coverage", "figure": name, "value": round(value, 5), "target": target, "runs": runs,
        "low": round(spread.low, 5), "high": round(spread.high, 5), "floor_or_rival": "the truth in closed form",
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--triggers", type=int, default=200)
    asked.add_argument("--samples", type=int, default=5)
    asked.add_argument("--frames", type=int, default=2000)
    sizes = asked.parse_args()
    results = [examined(i, k, sizes.frames) for i in range(sizes.triggers) for k in range(sizes.samples)]
    guards = [guarded(i, 4 * sizes.frames) for i in range(2 * sizes.triggers)]
    print(json.dumps({"figures": figures(results, guards)}))


if __name__ == "__main__":
    main()
