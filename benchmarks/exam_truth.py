"""An exam's intervals against the truth by brute force, in a painted world of raised rates; one line of JSON.

In a world where what is looked for is met about once a kilometre, stretches of plain driving are filmed and labelled
(`fleet/exam/plain.py`): more than 20 times the frames of an exam. Every trigger is counted on that one film. Then each
is examined, seed after seed: fresh encounters, allocated by the pilot of one of its aim's triggers in turn, and a dry
run. Triggers of one aim are examined on the same painted encounters and all of a seed on the same dry run, so errors
are those of a mean over seeds. Nothing is rare in that world, so no further modes are scouted for.

- `coverage_*`: share of 95 % intervals, of all triggers and seeds, that hold what plain driving says
- `expected_*`: the share that would, if intervals were right, for plain driving has an error of its own
- `shipped`: of three triggers that ship, the same, for precision, recall and fires together
- `resolved`: share of exams in which ordinary driving was resolved; precision of the others is of the known modes
  alone, and is not counted in its coverage
- `times_frames`: frames of plain driving over those of one exam, its dry run among them

`--folder DIR` keeps film and exams: what was done is not done again, and `results.json` there has every interval.
`--reels N` of plain driving, `--seeds N`, `--frames N` of an exam's encounters, `--dry N` of its dry run,
`--workers N`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from fleet.exam.aims import Aim, aim_of
from fleet.exam.crew import Crew, Kit
from fleet.exam.exam import pooled
from fleet.exam.films import Film
from fleet.exam.grounds import BLOCK, Grounds, lead_of, steps_of
from fleet.exam.painted import Painted
from fleet.exam.plain import LONG, REEL, PlainDriving, counted
from fleet.exam.trial import sample
from fleet.exam.versus import theirs
from fleet.measured import Figure, told
from scenarios import CONDITIONS, ENCOUNTERS, Draws, open_world, staging
from triggers import TriggerSpec, estimate, load_spec

RAISED = {
    "caution_light": 1.2, "caution_light_on_barrier": 0.6, "dark_lamp": 0.9, "balloon": 0.9, "stop_sign": 1.2,
    "stop_sign_held": 0.5, "no_entry": 0.9, "stop_advert": 0.5, "round_bag": 0.5, "traffic_light": 1.2,
    "lamp_sign": 0.8, "steel_plate": 0.9, "jaywalker": 0.8, "statue": 0.5, "cone": 0.8, "hydrant": 0.6,
    "animal": 0.6, "rubbish": 0.5,
}  # fmt: skip
RULES: Mapping[str, Mapping[str, str]] = {
    "caution_light": {
        "caution_lamp_low": "warning_lamp > 0.3", "caution_lamp": "warning_lamp > 0.5",
        "caution_lamp_moving": "warning_lamp > 0.4 and Vehicle.Speed > 20 km/h",
        "caution_lamp_alone": "warning_lamp > 0.4 and traffic_light < 0.3",
    },
    "stop_sign": {
        "stop_low": "stop_sign > 0.3", "stop": "stop_sign > 0.5", "stop_high": "stop_sign > 0.8",
        "stop_held": "mean(stop_sign over 2 s) > 0.4", "stop_near_nobody": "stop_sign > 0.5 and pedestrians.main < 0.5",
        "stop_slow": "stop_sign > 0.4 and Vehicle.Speed < 40 km/h",
    },
    "traffic_light": {
        "light_low": "traffic_light > 0.3", "light": "traffic_light > 0.6", "light_high": "traffic_light > 0.85",
        "light_or_lamp": "max(traffic_light, warning_lamp) > 0.6",
    },
    "steel_plate": {
        "echo_near": "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance < 20 m and lead < 0.3",
        "echo_alone": "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance < 40 m and lead < 0.1",
    },
    "jaywalker": {
        "walker": "pedestrians.main > 0.7", "walker_path": "path_pedestrian > 0.3",
        "walker_moving": "pedestrians.main > 0.5 and Vehicle.Speed > 15 km/h",
    },
}  # fmt: skip
"""By what they ought to catch, rules on the networks' answers and on signals."""
SHIPPED = {"caution_light": "caution_light", "radar_vision_mismatch": "steel_plate", "shadow_surprise": "jaywalker"}
PROBED, SURPRISED = (0.2, 0.4, 0.8, 0.95), (0.05, 0.08)
"""Other thresholds of the shipped probe, and of the shipped disagreement."""
SHADOW = "hydranet-v2-cand"
EVERY_S, CAR_DAYS, PILOT = 1.0, 8000, 8
FIGURES = ("precision", "recall", "fires")


