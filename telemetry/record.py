"""A message's frames as one row of bytes: how segments keep it, and how it is cut into pieces."""

import struct
from collections.abc import Sequence

from telemetry.codec import Frame


def lengths(frames: Sequence[Frame]) -> bytes:
    """What stands before the frames: their count and their lengths, uint32 each, little-endian."""
    sizes = [len(frame) for frame in frames]
    return struct.pack(f"<{len(sizes) + 1}I", len(sizes), *sizes)


def split(raw: bytes) -> list[bytes]:
    """The frames again; raises ValueError where these bytes are no record."""
    if len(raw) < 4:
        raise ValueError(f"{len(raw)} bytes are no record")
    (count,) = struct.unpack_from("<I", raw)
    if 4 * (count + 1) > len(raw):
        raise ValueError(f"{count} frames in {len(raw)} bytes")
    frames, at = [], 4 * (count + 1)
    for size in struct.unpack_from(f"<{count}I", raw, 4):
        frames.append(raw[at : at + size])
        at += size
    if at != len(raw):
        raise ValueError(f"frames of {at} bytes in {len(raw)}")
    return frames
