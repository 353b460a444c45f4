"""How well BEV nets map drives they have not learnt from: intersection over union, by distance and slice."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fleet.engine.bev_training import Batch, fused, rounded
from fleet.engine.footage import Footage
from scenarios import CLASSES, GRID, Rig
from vehicle import BevNet

EVERYWHERE = "everywhere"
RINGS = {"within_10_m": (0.0, 10.0), "10_to_20_m": (10.0, 20.0), "beyond_20_m": (20.0, 99.0)}
"""Distances from the car of a cell's middle."""

Figures = dict[str, dict[str, float]]
"""Where to class to intersection over union; a class that is nowhere there is left out."""

_BATCH = 8  # drives
_CHANCES = np.arange(0.05, 0.96, 0.05)
Counts = NDArray[np.float64]


def thresholds_of(net: BevNet, footage: Footage, rig: Rig) -> dict[str, float]:
    """The probability from which each class counts, so that intersection over union is highest over this footage."""
    counts = np.zeros((2, len(_CHANCES), len(CLASSES)))
    for chance, there in _maps(net, footage, rig):
        for i, least in enumerate(_CHANCES):
            counts[:, i] += _overlap(chance >= least, there).sum((1, 3))
    best = (counts[0] / np.maximum(counts[1], 1)).argmax(axis=0)
    return {name: round(float(_CHANCES[best[i]]), 2) for i, name in enumerate(CLASSES)}


def figures_of(
    net: BevNet, footage: Footage, rig: Rig, thresholds: Mapping[str, float], slices: Mapping[str, NDArray[np.bool_]]
) -> Figures:
    """Over the last look of each drive. slices: by name which drives are in it, (m,) each; `everywhere` comes first."""
    least = torch.tensor([thresholds[name] for name in CLASSES])[:, None, None]
    counts = np.concatenate([_overlap(chance >= least, there) for chance, there in _maps(net, footage, rig)], axis=1)
    told = {EVERYWHERE: counts.sum((1, 3))}
    told |= {name: counts[..., i].sum(1) for i, name in enumerate(RINGS)}
    told |= {name: counts[:, drives].sum((1, 3)) for name, drives in slices.items()}
    return {
        where: {name: round(float(both[i] / either[i]), 4) for i, name in enumerate(CLASSES) if either[i] > 0}
        for where, (both, either) in told.items()
    }


def _maps(net: BevNet, footage: Footage, rig: Rig) -> Iterator[tuple[Tensor, Tensor]]:
    """Probabilities and what was there at the last look of each drive, (drives, classes, rows, columns)."""
    geometry = net.geometry(rig)
    for start in range(0, len(footage), _BATCH):
        batch = Batch(footage, np.arange(start, min(start + _BATCH, len(footage))))
        with torch.no_grad():
            looks = net.look(batch.fine.flatten(0, 1), batch.x.flatten(0, 1), geometry)
            maps = rounded(net.packed(looks))
            maps = maps.view(*batch.cells.shape[:2], *maps.shape[1:])
            logits, there = fused(net, maps, batch, [maps.shape[1] - 1])
        yield torch.sigmoid(logits), there > 0


def _overlap(found: Tensor, there: Tensor) -> Counts:
    """Cells of both and of either, by drive, class and ring: (2, drives, classes, rings)."""
    away = np.hypot(*np.moveaxis(GRID.middles(), 2, 0))
    rings = torch.from_numpy(np.stack([(away >= low) & (away < high) for low, high in RINGS.values()]))
    rings = rings.flatten(1).float().T  # (cells, rings)
    both, either = (found & there).flatten(2).float(), (found | there).flatten(2).float()
    return np.stack([(both @ rings).numpy(), (either @ rings).numpy()]).astype(np.float64)
