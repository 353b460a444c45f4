"""What can be met on the proving ground: a world where it is frequent, and how the examiner knows that it is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.training import labels_of
from scenarios import ENCOUNTERS, KINDS, Truth, World
from vehicle import TASKS

Mask = NDArray[np.bool_]
Cars = NDArray[np.uint32]
Ticks = NDArray[np.int64]
Moves = Callable[[World, Cars, Ticks], Mask]
Shows = Callable[[Truth], Mask]

OFTEN = {"cell": 5.0, "stretch": 1.2, "place": 1.0}  # per km; on a stretch that is nearly each
_STILL_MPS, _STEP, _MOMENT = 0.5, 10, 20  # ticks
_QUIET = {"crosswalks_per_km": 1.0, "junctions_per_km": 1.0, "hard_brakes_per_hour": 0.0}


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that cars meet.

    says: one line for people
    shows: from the truth about n cars to whether it is there, (n,)
    moves: the same from the world, cars and ticks, where that is cheaper; both must hold where both are given
    meets: the encounter or place that is made frequent; nothing else rare is met; per_km: how frequent, if not as usual
    world: whose climate; changes: further fields of the world
    before_s, after_s: how much is driven before it begins and from then on; every_s: how often the car looks
    lasts: it has no beginning that matters; any moment of it will do
    least_s: what is over sooner does not count
    without: what must not be there at any look of the passage, for it is what a near miss only resembles
    """

    says: str
    shows: Shows | None = None
    moves: Moves | None = None
    meets: str = ""
    per_km: float = 0.0
    world: str = "sunny_city"
    changes: Mapping[str, Any] = field(default_factory=dict)
    before_s: float = 5.0
    after_s: float = 7.0
    every_s: float = 0.4
    lasts: bool = False
    least_s: float = 0.0
    without: Shows | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """All fields of its world that are not as the world's file has them."""
        rates: dict[str, float] = dict.fromkeys((*ENCOUNTERS, "tunnel", "overpass", "blinded_camera", "crest"), 0.0)
        if self.meets:
            usual = OFTEN[ENCOUNTERS[self.meets].on] if self.meets in ENCOUNTERS else OFTEN["place"]
            rates[self.meets] = self.per_km or usual
        return {**_QUIET, "encounters_per_km": rates, **self.changes}


def thing(
    kind: str, trait: str = "", *, within_m: float = 45.0, aside_m: float = np.inf, state: int | None = None
) -> Shows:
    """Whether such a thing is in sight ahead, no farther aside than so."""

    def shows(truth: Truth) -> Mask:
        there = (truth.kind == KINDS.index(kind)) & truth.valid & (truth.x_m > 0) & (truth.distance_m < within_m)
        there &= np.abs(truth.y_m) < aside_m
        if trait:
            there &= truth.has(trait)
        if state is not None:
            there &= np.round(truth.state) == state
        return np.asarray((there & (truth.pixels.max(axis=1) >= 4)).any(axis=1))

    return shows


def both(*each: Shows) -> Shows:
    """Whether all of these hold."""
    return lambda truth: np.logical_and.reduce([shows(truth) for shows in each])


def none_of(*each: Shows) -> Shows:
    """Whether none of these holds."""
    return lambda truth: ~np.logical_or.reduce([shows(truth) for shows in each])


def leads(truth: Truth) -> Mask:
    """Whether a vehicle drives ahead in the own lane, within 40 m."""
    vehicle = np.isin(truth.kind, [KINDS.index(kind) for kind in ("vehicle", "truck", "school_bus")]) & truth.valid
    ahead = (truth.x_m > 0) & (truth.distance_m < 40) & (np.abs(truth.y_m) < 1.5)
    return np.asarray((vehicle & ahead).any(axis=1))