@dataclass(frozen=True, slots=True)
class Group:
    """Triggers of one aim."""

    aim: Aim
    specs: tuple[TriggerSpec, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of one exam: its interval, and what plain driving says with what error."""

    trigger: str
    seed: int
    figure: str
    low: float
    estimate: float
    high: float
    truth: float
    truth_low: float
    truth_high: float
    resolved: bool
    frames: int

    @property
    def holds(self) -> bool:
        """Whether the interval holds what plain driving says."""
        return self.low <= self.truth <= self.high

    @property
    def counts(self) -> bool:
        """Whether the exam claims to know: there is something to know, and ordinary driving is in it."""
        return self.truth == self.truth and (self.resolved or self.figure != "precision")

    @property
    def expected(self) -> float:
        """How likely a right interval is to hold a truth that has an error of its own, both taken for normal."""
        ratio = (self.truth_high - self.truth_low) / max(self.high - self.low, 1e-300)
        return float(2 * ndtr(1.959964 / np.hypot(1.0, ratio)) - 1)


def groups() -> list[Group]:
    """All triggers; neither cooldown nor limits, for both hang on what came long before."""
    found = []
    for catches, rules in RULES.items():
        specs = [
            TriggerSpec.model_validate({"name": name, "kind": "expression", "params": {"fire_when": rule}})
            for name, rule in rules.items()
        ]
        for name, caught in SHIPPED.items():
            if caught == catches:
                others = {"caution_light": PROBED, "shadow_surprise": SURPRISED}.get(name, ())
                ours = load_spec(name)
                specs += [ours, *(_at(ours, threshold) for threshold in others)]
        bare = [each.model_copy(update={"fire": each.fire.model_copy(update={"cooldown_s": 0}),
                                        "limits": each.limits.model_copy(update={"per_car_day": None})})
                for each in specs]  # fmt: skip
        base = aim_of("", (catches,))
        more = tuple(name for name in RAISED if name.startswith(f"{catches}_"))
        found.append(Group(replace(base, catches=(catches, *more)), tuple(bare)))
    return found


def _at(spec: TriggerSpec, threshold: float) -> TriggerSpec:
    changed = {"name": f"{spec.name}_{round(100 * threshold)}", "params": {**spec.params, "threshold": threshold}}
    return spec.model_copy(update=changed)


def raised(folder: Path) -> Path:
    """A world like `mixed_fleet` with these encounters alone, by day and by night, dry."""
    spec = staging.drawn(open_world("mixed_fleet", seed=1, cars=1)).spec
    fields = spec.model_dump(mode="json", exclude_none=True) | {
        "name": "raised", "encounters_per_km": dict.fromkeys(ENCOUNTERS, 0.0) | RAISED, "night": {"share": 0.35},
        "conditions": {name: {"probability": 0.0} for name in CONDITIONS if name != "night"},
    }  # fmt: skip
    fields.pop("hours")
    file = folder / "raised.yaml"
    file.write_text(json.dumps(fields))
    return file


class Bench:
    """Film, exams and truth of one folder."""

    def __init__(self, folder: Path, asked: argparse.Namespace) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._asked = folder, asked
        self._world = str(raised(folder))
        self._groups = groups()
        self._lead = lead_of([spec for group in self._groups for spec in group.specs], EVERY_S)

    def results(self) -> Iterator[Result]:
        """Figure by figure."""
        for number, group in enumerate(self._groups):
            kit = Kit(self._world, 1, "hydranet-v1", (SHADOW,), group.specs, group.aim, steps_of(EVERY_S))
            with Crew(kit, self._asked.workers) as crew:
                truths = self._truths(kit, crew, number)
                for seed in range(1, self._asked.seeds + 1):
                    file = self._folder / f"exam-{number}-{seed}-{self._asked.frames}-{self._asked.dry}.json"
                    if not file.exists():
                        file.write_text(json.dumps(self._exams(kit, crew, seed)))
                        print(f"aim {number}, seed {seed}", file=sys.stderr, flush=True)
                    for spec, exam in zip(group.specs, json.loads(file.read_text()), strict=True):
                        yield from _results(spec.name, seed, exam, truths[spec.name])

    def _grounds(self, studio: Any, seed: int) -> Grounds:
        return Grounds(studio.world, Draws(seed), EVERY_S, car_days=CAR_DAYS, lead=self._lead)

    def _truths(self, kit: Kit, crew: Crew, number: int) -> dict[str, dict[str, tuple[float, float, float]]]:
        file = self._folder / f"truth-{number}-{self._asked.reels}.json"
        if not file.exists():
            studio = kit.open()
            grounds, reels = self._grounds(studio, 0), range(self._asked.reels)
            plain = PlainDriving(self._folder / "plain", grounds)
            plain.extend(studio, self._asked.reels, hands=crew)
            passes, seen = plain.passes(reels), plain.seen(reels)
            fires = plain.fires(studio, reels, hands=crew)
            found = {}
            for k, spec in enumerate(kit.specs):
                mine = [fire for fire in fires if fire.trigger == k]
                one = counted(passes, seen, mine, kit.aim, frozenset(kit.aim.forced), self._lead)
                found[spec.name] = {
                    "precision": _three(one.precision), "recall": _three(one.recall),
                    "fires": _three(one.a_day(one.right + one.wrong, grounds.looks_per_car_day)),
                    "events": _three(one.a_day(one.events, grounds.looks_per_car_day)),
                    "counts": (float(one.events.sum()), float(one.right.sum()), float(one.wrong.sum())),
                }  # fmt: skip
            file.write_text(json.dumps(found, indent=1))
        told: dict[str, dict[str, tuple[float, float, float]]] = json.loads(file.read_text())
        return told

    def _exams(self, kit: Kit, crew: Crew, seed: int) -> list[dict[str, Any]]:
        """Every trigger of an aim, on encounters that one of them in turn allocates."""
        studio = kit.open()
        grounds = self._grounds(studio, seed)
        painted = Painted(studio.world, grounds, studio.fitting, kit.aim, trigger=seed % len(kit.specs), hands=crew)
        sampled = sample(painted, self._asked.frames, pilot=PILOT)
        film = Film.find(self._folder / "films", studio, grounds)
        blocks = self._asked.dry // (BLOCK + self._lead)
        film.extend(studio, grounds, blocks, hands=crew)
        dry = film.show(studio, grounds, blocks)
        found = []
        for k in range(len(kit.specs)):
            figures = estimate.figures_of(pooled(painted, theirs(painted, sampled, k), dry, k), rest=painted.rest)
            found.append({
                **{name: asdict(getattr(figures, name)) for name in (*FIGURES, "events")},
                "resolved": figures.resolved, "frames": sampled.frames + dry.frames, "hits": figures.hits,
            })  # fmt: skip
        return found


def _three(interval: estimate.Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high


def _results(
    trigger: str, seed: int, exam: Mapping[str, Any], truth: Mapping[str, tuple[float, float, float]]
) -> Iterator[Result]:
    for name in (*FIGURES, "events"):
        low, middle, high = truth[name]
        yield Result(
            trigger, seed, name, exam[name]["low"], exam[name]["estimate"], exam[name]["high"], middle, low, high,
            exam["resolved"], exam["frames"],
        )  # fmt: skip


def figures(results: Sequence[Result], plain_frames: int) -> list[Figure]:
    """All of them."""
    found = []
    for name in FIGURES:
        mine = [each for each in results if each.figure == name and each.counts]
        found.append(_coverage(f"coverage_{name}", mine))
        found.append(_figure(f"expected_{name}", float(np.mean([each.expected for each in mine])), None, len(mine)))
    shipped = [each for each in results if each.trigger in SHIPPED and each.figure in FIGURES and each.counts]
    found.append(_coverage("shipped", shipped))
    found.append(_figure("resolved", float(np.mean([each.resolved for each in results])), None, len(results)))
    times = plain_frames / float(np.mean([each.frames for each in results]))
    found.append(_figure("times_frames", times, 20.0, 1))
    return found


def _coverage(name: str, results: Sequence[Result]) -> Figure:
    """Two standard errors of a mean over seeds to either side."""
    held = np.array([each.holds for each in results], np.float64)
    _, seed = np.unique([each.seed for each in results], return_inverse=True)
    apart = np.bincount(seed, held - held.mean())
    far = 2.0 * float(np.sqrt((apart**2).sum() * len(apart) / max(len(apart) - 1, 1))) / len(held)
    return _figure(name, float(held.mean()), 0.95, len(held), far)


def _figure(name: str, value: float, target: float | None, runs: int, far: float = 0.0) -> Figure:
    return Figure(name, value, target, "plain driving", runs, value - far, value + far)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--reels", type=int, default=15)
    asked.add_argument("--seeds", type=int, default=8)
    asked.add_argument("--frames", type=int, default=3000)
    asked.add_argument("--dry", type=int, default=5000)
    asked.add_argument("--workers", type=int, default=2)
    sizes = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = sizes.folder or Path(scratch)
        results = list(Bench(folder, sizes).results())
        (folder / "results.json").write_text(json.dumps([asdict(each) for each in results], indent=1))
    print(json.dumps(told("exam_truth", figures(results, sizes.reels * REEL * LONG))))


if __name__ == "__main__":
    main()
