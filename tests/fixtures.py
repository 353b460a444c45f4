"""Real things, small: a trigger that fires often, and a plan of a few cars and seconds."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.plan import RunPlan
from fleet.plan_file import load_plan
from telemetry import open_run

if TYPE_CHECKING:
    from fleet.simulation.crew import Progress

DATA = Path(os.environ.get("OUTRIDER_DATA") or Path(__file__).parents[2] / "shared" / "data")

OFTEN = """\
name: often
kind: expression
params: {fire_when: "Vehicle.Speed >= 0"}
fire: {edge: always, cooldown_s: 2}
clip: {before_s: 2, after_s: 2, hz: 0.5, cameras: [main, narrow], merge: false}
"""

PLAN = """\
cars: 14
shards: 1
start: 18:30
duration: 8s
world: rainy_city
perceive_every_s: 2
signals_every_s: 2
barrier_every_s: 2
loadout: {production: hydranet-v1, shadows: [hydranet-v2-cand], triggers: [often.yaml]}
uplink: {kind: lte, mbps: 0.1}
"""


@contextmanager
def plain_painting() -> Iterator[None]:
    """Paint without torch's compiler, here and in child processes: it takes a minute to get going, and pays later."""
    from torch._dynamo import config

    was, config.disable = config.disable, True
    before = os.environ.get("TORCH_COMPILE_DISABLE")
    os.environ["TORCH_COMPILE_DISABLE"] = "1"
    try:
        yield
    finally:
        config.disable = was
        os.environ.pop("TORCH_COMPILE_DISABLE")
        if before is not None:  # an outer use still wants it
            os.environ["TORCH_COMPILE_DISABLE"] = before


def save_plan(folder: Path) -> Path:
    """`small.yaml` and its trigger, in the folder."""
    (folder / "often.yaml").write_text(OFTEN)
    (folder / "small.yaml").write_text(PLAN)
    return folder / "small.yaml"


def small_plan(folder: Path, *overrides: str) -> RunPlan:
    """The plan in a folder that `save_plan` filled."""
    return load_plan(str(folder / "small.yaml"), overrides)


def rows_of(run: Path, tables: Iterable[str]) -> dict[str, list[str]]:
    """Tables, sorted, but for the run's name."""
    with open_run(run) as db:
        return {table: sorted(map(repr, db.table(table).project("* EXCLUDE run").fetchall())) for table in tables}


class Interrupts:
    """Ctrl-C after so many car-ticks."""

    def __init__(self, car_ticks: int) -> None:
        self.left = car_ticks

    def __call__(self, progress: "Progress") -> None:
        if progress.car_ticks > self.left:
            raise KeyboardInterrupt
