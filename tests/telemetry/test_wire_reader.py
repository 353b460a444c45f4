"""A reader written from docs/wire.md alone: whoever follows the page agrees with us about every vector."""

import json
from pathlib import Path
from typing import Any

import msgpack
import pytest
import xxhash

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/wire.json").read_text())


def read(frames: list[bytes]) -> dict[str, Any]:
    """A message's head as a map; ValueError for what is none."""
    first, *parts = frames
    if first[:4] != b"OUTR" or first[4] != 3 or len(first) <= 21:
        raise ValueError("not a message of version 3")
    pieces = [first[21:], *parts]
    lengths = b"".join(len(piece).to_bytes(8, "little") for piece in pieces)
    if xxhash.xxh3_128_digest(first[4:5] + lengths + b"".join(pieces)) != first[5:21]:
        raise ValueError("checksum")
    head = msgpack.unpackb(first[21:], strict_map_key=True)
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
