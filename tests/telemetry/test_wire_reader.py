"""A reader written from docs/wire.md alone: whoever follows the page agrees with us about every vector."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgpack
import pytest

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/wire.json").read_text())


def read(frames: list[bytes]) -> dict[str, Any]:
    """A message's head as a map; ValueError for what is none."""
    first, *parts = frames
    if first[:4] != b"OUTR" or first[4] != 2 or len(first) <= 37:
        raise ValueError("not a message of version 2")
    total = hashlib.sha256(first[4:5])
    for piece in (first[37:], *parts):
        total.update(len(piece).to_bytes(8, "little") + piece)
    if total.digest() != first[5:37]:
        raise ValueError("checksum")
    head = msgpack.unpackb(first[37:], strict_map_key=True)
    if not isinstance(head, dict):
        raise TypeError("a head is a map")
    return head


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("vector", VECTORS["good"], ids=[vector["name"] for vector in VECTORS["good"]])
def test_the_page_is_enough_to_read_what_we_write(vector: dict[str, Any]) -> None:
    assert plain(read([bytes.fromhex(frame) for frame in vector["frames"]])) == vector["means"]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=[vector["name"] for vector in VECTORS["bad"]])
def test_the_page_is_enough_to_refuse_what_is_broken(vector: dict[str, Any]) -> None:
    with pytest.raises((ValueError, IndexError)):
        read([bytes.fromhex(frame) for frame in vector["frames"]])
