"""What was really there, written down for the examiner; nothing of it ever reaches a trigger or a network.

Truth is asked for at every fire, and at every barrier where something rare stands ahead of a car: the first tells how
often triggers are right, the second what they miss.
"""

import itertools
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.simulation.state import Columns
from scenarios import KINDS, TICK_US, TRAITS, Truth, World
from vehicle import Cut

MOMENT = ("rain", "snow", "fog", "night", "glare", "dirty_lens", "tunnel", "road")
THING = ("distance_m", "visible", "state", "tilt_deg", "traits")
COLUMNS = ("car", "t_us", "kind", "encounter", *THING, *MOMENT)
BLOCK = 256  # fires a call: truth is wide
COMMON = ("none", "vehicle", "truck", "pedestrian", "pole", "tree", "foliage", "gate", "plate")
RARE = tuple(kind for kind in KINDS if kind not in COMMON)  # looked for at every barrier
PIXELS, SHARE = 4, 0.3  # of a thing, in one camera, to count it as seen


class Examiner:
    """Notes which moments to look up, and looks them up at the barrier."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._moments: list[tuple[int, int]] = []

    def looked(self, fires: Iterable[Cut]) -> None:
        """Note the moments of some fires."""
        self._moments += [(cut.car, cut.tick) for cut in fires]

    def take(self, cars: NDArray[np.uint32], barrier_us: int) -> Columns:
        """Rows of `truth`: conditions of every car and rare things ahead now, what was in view at the fires."""
        moments, self._moments = sorted(set(self._moments)), []
        found: Columns = {name: [] for name in COLUMNS}
        self._add_conditions(found, cars, barrier_us)
        tick = barrier_us // TICK_US
        fired = [car for car, at in moments if at == tick]
        ahead = cars[self._world.in_reach(cars, tick, RARE) & ~np.isin(cars, fired)]
        if len(ahead):
            self._add_encounters(found, ahead, np.full(len(ahead), tick), RARE)
        for start in range(0, len(moments), BLOCK):
            at = np.array(moments[start : start + BLOCK], np.int64)
            self._add_encounters(found, at[:, 0].astype(np.uint32), at[:, 1])
        return found

    def _add_conditions(self, found: Columns, cars: NDArray[np.uint32], barrier_us: int) -> None:
        moments, n = self._world.moments(cars, barrier_us // TICK_US), len(cars)
        found["car"] += cars.tolist()
        found["t_us"] += [barrier_us] * n
        found["kind"] += ["conditions"] * n
        found["encounter"] += [0] * n
        for name in THING:
            found[name] += ["" if name == "traits" else None] * n
        for name in MOMENT:
            found[name] += moments[name].tolist() if name in moments else [None] * n

    def _add_encounters(
        self, found: Columns, cars: NDArray[np.uint32], ticks: NDArray[np.int64], kinds: Collection[str] = KINDS
    ) -> None:
        truth = self._world.truth(cars, ticks)
        visible = np.where(truth.pixels >= PIXELS, truth.visible, 0.0).max(axis=1)  # (n, K)
        wanted = truth.valid & np.isin(truth.kind, [KINDS.index(kind) for kind in kinds])
        rows, slots = np.nonzero(wanted & (truth.encounter > 0) & (visible >= SHARE))
        seen = {**truth.things(rows, slots), "visible": visible[rows, slots], "traits": _words(truth, rows, slots)}
        found["car"] += cars[rows].tolist()
        found["t_us"] += (ticks[rows] * TICK_US).tolist()
        found["kind"] += seen["kind"].tolist()
        found["encounter"] += truth.encounter[rows, slots].tolist()
        for name in (*THING, *MOMENT):
            found[name] += seen[name].tolist() if name in seen else [None] * len(rows)


def _words(truth: Truth, rows: NDArray[np.intp], slots: NDArray[np.intp]) -> NDArray[np.str_]:
    """The traits of some things, as words with a space between."""
    has = [truth.has(trait)[rows, slots].tolist() for trait in TRAITS]
    return np.array([" ".join(itertools.compress(TRAITS, each)) for each in zip(*has, strict=True)], np.str_)


def joined(parts: Sequence[Columns]) -> Columns:
    """The rows of all shards, in their order."""
    return {name: [value for part in parts for value in part[name]] for name in COLUMNS}
