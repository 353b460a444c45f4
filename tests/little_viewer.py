"""Viewers that have learnt nothing, small enough for tests; a plan names this module as a plugin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import CLASSES, Rig
from vehicle import VIEWER_KINDS
from vehicle.networks.folder import read_card, write_card
from vehicle.top_down import Features

CELLS = 8  # of a look, along each side


class Blocks:
    """What is bright in the features stands somewhere, and fades as the car drives on."""

    looks = 2
    shape: tuple[int, ...] = (len(CLASSES), CELLS, CELLS)
    dtype: np.dtype[Any] = np.dtype(np.float16)

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.name, self.backbone, self.scale = card["name"], card["backbone"], card["scale"]

    def look(self, features: Features) -> NDArray[Any]:
        fine, cameras = features["fine"], self.card["input"]["cameras"]
        there = fine.reshape(-1, cameras, *fine.shape[1:])[..., : 2 * CELLS, : 2 * CELLS].max(axis=1)
        return there[:, : len(CLASSES), ::2, ::2].astype(self.dtype)

    def fuse(
        self, now: NDArray[Any], earlier: NDArray[Any], moved: NDArray[np.float64], present: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        weight = present / (2 + np.hypot(moved[..., 0], moved[..., 1]) + np.abs(moved[..., 2]))
        seen = now.astype(np.float64)
        for k in range(self.looks):
            seen = seen + weight[:, k, None, None, None] * earlier[:, k]
        sure = 1 / (1 + np.exp(self.scale * (1 - seen)))
        return sure.repeat(10, axis=2).repeat(10, axis=3).astype(np.float32)


def make_viewer(folder: Path, name: str, backbone: str, *, scale: float = 1.0, cameras: int = 8) -> Path:
    """A folder that `load_viewer` takes, when this module is imported."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"name": name, "version": 1, "backbone": backbone, "viewer": "blocks", "scale": scale}
    size = {"cameras": cameras, "height": 64, "width": 96}
    write_card(folder, told | {"input": size, "thresholds": dict.fromkeys(CLASSES, 0.5)}, files=())
    return folder


def _load(folder: Path, rig: Rig) -> Blocks:
    del rig
    return Blocks(read_card(folder))


VIEWER_KINDS["blocks"] = _load
