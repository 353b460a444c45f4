"""A hundred cars, one trigger, one server: what a fleet brings home from twenty seconds of a rainy evening."""

from pathlib import Path
from tempfile import TemporaryDirectory

from fleet.plan_file import load_plan
from fleet.simulation.run import start
from telemetry import open_run

TRIGGER = """
name: standing
kind: expression
params: {fire_when: "Vehicle.Speed < 1"}
fire: {edge: rising}
clip: {before_s: 2, after_s: 2, cameras: [main, narrow]}
"""

PLAN = """
seed: 7
cars: 100
start: 18:30
duration: 20s
world: rainy_city
perceive_every_s: 2
signals_every_s: 2
loadout: {production: hydranet-v1, triggers: [standing.yaml]}
uplink: {kind: lte, mbps: 2}
"""


def main() -> None:
    """Run the plan, and ask the tables what happened."""
    with TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "standing.yaml").write_text(TRIGGER)
        (here / "hello.yaml").write_text(PLAN)
        summary = start(load_plan(str(here / "hello.yaml")), here / "run")
        print(
            f"{summary.cars} cars looked {summary.car_ticks} times: {summary.fires} fires, {summary.clips_kept} clips"
        )
        with open_run(here / "run") as run:
            print(run.sql("SELECT car, clip, frames, bytes FROM clips ORDER BY car LIMIT 5"))
            print(run.sql("SELECT reason, sum(count) AS verdicts FROM reasons GROUP BY reason ORDER BY 2 DESC"))


if __name__ == "__main__":
    main()
