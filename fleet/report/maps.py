"""Top-down maps as clips bring them: PNGs whose pixels are sets of classes, and which name their classes themselves."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x89PNG\r\n\x1a\n"
OWN_CAR = "this car"


def is_map(encoded: bytes) -> bool:
    """Whether a picture is a map, and not what a camera saw."""
    return encoded.startswith(MAGIC)


def colours_of(encoded: bytes) -> NDArray[np.uint8]:
    """The map in its own colours, (rows, columns, 3); ValueError where it is not one that a car drew."""
    chunks = dict(_chunks(encoded))
    try:
        width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
        raw = zlib.decompressobj().decompress(chunks[b"IDAT"], height * (width + 1))
        palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
        rows = np.frombuffer(raw, np.uint8).reshape(height, width + 1)
    except (KeyError, struct.error, zlib.error, ValueError) as error:
        message = f"not a map: {error}"
        raise ValueError(message) from error
    if (depth, kind) != (8, 3) or rows[:, 0].any() or rows.max() >= len(palette):
        message = "not a map: other than one plain byte a pixel"
        raise ValueError(message)
    return palette[rows[:, 1:]]


def legend_of(encoded: bytes) -> list[tuple[str, str]]:
    """The map's classes and this car, each with its colour as a web page writes it."""
    chunks = dict(_chunks(encoded))
    names = chunks.get(b"tEXt", b"").partition(b"\0")[2].decode("latin-1").split()
    palette = chunks.get(b"PLTE", b"")
    colours = [palette[3 << bit : (3 << bit) + 3].hex() for bit in range(len(names) + 1)]
    return [(name.replace("_", " "), f"#{colour}") for name, colour in zip([*names, OWN_CAR], colours, strict=True)]


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(MAGIC)
    while at + 8 <= len(encoded):
        length = int.from_bytes(encoded[at : at + 4], "big")
        yield encoded[at + 4 : at + 8], encoded[at + 8 : at + 8 + length]
        at += 12 + length
