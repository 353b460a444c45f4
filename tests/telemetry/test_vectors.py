"""The wire as bytes with their meaning, in tests/vectors/wire.json: whoever writes another reader checks it with these.

`python tests/telemetry/test_vectors.py` prints the file anew; a change in it is a change of the wire.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wire_samples import every_message

from telemetry.codec import MAGIC, PREFIX_BYTES, decode, encode
from telemetry.errors import MalformedMessage

PATH = Path(__file__).parents[1] / "vectors/wire.json"
VECTORS = json.loads(PATH.read_text()) if PATH.exists() else {"good": [], "bad": []}


def named(vectors: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def meaning(frames: list[bytes]) -> dict[str, Any]:
    """A message as JSON; raw bytes as {"hex": …}."""
    message, _ = decode(frames)
    return json.loads(
        json.dumps(msgspec.to_builtins(message, builtin_types=[bytes]), default=lambda raw: {"hex": raw.hex()})
    )


@named(VECTORS["good"])
def test_these_bytes_have_this_meaning(vector: dict[str, Any]) -> None:
    frames = [bytes.fromhex(frame) for frame in vector["frames"]]
    assert meaning(frames) == vector["means"]


@named(VECTORS["good"])
def test_this_meaning_has_these_bytes(vector: dict[str, Any]) -> None:
    frames = [bytes.fromhex(frame) for frame in vector["frames"]]
    message, parts = decode(frames)
    assert encode(message, [bytes(part) for part in parts]) == frames


@named(VECTORS["bad"])
def test_these_bytes_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage) as refused:
        decode([bytes.fromhex(frame) for frame in vector["frames"]])
    assert vector["why"] in refused.value.why


def test_the_vectors_are_those_of_today() -> None:
    assert vectors() == VECTORS


def vectors() -> dict[str, Any]:
    """What the file should say."""
    samples = every_message()
    good = [
        {"name": name, "means": meaning(frames), "frames": [frame.hex() for frame in frames]}
        for name, frames in samples.items()
    ]
    bad = [
        {"name": name, "why": why, "frames": [frame.hex() for frame in frames]}
        for name, why, frames in _broken(samples["hello"][0], samples["clip"])
    ]
    return {"version": 1, "good": good, "bad": bad}


def _broken(hello: bytes, clip: list[bytes]) -> list[tuple[str, str, list[bytes]]]:
    return [
        ("nothing", "no frames", []),
        ("empty_frame", "does not begin", [b""]),
        ("prefix_only", "does not begin", [hello[:PREFIX_BYTES]]),
        ("other_magic", "does not begin", [b"outr" + hello[4:]]),
        ("version_1", "version 1", [MAGIC + b"\x01" + hello[5:]]),
        ("flipped_bit", "checksum", [hello[:-1] + bytes([hello[-1] ^ 1])]),
        ("picture_missing", "checksum", clip[:-1]),
        ("pictures_swapped", "checksum", [clip[0], clip[2], clip[1], *clip[3:]]),
        ("part_too_many", "checksum", [hello, b""]),
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n")
