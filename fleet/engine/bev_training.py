"""A loop one can read: BEV nets learn from footage, with and without memory, all from the same batches."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fleet.engine.footage import Footage
from fleet.engine.training import LossNotFinite, Schedule
from scenarios import CLASSES, GRID, Draws, Rig
from vehicle import BevNet, Geometry

WEIGHT = {"drivable": 1.0, "lane_line": 2.0, "crosswalk": 4.0, "vehicle": 3.0, "pedestrian": 25.0}
"""How much more a cell counts that has the class than one that has not: what is small must not drown."""
SCALE = {"drivable": 1.0, "lane_line": 2.0, "crosswalk": 8.0, "vehicle": 5.0, "pedestrian": 15.0}
"""Of a class among classes: they differ by a factor of 500 in how many cells they have."""

FORGOTTEN = 0.15  # of looks back: a trip has just begun, or a look was lost
TURNED = (0.3, 0.6, 1.0, 1.5)  # degrees: rigs that are not quite as the net is told; others are exact
_TURNED_SHARE = 0.4
FIRST = 3  # look of a drive from which on maps are made: by then there is as much to remember as there will be

Progress = Callable[[int, float], None]


class BevLearner:
    """A net under training, and what its optimiser remembers."""

    def __init__(self, net: BevNet) -> None:
        self.net = net.train()
        self._optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)

    def learn(self, batch: "Batch", geometry: Geometry, *, rate: float, step: int) -> float:
        """One step on one batch; the loss before it. LossNotFinite."""
        drives, t = batch.fine.shape[:2]
        looks = self.net.look(batch.fine.flatten(0, 1), batch.x.flatten(0, 1), geometry)
        alone = loss_of(looks[:, : len(CLASSES)], batch.cells.flatten(0, 1))
        maps = rounded(self.net.packed(looks))
        maps = maps.view(drives, t, *maps.shape[1:])
        together = loss_of(*fused(self.net, maps, batch, range(FIRST, t)))
        total = 0.5 * alone + together
        if not torch.isfinite(total):
            raise LossNotFinite(step, {"look": float(alone.detach()), "map": float(together.detach())})
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self._optimizer.step()
        return float(together.detach())


class Batch:
    """Some drives of footage as tensors.

    fine, x: (drives, t, c, channels, cells) float32; cells: (drives, t, classes, rows, columns) float32
    moved: (drives, t, t, 3); had: (drives, t, t) bool, which looks are remembered at which
    """

    def __init__(self, footage: Footage, drives: NDArray[np.intp], draws: Draws | None = None, number: int = 0) -> None:
        """draws: by which some looks are forgotten; None for none."""
        self.fine, self.x = (torch.from_numpy(footage.maps[name][drives].astype(np.float32)) for name in ("fine", "x"))
        self.cells = torch.from_numpy(footage.cells(drives).astype(np.float32))
        self.moved = footage.moved[drives]
        t = self.moved.shape[1]
        self.had = np.tril(np.ones((len(drives), t, t), np.bool_), -1)
        if draws is not None:
            lost = draws.uniform("forgotten look", np.arange(self.had.size), number).reshape(self.had.shape)
            self.had &= lost >= FORGOTTEN


def fused(net: BevNet, maps: Tensor, batch: Batch, at: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Logits of the maps at these looks, each with as many before it as the net remembers, and what was there.

    maps: (drives, t, rows + 2, columns + 2, CHANNELS); both (looks * drives, classes, rows, columns)
    """
    seen = [_remembered(net, maps, batch, now) for now in at]
    return net.fuse(torch.cat(seen)), torch.cat([batch.cells[:, now] for now in at])


def _remembered(net: BevNet, maps: Tensor, batch: Batch, now: int) -> Tensor:
    """One look of every drive with those before it, newest first."""
    before = [now - each - 1 for each in range(net.looks)]
    moved = batch.moved[:, now, before].reshape(-1, 3)
    cells = (
        net.places(moved).reshape(len(maps), len(before), GRID.rows * GRID.columns) * batch.had[:, now, before, None]
    )
    return net.remember(maps[:, [now, *before]], torch.from_numpy(cells))


def rounded(maps: Tensor) -> Tensor:
    """As bytes would keep them; gradients pass as if they did not (Bengio et al., 2013, straight through)."""
    return maps + (torch.round(maps * 255) / 255 - maps).detach()


def loss_of(logits: Tensor, there: Tensor) -> Tensor:
    """Cross-entropy by WEIGHT and what is missing in overlap (soft Jaccard), over (n, classes, rows, columns)."""
    weight = torch.tensor([WEIGHT[name] for name in CLASSES])[:, None, None]
    entropy = functional.binary_cross_entropy_with_logits(logits, there, pos_weight=weight, reduction="none")
    scale = torch.tensor([SCALE[name] for name in CLASSES])
    chance = torch.sigmoid(logits)
    both = (chance * there).sum((0, 2, 3))
    either = chance.sum((0, 2, 3)) + there.sum((0, 2, 3)) - both
    overlap = (both + 1.0) / (either + 1.0)
    return (entropy.mean((0, 2, 3)) * scale).sum() / len(CLASSES) + (1.0 - overlap).mean()


def train_bev(
    nets: Sequence[BevNet], footage: Footage, rig: Rig, schedule: Schedule, *, seed: int, progress: Progress
) -> int:
    """Train nets on the same batches of drives; how many steps they took. Progress hears the first one's loss."""
    draws = Draws(seed)
    geometries = [nets[0].geometry(each) for each in (rig, *_turned(rig))]
    learners = [BevLearner(net) for net in nets]
    begun, step = time.monotonic(), 0
    order = np.zeros(0, np.intp)
    while (done := schedule.done(step, time.monotonic() - begun)) < 1:
        if len(order) < schedule.batch:
            lap = draws.uniform("order of drives", np.arange(len(footage)), step)
            order = np.concatenate([order, np.argsort(lap)])
        batch = Batch(footage, np.sort(order[: schedule.batch]), draws, step)
        order = order[schedule.batch :]
        turned, which, _, _ = draws.four("rig to be told", np.arange(1), step)
        told = 1 + int(which[0] * (len(geometries) - 1)) if turned[0] < _TURNED_SHARE else 0
        losses = [
            each.learn(batch, geometries[told], rate=schedule.rate_at(step, done), step=step) for each in learners
        ]
        step += 1
        progress(step, losses[0])
    for net in nets:
        net.eval()
    return step


def _turned(rig: Rig) -> list[Rig]:
    return [rig.miscalibrated(degrees, seed) for degrees in TURNED for seed in range(4)]
