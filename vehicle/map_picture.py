"""A top-down map as a small PNG that any program shows, and of which each cell can be read back exactly."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from scenarios import CLASSES, GRID
from vehicle.from_above import NOSE_M, SIDE_M

OWN_CAR = 1 << len(CLASSES)
NOTHING, CAR = (32, 36, 40), (255, 255, 255)
COLOURS: dict[str, tuple[int, int, int]] = {
    "drivable": (88, 97, 110),
    "lane_line": (244, 241, 222),
    "crosswalk": (111, 177, 214),
    "vehicle": (240, 140, 30),
    "pedestrian": (230, 57, 70),
}


def draw(held: NDArray[np.bool_]) -> bytes:
    """One map, (classes, rows, columns) bool, as a PNG with what is ahead on top (ISO/IEC 15948, colour type 3).

    A pixel is a cell. Its value is a set: bit k where class k is, bit len(CLASSES) under the car itself. Its colour is
    that of the last class in it. The text chunk `Classes` names them, so the file explains itself.
    """
    x, y = np.abs(np.moveaxis(GRID.middles(), 2, 0))
    bits = (1 << np.arange(len(CLASSES), dtype=np.uint8))[:, None, None]
    cells = (held * bits).sum(axis=0, dtype=np.uint8) + np.where((x < NOSE_M) & (y < SIDE_M), OWN_CAR, 0)
    lines = np.concatenate([np.zeros((GRID.rows, 1), np.uint8), cells.astype(np.uint8)], axis=1)  # no row filter
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", GRID.columns, GRID.rows, 8, 3, 0, 0, 0)),
        (b"PLTE", _palette()),
        (b"tEXt", b"Classes\0" + " ".join(CLASSES).encode()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _palette() -> bytes:
    """The colour of every set of classes."""
    colours = [COLOURS[name] for name in CLASSES] + [CAR]
    last = [colours[index.bit_length() - 1] if index else NOTHING for index in range(2 * OWN_CAR)]
    return bytes(part for colour in last for part in colour)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
