"""Where in a world something is to be seen: moments, cameras and boxes, found by what truth says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.report.preview import Box
from scenarios import KINDS, TICK_US, TRAITS, Draws, Rig, Truth, World

BATCH, BATCHES = 48, 6
PIXELS = 12.0  # that must be visible
_WORTH = 0.05  # how much better a view must be to count; looking ends with a batch that has none
_SAME_M = 0.01
_GROUP_M = 4.0  # so near to one another, things belong together
_AHEAD_M = 3.0
_NOON = 12 * 3_600_000_000 // TICK_US
_HOUR = 3_600_000_000 // TICK_US
_DIFFERS = 6.0  # mean difference of a camera's pixels, of 255, that shows something else


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be seen in a car at a tick by the one camera of `eye`."""

    car: int
    tick: int
    eye: Rig
    title: str
    facts: tuple[tuple[str, str], ...]
    box: Box | None = None

    def named(self, title: str) -> "Found":
        """The same under another title."""
        return replace(self, title=title)

    def later(self, ticks: int) -> "Found":
        """The same camera so many ticks later, the whole picture of it."""
        if ticks == 0:
            return self
        seconds = ticks * TICK_US / 1e6
        return replace(self, tick=self.tick + ticks, title=f"{seconds:+.0f} s, {self.eye.names[0]}", facts=(), box=None)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A thing of a row: in which slot, and how far from what is wanted."""

    cost: float
    row: int
    slot: int


def moments(world: World, batch: int, size: int = BATCH) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Cars that drive, and ticks of the afternoon, up to `size`; the same for the same number."""
    draws, number = Draws(20), np.arange(4 * size)
    cars = draws.integers("preview car", number, batch, high=20_000).astype(np.uint32)
    ticks = _NOON + 3 * _HOUR + draws.integers("preview tick", number, batch, high=4 * _HOUR)
    driving = np.flatnonzero(world.motion(cars, ticks).driving)[:size]
    return cars[driving], ticks[driving]


def find_things(world: World, without: World, distances_m: Sequence[float]) -> list[Found]:
    """The best view of what is in one world and not in the other, at each distance; none where there is none."""
    best: dict[float, tuple[_Candidate, Found]] = {}
    for batch in range(BATCHES):
        cars, ticks = moments(world, batch)
        truth = world.truth(cars, ticks)
        new = _not_in(truth, without.truth(cars, ticks))
        better = 0
        for wanted in distances_m:
            candidate = _nearest(world, truth, new, wanted)
            if candidate and (wanted not in best or candidate.cost < best[wanted][0].cost - _WORTH):
                best[wanted] = candidate, _found(world, truth, new, candidate)
                better += 1
        if best and not better:
            break
    return [best[wanted][1] for wanted in distances_m if wanted in best]


def find_where_it_differs(world: World, without: World) -> list[Found]:
    """Views ahead in which two worlds differ most, and about 0.4 times as much; none where they look alike."""
    ranked: list[tuple[float, Found]] = []
    for batch in range(min(BATCHES, 3)):  # painting takes longer than asking for the truth
        cars, ticks = moments(world, batch, 16)
        one, other = (each.frames(cars, ticks).pixels.cpu().numpy().astype(np.float32) for each in (world, without))
        differs = np.abs(one - other).mean(axis=(2, 3, 4)) * ~_aside(world.rig)  # (n, cameras)
        for row in np.flatnonzero(differs.max(axis=1) > _DIFFERS):
            car, tick, camera = int(cars[row]), int(ticks[row]), int(differs[row].argmax())
            found = Found(car, tick, _eye(world, camera), world.rig.names[camera], _moment(car, tick))
            ranked.append((float(differs[row].max()), found))
    ranked.sort(key=lambda each: each[0], reverse=True)
    if not ranked:
        return []
    middle = min(ranked[1:], key=lambda each: abs(each[0] - 0.4 * ranked[0][0]), default=ranked[0])
    return [ranked[0][1], *([middle[1]] if middle is not ranked[0] else [])]


def whole(world: World, cameras: Sequence[str]) -> list[Found]:
    """The busiest of some moments, as these cameras see it."""
    cars, ticks = moments(world, 0)
    truth = world.truth(cars, ticks)
    busy = ((truth.pixels[:, 0] > PIXELS) & _counted(truth)).sum(axis=1) + 0.5 * (truth.speed_mps > 5.0)
    row = int(busy.argmax())
    car, tick = int(cars[row]), int(ticks[row])
    eyes = [_eye(world, world.rig.names.index(camera)) for camera in cameras]
    return [Found(car, tick, eye, eye.names[0], _moment(car, tick)) for eye in eyes]


def _eye(world: World, camera: int) -> Rig:
    return Rig((world.rig.cameras[camera],))


