"""The guard of an exam: what it notices, how seldom it is wrong, and what it costs; one line of JSON.

In the analytic world (`fleet/exam/analytic.py`), by decade of prevalence, every other trigger hiding a mode with 30 %
of all alerts from the sampler, one dry run of 1e7 frames each:

- `power`: share of hidden modes that raise the alarm; `power_by_count`: by the number of alerts alone
- `limit`, `limit_by_count`: mean of what no test of such a dry run exceeds (`triggers.estimate.best_power`)
- `false`: share of triggers that hide nothing and raise an alarm of any sort
- `bound_valid`: how often precision is no lower than the guard's bound, hidden mode or not

At 1e-5 and 1e-6, for a half-width of 0.05 of precision, medians over triggers:

- `saving`: frames of plain sampling over those of the exam alone
- `saving_guarded, first`: with a dry run that notices a hidden mode in 19 of 20 cases, all of it painted for this exam
- `saving_guarded, film`: the same dry run read from a film, at the cost of a frame that was measured in this run
- `saving_guarded, by_count`: painted, and judged by the number of alerts alone

In the painted world:

- `film_over_painted`: CPU time of a look read from a film, over that of one painted and judged, same blocks, same run

`--triggers N --frames N --blocks N` for other sizes.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exam_coverage import DECADES, plain_frames, prevalence_of
from fleet.exam.aims import aim_of
from fleet.exam.analytic import Analytic
from fleet.exam.crew import Kit
from fleet.exam.driving import drive
from fleet.exam.films import STREAM, Film
from fleet.exam.grounds import Grounds, lead_of
from fleet.exam.trial import sample
from fleet.measured import Figure, told
from scenarios import Draws
from triggers import estimate, load_spec

DRY_FRAMES = 1e7
MISSED = 0.3
HALF_WIDTH = 0.05
COSTED = (1e-5, 1e-6)
AGAINST = "plain sampling, the best test there could be"
SIZES = (500, 700, 1000, 1400, 2000, 4000, 8000)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One dry run: whether a mode was hidden, what was noticed of it, what could have been, whether the bound holds."""

    prevalence: float
    hidden: bool
    guard: estimate.Guard
    by_count: bool
    limits: tuple[float, float]
    valid: bool


def guarded(trigger: int, frames: int) -> Guarded:
    """One dry run beside one sample; every other trigger hides a mode."""
    hidden = trigger % 2 == 0
    log = prevalence_of(trigger)
    field = Analytic(trigger, 10.0**log, missed=MISSED if hidden else 0.0, draw=977)
    sampled, (alerts, strays) = sample(field, frames, pilot=40).sample, field.dry_run(DRY_FRAMES)
    found = estimate.guard_of(sampled, field.rest, car_days=DRY_FRAMES, alerts=alerts, strays=strays)
    blind = estimate.guard_of(sampled, field.rest, car_days=DRY_FRAMES, alerts=alerts, strays=0)
    mean = field.truth["fires"] * DRY_FRAMES * ((1.0 - MISSED) if hidden else 1.0)
    limits = estimate.best_power(mean), estimate.best_power(mean, labelled=False)
    return Guarded(log, hidden, found, blind.missed, limits, found.precision_low <= field.truth["precision"])


def savings(trigger: int, prevalence: float, film: float) -> tuple[float, float, float, float]:
    """Alone; guarded, painted now; guarded, from film; guarded by count, painted. film: cost of a look from film."""
    field = Analytic(trigger, prevalence, draw=311)
    truth = field.truth
    naive = plain_frames(truth, HALF_WIDTH)
    for frames in SIZES:
        sampled = sample(field, frames, pilot=40)
        found = estimate.figures_of(sampled.sample, rest=field.rest)
        if found.precision.half_width <= HALF_WIDTH:
            break
    dry, by_count = (estimate.frames_for_power(found.fires, labelled=labelled) for labelled in (True, False))
    spent = sampled.frames
    return naive / spent, naive / (spent + dry), naive / (spent + film * dry), naive / (spent + by_count)


def film_over_painted(blocks: int) -> tuple[float, float, float]:
    """The ratio, and microseconds of CPU time of a look, painted and from film."""
    spec = load_spec("caution_light")
    kit = Kit("mixed_fleet", 1, "hydranet-v1", (), (spec,), aim_of(spec.name), 10)
    studio = kit.open()
    grounds = Grounds(studio.world, Draws(1), 1.0, car_days=2000, lead=lead_of([spec], 1.0))
    drive(studio.world, studio.fitting, grounds.blocks("warm", np.arange(2)), studio.aim, studio.step)  # compile
    passes = grounds.blocks(STREAM, np.arange(blocks))
    painted = drive(studio.world, studio.fitting, passes, studio.aim, studio.step)
    with tempfile.TemporaryDirectory() as folder:
        film = Film.find(Path(folder), studio, grounds)
        film.extend(studio, grounds, blocks)
        shown = film.show(studio, grounds, blocks)
    dear, cheap = painted.spent_s / painted.frames, shown.spent_s / shown.frames
    return cheap / dear, 1e6 * dear, 1e6 * cheap


def figures(guards: Sequence[Guarded], triggers: int, blocks: int) -> list[Figure]:
    """All of them."""
    found = []
    for low, high in DECADES:
        hidden = [each for each in guards if each.hidden and low <= each.prevalence < high]
        says = f"1e{low:.0f} to 1e{high:.0f}"
        found.append(_share(f"power, {says}", [each.guard.missed for each in hidden], 0.95))
        found.append(_share(f"power_by_count, {says}", [each.by_count for each in hidden], None))
        for i, name in enumerate(("limit", "limit_by_count")):
            found.append(Figure(f"{name}, {says}", float(np.mean([each.limits[i] for each in hidden])), None, AGAINST))
    found.append(_share("false", [bool(each.guard.alarm) for each in guards if not each.hidden], 0.05))
    found.append(_share("bound_valid", [each.valid for each in guards], 0.975))
    ratio, dear, cheap = film_over_painted(blocks)
    found += [
        Figure("film_over_painted", ratio, None, AGAINST),
        Figure("painted_us", dear, None, AGAINST),
        Figure("film_us", cheap, None, AGAINST),
    ]
    for prevalence in COSTED:
        each = np.median([savings(trigger, prevalence, ratio) for trigger in range(triggers)], axis=0)
        target = 1e-3 / prevalence
        named = zip(("saving", *(f"saving_guarded, {how}" for how in ("first", "film", "by_count"))), each, strict=True)
        found += [Figure(f"{name}, {prevalence:.0e}", float(value), target, AGAINST) for name, value in named]
    return found


def _share(name: str, yes: Sequence[bool], target: float | None) -> Figure:
    spread = estimate.wilson(float(np.sum(yes)), len(yes))
    return Figure(name, spread.estimate, target, AGAINST, len(yes), spread.low, spread.high)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--triggers", type=int, default=600)
    asked.add_argument("--frames", type=int, default=8000)
    asked.add_argument("--blocks", type=int, default=1024)
    sizes = asked.parse_args()
    guards = [guarded(trigger, sizes.frames) for trigger in range(sizes.triggers)]
    found = figures(guards, max(sizes.triggers // 6, 1), sizes.blocks)
    print(json.dumps(told("exam_guard", found)))


if __name__ == "__main__":
    main()
