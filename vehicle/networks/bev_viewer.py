"""A BEV net as a car runs it: four ONNX files with the rig's sums between them, on one thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
import safetensors.torch
import torch
from numpy.typing import NDArray

from scenarios import CLASSES, GRID, Rig
from vehicle.networks.bev import LOOK, MAPS, PARTS, BevNet, Geometry, inside, put_by_cell, side_by_side
from vehicle.networks.folder import checked_bytes, find_viewer, read_card, write_card
from vehicle.networks.network import session_of

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Bev:
    """A trained BEV net, ready to look for cars with one rig; a `Viewer`.

    name, backbone: as on its card; card: all of it; looks: how many earlier ones it remembers
    """

    name: str
    backbone: str
    card: Mapping[str, Any]
    looks: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    _geometry: Geometry = field(repr=False)
    _parts: Mapping[str, onnxruntime.InferenceSession] = field(repr=False)

    @classmethod
    def load(cls, folder: Path, rig: Rig) -> Self:
        """From a folder whose card was read; MissingWeights, TamperedWeights."""
        card = read_card(folder)
        parts = {name: session_of(folder, f"{name}.onnx", card) for name in PARTS}
        return cls(
            name=card["name"],
            backbone=card["backbone"],
            card=card,
            looks=card["looks"],
            shape=LOOK,
            dtype=np.dtype(np.uint8),
            _geometry=BevNet.geometry(rig),
            _parts=parts,
        )

    def look(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.uint8]:
        """What a moment shows by itself, (CHUNK, *shape); features: the trunk's maps of CHUNK cars."""
        cameras = self.card["input"]["cameras"]
        looks = np.zeros((len(features["fine"]) // cameras, *LOOK), np.uint8)
        for i, look in enumerate(looks):
            own = slice(i * cameras, (i + 1) * cameras)
            put_by_cell(self._look({name: features[name][own] for name in MAPS}), inside(look))
        return looks

    def _look(self, maps: Mapping[str, NDArray[np.float32]]) -> NDArray[np.uint8]:
        """One car, from end to end: so what it works on stays in the cache; see benchmarks/bev.py."""
        table = torch.from_numpy(self._run("neck", **maps)[0])
        bins = self._run("rays", points=self._geometry.lift.of(table).numpy()[None])[0]
        return self._run("ground", cells=self._geometry.splat.of(torch.from_numpy(bins)).numpy()[None])

    def fuse(
        self, now: NDArray[np.uint8], earlier: NDArray[np.uint8], moved: NDArray[np.float64], present: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """The map, (CHUNK, classes, rows, columns) probabilities."""
        del present  # where no look was, all bytes are zero, also the one that says that there is one
        maps = np.empty((len(now), len(CLASSES), GRID.rows, GRID.columns), np.float32)
        for i, (look, before) in enumerate(side_by_side(now, earlier, moved)):
            seen = {"now": look, "earlier": before} if self.looks else {"now": look}
            put_by_cell(self._run("memory", **seen), maps[i])
        return maps

    def _run(self, part: str, **given: NDArray[Any]) -> NDArray[Any]:
        (found,) = self._parts[part].run(None, given)
        return np.asarray(found)


def save_bev(net: BevNet, folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Write all of a BEV net's files into a folder and return its card; told: what the card says.

    MissingExtra where onnx is not installed.
    """
    from vehicle.networks.export import export_bev

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.detach().contiguous() for key, tensor in net.state_dict().items()}
    safetensors.torch.save_file(tensors, folder / WEIGHTS)
    size = told["input"]
    export_bev(
        net, folder, cameras=size["cameras"], image=(size["height"], size["width"]), fingerprint=told["backbone"]
    )
    files = (WEIGHTS, *(f"{name}.onnx" for name in PARTS))
    return write_card(folder, {**told, "viewer": "bev", "looks": net.looks}, files=files)


def load_bev(name_or_path: str | Path) -> BevNet:
    """A shipped BEV net by name, or one from a folder, as it left training; checked against its card."""
    folder = find_viewer(name_or_path)
    card = read_card(folder)
    net = BevNet(card["looks"])
    net.load_state_dict(safetensors.torch.load(checked_bytes(folder, WEIGHTS, card)))
    return net.eval()
