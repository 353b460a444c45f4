"""A network as a car runs it: two ONNX files and a card, checked when they are loaded, run on one thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from scenarios import Rig
from vehicle.errors import ForeignBackbone, ForeignRig
from vehicle.networks.folder import checked_bytes, find_network, read_card
from vehicle.networks.hydranet import FEATURES
from vehicle.tasks import TASKS, Task, tasks_on_card


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A trained network, ready to look. It has no way to act: it only answers.

    name, version: as on its card
    backbone: sha256, hex, of the backbone's tensors; networks with the same one share its work
    d: numbers in the embedding
    tasks: by name, in the order of the card; as the table stood when the network was loaded
    card: all of card.json
    """

    name: str
    version: int
    backbone: str
    d: int
    tasks: Mapping[str, Task]
    card: Mapping[str, Any]
    _backbone: onnxruntime.InferenceSession = field(repr=False)
    _heads: onnxruntime.InferenceSession = field(repr=False)

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels (n, cameras, 3, height, width): embedding (n, d)."""
        (embedding,) = self._backbone.run(["embedding"], {"pixels": pixels})
        return np.asarray(embedding, np.float32)

    def see(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """The same and the trunk's maps, by name in FEATURES: (n * cameras, channels, rows, columns) each."""
        embedding, *maps = self._backbone.run(["embedding", *FEATURES], {"pixels": pixels})
        return embedding, dict(zip(FEATURES, maps, strict=True))

    def must_fit(self, rig: Rig) -> None:
        """ForeignRig where it was made for other pictures than the cameras of this rig give."""
        gives = {"cameras": len(rig.cameras), "height": rig.height, "width": rig.width}
        if gives != self.card["input"]:
            raise ForeignRig(self.name, needs=self.card["input"], found=gives)

    def answer(self, embedding: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Embedding (n, d): task to raw outputs (n, outputs)."""
        return dict(zip(self.tasks, self._heads.run(list(self.tasks), {"embedding": embedding}), strict=True))


def load_network(name_or_path: str | Path, *, tasks: Mapping[str, Task] | None = None) -> Network:
    """A shipped network by name, or one from a folder; every file is checked against the card.

    tasks: where heads find their task, TASKS as it stands now by default; what is not there is made from the card.
    UnknownNetwork, MissingWeights, OldNetwork, TamperedWeights, ForeignBackbone, UnknownTask, ForeignTask, BadTask.
    """
    folder = find_network(name_or_path)
    card = read_card(folder)
    backbone, heads = (session_of(folder, file, card) for file in ("backbone.onnx", "heads.onnx"))
    return Network(
        name=card["name"],
        version=card["version"],
        backbone=card["backbone"],
        d=backbone.get_outputs()[0].shape[1],
        tasks=tasks_on_card(card["tasks"], TASKS if tasks is None else tasks, str(folder / "card.json")),
        card=card,
        _backbone=backbone,
        _heads=heads,
    )


def session_of(folder: Path, file: str, card: Mapping[str, Any]) -> onnxruntime.InferenceSession:
    """One of a folder's ONNX files, checked against its card, for one thread; TamperedWeights, ForeignBackbone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = checked_bytes(folder, file, card)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    made_for = session.get_modelmeta().custom_metadata_map.get("backbone", "")
    if made_for != card["backbone"]:
        raise ForeignBackbone(str(folder / file), needs=made_for, found=card["backbone"])
    return session