def shown_by(camera: int, *, but_not_by: int) -> Shows:
    """Whether a labeller names a vehicle in one camera (its place in the rig) and is sure of none in another."""

    def shows(truth: Truth) -> Mask:
        label, told = labels_of({"vehicles": TASKS["vehicles"]}, truth)["vehicles"]
        named = label.numpy() > 0.5
        sure = named if told is None else told.numpy() > 0.5
        return np.asarray(named[:, camera] & sure[:, but_not_by] & ~named[:, but_not_by])

    return shows


def covered(camera: int, *, others_clear: bool = False) -> Shows:
    """Whether something covers the lens of this camera (its place in the rig)."""

    def shows(truth: Truth) -> Mask:
        blind = truth.covered[:, camera] > 0.6
        if others_clear:
            blind &= (truth.covered > 0.4).sum(axis=1) == 1
        return np.asarray(blind)

    return shows


def people(truth: Truth) -> Mask:
    """Whether somebody on foot is close: within 18 m, no farther aside than a lane and a half."""
    somebody = (truth.kind == KINDS.index("pedestrian")) & truth.valid
    close = (truth.x_m > 2) & (truth.distance_m < 18) & (np.abs(truth.y_m) < 6)
    return np.asarray((somebody & close & (truth.pixels[:, 0] >= 10)).any(axis=1))


def braking(least_mps2: float, most_mps2: float = np.inf) -> Moves:
    """Whether the car brakes so hard."""

    def moves(world: World, cars: Cars, ticks: Ticks) -> Mask:
        pull = -world.motion(cars, ticks).acceleration_mps2
        return np.asarray((pull >= least_mps2) & (pull < most_mps2))

    return moves


def shaken(least_mps2: float, most_mps2: float = np.inf) -> Moves:
    """Whether a crest or dip lifts or presses the car so much."""

    def moves(world: World, cars: Cars, ticks: Ticks) -> Mask:
        lift = np.abs(world.motion(cars, ticks).vertical_mps2)
        return np.asarray((lift >= least_mps2) & (lift < most_mps2))

    return moves


def falls_on(camera: int) -> Moves:
    """Whether something covers the lens of this camera (its place in the rig) that was clear a moment ago."""

    def moves(world: World, cars: Cars, ticks: Ticks) -> Mask:
        now, before = (world.motion(cars, ticks - shift).odometer_m for shift in (0, _MOMENT))
        found = np.asarray((now // 1000 != before // 1000) & (now > 1000))  # covered, or clear again, by the kilometre
        rows = np.flatnonzero(found)
        if len(rows):
            was, is_now = (world.truth(cars[rows], ticks[rows] - shift).covered[:, camera] for shift in (_MOMENT, 0))
            found[rows] = (is_now > 0.6) & (was < 0.4)
        return found

    return moves


def enters_tunnel(world: World, cars: Cars, ticks: Ticks) -> Mask:
    """Whether the car drives under a tunnel's roof now and did not a second ago."""
    now, before = (world.moments(cars, ticks - shift)["tunnel"] > 0.5 for shift in (0, 10))
    return np.asarray(now & ~before)


def stops(least: int, *, within_s: int) -> Moves:
    """Whether the car comes to a halt now, at least the so-manieth time within so many seconds, driving in between."""

    def halts_now(world: World, cars: Cars, ticks: Ticks) -> Mask:
        now, before = (world.motion(cars, ticks - shift).speed_mps < _STILL_MPS for shift in (0, _STEP))
        return np.asarray(now & ~before)

    def moves(world: World, cars: Cars, ticks: Ticks) -> Mask:
        found = halts_now(world, cars, ticks)
        rows = np.flatnonzero(found)
        back = np.arange(0, within_s * 10, _STEP)
        speeds = world.motion(np.repeat(cars[rows], len(back)), (ticks[rows, None] - back).ravel()).speed_mps
        speeds = speeds.reshape(len(rows), len(back))  # newest first
        halts = ((speeds[:, :-1] < _STILL_MPS) & (speeds[:, 1:] >= _STILL_MPS)).sum(axis=1)
        found[rows] = (halts >= least if least > 1 else halts == 1) & (speeds.max(axis=1) > 4.0)
        return found

    return moves
