import struct
import zlib

import numpy as np

from scenarios import CLASSES, GRID
from vehicle.map_picture import OWN_CAR, draw


def chunks(png: bytes) -> dict[bytes, bytes]:
    """Chunks by name, each with its checksum checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + body),)
        found[name], at = body, at + 12 + length
    return found


def test_every_cell_can_be_read_back() -> None:
    held = np.zeros((len(CLASSES), GRID.rows, GRID.columns), np.bool_)
    held[0, 3:, 10:70], held[1, :, 40], held[3, 5:12, 40:44] = True, True, True
    found = chunks(draw(held))
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(GRID.rows, 1 + GRID.columns)[:, 1:]
    assert np.array_equal(held, (rows >> np.arange(len(CLASSES))[:, None, None]) & 1)
    assert (rows & OWN_CAR).any()


def test_the_file_names_its_classes_and_has_a_colour_for_every_set() -> None:
    found = chunks(draw(np.zeros((len(CLASSES), GRID.rows, GRID.columns), np.bool_)))
    assert found[b"tEXt"] == b"Classes\0" + " ".join(CLASSES).encode()
    colours = {found[b"PLTE"][3 * index : 3 * index + 3] for index in (1 << np.arange(len(CLASSES) + 1))}
    assert len(found[b"PLTE"]) == 3 * 64
    assert len(colours) == len(CLASSES) + 1
