"""The moments worth a look: surest and most mistaken, missed, and on the edge; and what a clip weighs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet.exam.crew import Fitting
from fleet.exam.findings import Rows
from fleet.exam.grading import SHOWN
from fleet.exam.painted import Painted
from scenarios import open_world, staging
from vehicle import Cut, develop

if TYPE_CHECKING:
    from fleet.exam.exam import Order

SCALE = 4  # of the picture for people, against what networks see
WEIGHED = 8  # clips whose pictures are packed, to know what they weigh

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One moment.

    sort: right, wrong, missed or borderline; about: what was there; score: NaN where there was none
    seen: (height, width, 3) uint8 as networks get it; large: the same, painted with more pixels; camera: which
    """

    sort: str
    about: str
    score: float
    camera: str
    seen: NDArray[np.uint8]
    large: NDArray[np.uint8]


def clip_bytes(fitting: Fitting, rows: Rows, trigger: int = 0) -> float:
    """Mean bytes of a clip: of fires, or where there are none of moments at which one might have fired."""
    spec = fitting.specs[trigger]
    chosen = np.flatnonzero(rows.fired)
    if not len(chosen):
        chosen = np.arange(len(rows.sample))
    chosen = chosen[:: max(len(chosen) // WEIGHED, 1)][:WEIGHED]
    cuts = [Cut.of_fire(int(row), int(rows.driven.tick(rows.moment[row])), spec, 0.0) for row in chosen]
    developed = develop(rows.driven.world, fitting.loadout(len(rows.sample)), cuts, "exam")
    return float(np.mean([each.nbytes for each in developed])) if developed else 0.0


def clips_of(painted: Painted, rows: Rows, threshold: float, eyes: "Eyes") -> list[Clip]:
    """Up to `SHOWN` of each sort, painted."""
    score = np.nan_to_num(rows.score, nan=-1.0)
    event = rows.sample.event
    right, wrong = rows.sample.right, rows.fired & ~event
    edge = np.argsort(np.abs(score - threshold), kind="stable")
    sorts = {
        "right": _first(right, np.argsort(-score, kind="stable")),
        "wrong": _first(wrong, np.argsort(-score, kind="stable")),
        "missed": _first(event & ~rows.sample.right, np.argsort(score, kind="stable")),
        "borderline": _first(np.isfinite(rows.score) & (event | wrong), edge),
    }
    return [painted_clip(painted, rows, sort, row, eyes) for sort, found in sorts.items() for row in found.tolist()]


class Eyes:
    """The exam's world with one camera of many pixels, opened once for each camera."""

    def __init__(self, order: "Order") -> None:
        self._order = order
        self._worlds: dict[int, staging.DrawnWorld] = {}

    def of(self, world: staging.StagedWorld, camera: int) -> staging.StagedWorld:
        """The staged world, seen by this camera alone."""
        if camera not in self._worlds:
            eye = type(world.rig)((world.rig.cameras[camera],)).resized(SCALE)
            opened = open_world(self._order.world, seed=self._order.seed, cars=1, rig=eye, chunk=1, compiled=False)
            self._worlds[camera] = staging.drawn(opened)
        return world.on(self._worlds[camera])


def _first(which: NDArray[np.bool_], order: NDArray[np.intp]) -> Ints:
    return order[which[order]][:SHOWN]


def painted_clip(painted: Painted, rows: Rows, sort: str, row: int, eyes: Eyes) -> Clip:
    """The camera that shows most of what was put there, or the main one."""
    world, tick, car = rows.driven.world, int(rows.driven.tick(rows.moment[row])), np.array([row], np.uint32)
    truth, site = world.truth(car, tick), int(rows.driven.passes.sites[row])
    if site < 0:  # of ordinary driving, what it fired at
        site = next((fire.site for fire in rows.driven.fires if fire.row == row and fire.site >= 0), -2)
    mine = (staging.site_of(truth.encounter) == site) & truth.valid
    pixels = np.where(mine[:, None], truth.pixels, 0.0)[0].max(axis=1, initial=0.0)  # by camera
    camera = int(pixels.argmax()) if mine.any() else 0
    seen = np.moveaxis(world.frames(car, tick).pixels[0, camera].cpu().numpy(), 0, -1)
    large = np.moveaxis(eyes.of(world, camera).frames(car, tick).pixels[0, 0].cpu().numpy(), 0, -1)
    name = painted.strata[int(rows.sample.stratum[row])].name
    return Clip(
        sort, name, float(rows.score[row]), world.rig.names[camera],
        np.ascontiguousarray(seen), np.ascontiguousarray(large),
    )  # fmt: skip
