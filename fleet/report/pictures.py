"""The pictures and maps inside a clip's MCAP file, and one PNG of them all."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from google.protobuf.message import DecodeError
from mcap.exceptions import McapError
from mcap.reader import McapReader, make_reader
from mcap_protobuf.decoder import DecoderFactory
from numpy.typing import NDArray

from fleet.report.errors import UnreadableClip
from fleet.report.maps import colours_of, is_map

_GAP = 4  # pixels between pictures
_PAPER, _ACCENT = 255, (224, 82, 6)


@dataclass(frozen=True, slots=True)
class Picture:
    """A camera's picture at one tick, or a viewer's map; t_us is simulated time, encoded a JPEG or a PNG."""

    camera: str
    t_us: int
    encoded: bytes


def read_pictures(file: Path) -> list[Picture]:
    """Every picture of a clip in order of time, of a tick the cameras' first and then the maps.

    Raises UnreadableClip when the file is missing or damaged.
    """
    try:
        with file.open("rb") as stream:
            reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
            pictures = [
                Picture(channel.topic.split("/")[2], message.log_time // 1000, image.data)
                for _, channel, message, image in reader.iter_decoded_messages(_image_topics(reader))
            ]
        for picture in pictures:
            if is_map(picture.encoded):
                colours_of(picture.encoded)
    except (OSError, McapError, DecodeError, EOFError, struct.error, ValueError) as error:
        raise UnreadableClip(file, str(error) or type(error).__name__) from error
    return pictures


def nearest(pictures: Sequence[Picture], camera: str, t_us: int) -> Picture | None:
    """A camera's picture nearest in time; None when it took none."""
    own = [picture for picture in pictures if picture.camera == camera]
    return min(own, key=lambda picture: (abs(picture.t_us - t_us), picture.t_us), default=None)


def sheet(pictures: Sequence[Picture], fired_us: int, *, zoom: int = 2) -> bytes:
    """A PNG with a row per camera and viewer and a column per tick; the column of the fire has a frame around it."""
    cameras = list(dict.fromkeys(picture.camera for picture in pictures))
    times = sorted({picture.t_us for picture in pictures})
    fired = min(times, key=lambda t_us: abs(t_us - fired_us))
    tiles = {(picture.camera, picture.t_us): _pixels(picture.encoded, zoom) for picture in pictures}
    width = max(tile.shape[1] for tile in tiles.values()) + _GAP
    heights = [max(tile.shape[0] for (name, _), tile in tiles.items() if name == camera) + _GAP for camera in cameras]
    tops = [sum(heights[:row]) + _GAP for row in range(len(cameras))]
    canvas = np.full((sum(heights) + _GAP, len(times) * width + _GAP, 3), _PAPER, np.uint8)
    for (camera, t_us), tile in sorted(tiles.items(), key=lambda entry: entry[0]):
        row = cameras.index(camera)
        top, left = tops[row], times.index(t_us) * width + _GAP
        if t_us == fired:
            canvas[top - _GAP : top + heights[row], left - _GAP : left + width] = _ACCENT
        left += (width - _GAP - tile.shape[1]) // 2
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return png(canvas)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of (height, width, 3) uint8 colours (ISO/IEC 15948, colour type 2, no row filter)."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def data_url(sort: str, content: bytes) -> str:
    """A picture as a page holds it; sort: jpeg or png."""
    return f"data:image/{sort};base64,{base64.b64encode(content).decode()}"


def _image_topics(reader: McapReader) -> list[str]:
    summary = reader.get_summary()
    topics = [channel.topic for channel in summary.channels.values()] if summary else []
    cameras = [topic for topic in topics if topic.startswith("/camera/") and topic.endswith("/image")]
    return [*cameras, *(topic for topic in topics if topic.startswith("/top_down/"))]


def _pixels(encoded: bytes, zoom: int) -> NDArray[np.uint8]:
    decoded: NDArray[np.uint8] = colours_of(encoded) if is_map(encoded) else simplejpeg.decode_jpeg(encoded, "RGB")
    return decoded.repeat(zoom, axis=0).repeat(zoom, axis=1)
