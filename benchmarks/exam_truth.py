"""An exam's intervals against plain driving with 20 times the frames, at base rates raised until that is affordable.

In a world where what three triggers look for is met about once a kilometre, each trigger is examined, and then as much
ordinary driving is looked at and labelled as takes 20 times the frames; one line of JSON:

- `precision_agrees`, `fires_agree`: triggers of which the two 95 % intervals meet, of three
- `width_ratio`: half-width of precision of the exam, over that of plain driving

`--frames N` of an exam; plain driving takes 20 N.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from fleet.exam.aims import aim_of
from fleet.exam.crew import Fitting
from fleet.exam.driving import drive
from fleet.exam.exam import pooled
from fleet.exam.grounds import BLOCK, Grounds
from fleet.exam.painted import Painted, alerts
from fleet.exam.trial import sample
from scenarios import Draws, open_world, staging
from triggers import TriggerSpec, estimate, load_spec
from vehicle import load_network

RAISED = {
    "caution_light": 1.0,
    "dark_lamp": 1.0,
    "balloon": 1.0,
    "stop_sign": 1.0,
    "no_entry": 1.0,
    "cone": 1.0,
    "hydrant": 1.0,
}
RULES = {
    "stop_sign": "stop_sign > 0.7",
    "traffic_light": "traffic_light > 0.7",
}
TIMES = 20


def specs() -> list[TriggerSpec]:
    """One that ships, and two rules on the network's answers."""
    made = [
        TriggerSpec.model_validate(
            {"name": name, "kind": "expression", "params": {"fire_when": rule}, "fire": {"cooldown_s": 60}}
        )
        for name, rule in RULES.items()
    ]
    return [load_spec("caution_light"), *made]


def compared(world: staging.DrawnWorld, spec: TriggerSpec, frames: int) -> tuple[bool, bool, float]:
    """Whether precision and fires agree, and how wide precision is against plain driving."""
    grounds, aim = Grounds(world, Draws(1), 1.0, car_days=2000), aim_of(spec.name)
    fitting = Fitting(load_network("hydranet-v1"), (), (spec,))
    painted = Painted(world, grounds, fitting, aim)
    sampled = sample(painted, frames)
    nothing = grounds.blocks("exam dry run", np.arange(1))
    found = estimate.figures_of(
        pooled(painted, sampled, drive(world, fitting, nothing, aim, grounds.step)), rest=painted.rest
    )
    blocks = TIMES * sampled.frames // (BLOCK + grounds.lead)
    plain = drive(world, fitting, grounds.blocks("plain driving", np.arange(blocks)), aim, grounds.step)
    fired = alerts(plain, 0)
    right = np.zeros(len(fired), np.bool_)
    right[[fire.row for fire in plain.fires if fire.name in aim.catches]] = True
    precision = estimate.wilson(float((right & fired).sum()), float(fired.sum()))
    fires = estimate.garwood(float(fired.sum())).times(grounds.blocks_per_car_day / blocks)
    return (
        _meet(found.precision, precision), _meet(found.fires, fires),
        found.precision.half_width / precision.half_width,
    )  # fmt: skip


def _meet(one: estimate.Interval, other: estimate.Interval) -> bool:
    return one.low <= other.high and other.low <= one.high


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--frames", type=int, default=5000)
    frames = asked.parse_args().frames
    spec = staging.drawn(open_world("mixed_fleet", seed=1, cars=1)).spec
    fields = spec.model_dump(mode="json", exclude_none=True) | {"name": "raised", "encounters_per_km": RAISED}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "raised.yaml"
        file.write_text(json.dumps(fields))
        world = staging.drawn(open_world(str(file), seed=1, cars=1))
        results = [compared(world, each, frames) for each in specs()]
    told = [
        ("precision_agrees", float(sum(each[0] for each in results)), 3.0),
        ("fires_agree", float(sum(each[1] for each in results)), 3.0),
        ("width_ratio", float(np.median([each[2] for each in results])), None),
    ]
    figures = [
        {
            "bench": "exam_truth", "figure": name, "value": round(value, 4), "target": target, "runs": len(results),
            "low": round(value, 4), "high": round(value, 4), "floor_or_rival": "plain driving",
        }
        for name, value, target in told
    ]  # fmt: skip
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