def _moment(car: int, tick: int) -> tuple[tuple[str, str], ...]:
    return (("car and tick", f"{car}, {tick}"),)


def _counted(truth: Truth) -> NDArray[np.bool_]:
    """Things that somebody counts, (n, K): no trees, no poles."""
    return np.asarray(truth.valid & (truth.encounter != 0))


def _not_in(truth: Truth, other: Truth) -> NDArray[np.bool_]:
    """Things, (n, K), of which the other truth has none of the same kind in the same place."""
    shape = (*truth.kind.shape, other.kind.shape[1])
    same = np.broadcast_to(other.valid[:, None], shape) & (truth.kind[:, :, None] == other.kind[:, None])
    for name in ("x_m", "y_m"):
        same &= np.abs(getattr(truth, name)[:, :, None] - getattr(other, name)[:, None]) < _SAME_M
    return np.asarray(truth.valid & ~same.any(axis=2))


def _nearest(world: World, truth: Truth, new: NDArray[np.bool_], wanted_m: float) -> _Candidate | None:
    """The new thing that is best seen at about this distance."""
    counted = new & (truth.encounter != 0)
    asked = counted if counted.any() else new
    cost = np.abs(truth.distance_m - wanted_m) / wanted_m + 0.4 * (truth.traits == 0) + 0.6 * (truth.state == 0)
    costs = cost[:, None] + 0.8 * (1.0 - truth.visible) - 0.1 * np.log10(np.maximum(truth.pixels, 1.0))
    costs = costs + 0.5 * _cut_off(truth.box, world.rig) + 0.3 * _aside(world.rig)[:, None]
    seen = (truth.pixels > PIXELS) & (asked & (truth.x_m > _AHEAD_M))[:, None]
    if not seen.any():
        return None
    best = np.unravel_index(int(np.where(seen, costs, np.inf).argmin()), costs.shape)
    row, camera, slot = (int(each) for each in best)
    return _Candidate(float(costs[row, camera, slot]), row, slot)


def _aside(rig: Rig) -> NDArray[np.bool_]:
    """Which cameras do not look ahead, (C,): people know things better from ahead."""
    return np.array([camera.yaw_deg != 0.0 for camera in rig.cameras])


def _cut_off(boxes: NDArray[np.float32], rig: Rig) -> NDArray[np.bool_]:
    """Which boxes (..., 4) touch an edge of the picture."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    return np.asarray((left < 0.5) | (top < 0.5) | (right > rig.width - 0.5) | (bottom > rig.height - 0.5))


def _found(world: World, truth: Truth, new: NDArray[np.bool_], best: _Candidate) -> Found:
    """The candidate with what belongs to it, in the camera that shows all of it best."""
    row, slot = best.row, best.slot
    near = np.hypot(truth.x_m[row] - truth.x_m[row, slot], truth.y_m[row] - truth.y_m[row, slot]) < _GROUP_M
    group = np.flatnonzero(new[row] & near & (truth.pixels[row].max(axis=0) > 0.5))
    seen = truth.pixels[row][:, group] > 0.5
    size = truth.pixels[row][:, group].sum(axis=1)  # (C,)
    camera = int(
        np.where((_cut_off(truth.box[row][:, group], world.rig) & seen).any(axis=1), 0.2 * size, size).argmax()
    )
    group = group[seen[camera]]
    boxes = truth.box[row, camera, group]
    low, high = np.floor(boxes[:, :2].min(axis=0)).astype(int), np.ceil(boxes[:, 2:].max(axis=0)).astype(int)
    name, metres = world.rig.names[camera], float(truth.distance_m[row, slot])
    order = sorted(group, key=lambda each: (truth.encounter[row, each] == 0, -truth.pixels[row, camera, each]))
    car, tick = int(truth.cars[row]), int(truth.ticks[row])
    facts = (*(_fact(truth, row, camera, int(each)) for each in order), *_moment(car, tick))
    box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    return Found(car, tick, _eye(world, camera), f"{metres:.0f} m, {name}", facts, box)


def _fact(truth: Truth, row: int, camera: int, slot: int) -> tuple[str, str]:
    """A thing in words: its kind, and what else truth says of it."""
    said = [trait.replace("_", " ") for trait in TRAITS if truth.has(trait)[row, slot]]
    if truth.state[row, slot]:
        said.append(f"state {truth.state[row, slot]:.0f}")
    if abs(truth.tilt_deg[row, slot]) > 0.5:
        said.append(f"leans {truth.tilt_deg[row, slot]:.0f}°")
    said.append(f"{truth.pixels[row, camera, slot]:.0f} pixels, {truth.visible[row, camera, slot]:.0%} visible")
    return KINDS[truth.kind[row, slot]].replace("_", " "), ", ".join(said)
