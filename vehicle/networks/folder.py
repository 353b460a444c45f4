"""A network's folder: weights.safetensors to learn from, backbone.onnx and heads.onnx to run, card.json to trust.

A viewer's folder is alike, without a backbone: it looks through the eyes of the network beside it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vehicle.errors import ForeignBackbone, MissingWeights, OldNetwork, TamperedWeights, UnknownNetwork, UnknownViewer

SCHEMA = 2
FILES = ("weights.safetensors", "backbone.onnx", "heads.onnx")
SHIPPED = Path(__file__).parent / "weights"
NETWORKS: tuple[str, ...] = tuple(sorted(eyes.parent.name for eyes in SHIPPED.glob("*/backbone.onnx")))
VIEWERS: tuple[str, ...] = tuple(sorted({card.parent.name for card in SHIPPED.glob("*/card.json")} - {*NETWORKS}))


def find_network(name_or_path: str | Path) -> Path:
    """The folder of a shipped network, by name, or any other folder; UnknownNetwork where there is none."""
    if str(name_or_path) in NETWORKS:
        return SHIPPED / str(name_or_path)
    if Path(name_or_path).is_dir():
        return Path(name_or_path)
    raise UnknownNetwork(str(name_or_path), NETWORKS)


def find_viewer(name_or_path: str | Path) -> Path:
    """The folder of a shipped viewer, by name, or any other folder; UnknownViewer where there is none."""
    if str(name_or_path) in VIEWERS:
        return SHIPPED / str(name_or_path)
    if Path(name_or_path).is_dir():
        return Path(name_or_path)
    raise UnknownViewer(str(name_or_path), VIEWERS)


def read_card(folder: Path) -> dict[str, Any]:
    """What card.json says; MissingWeights where there is none, OldNetwork where another release wrote it."""
    file = folder / "card.json"
    if not file.is_file():
        raise MissingWeights(folder, "card.json")
    card: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if card.get("schema") != SCHEMA:
        raise OldNetwork(folder, found=card.get("schema"), needs=SCHEMA)
    return card


def write_card(folder: Path, told: Mapping[str, Any], files: Iterable[str] = FILES) -> dict[str, Any]:
    """Write card.json, what is told and the sha256 of each file, and return it; the last thing to be written."""
    card = {"schema": SCHEMA, **told, "files": {file: _sha256((folder / file).read_bytes()) for file in files}}
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def checked_bytes(folder: Path, file: str, card: Mapping[str, Any]) -> bytes:
    """The bytes of one of a network's files; MissingWeights, or TamperedWeights where they are not the card's."""
    path = folder / file
    if not path.is_file():
        raise MissingWeights(folder, file)
    content = path.read_bytes()
    found = _sha256(content)
    if found != card["files"][file]:
        raise TamperedWeights(path, expected=card["files"][file], found=found)
    return content


def copy_backbone(source: Path, folder: Path, fingerprint: str) -> None:
    """Take over another network's backbone.onnx; ForeignBackbone where it has another fingerprint."""
    card = read_card(source)
    if card["backbone"] != fingerprint:
        raise ForeignBackbone(str(folder), needs=fingerprint, found=card["backbone"])
    (folder / "backbone.onnx").write_bytes(checked_bytes(source, "backbone.onnx", card))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
