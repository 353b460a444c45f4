"""Clips as files on disk, which Foxglove and Rerun open as they are; what is in them stands in `clip_topics.py`."""

import struct
import zlib
from pathlib import Path

from mcap.opcode import Opcode

from telemetry.clip import Clip
from telemetry.clip_topics import NOT_OURS, Compression, from_mcap, to_mcap
from telemetry.destination import Folder
from telemetry.errors import MalformedClip

_MAGIC_BYTES = 8
_RECORD_HEAD_BYTES = 9
_DATA_END = struct.Struct("<BQI")  # opcode, length, checksum of all before
_FOOTER = struct.Struct("<BQQQI")  # opcode, length, start of the summary, of its offsets, checksum of both


def write_clip(clip: Clip, path: Path, *, compression: Compression = "none") -> None:
    """Write a clip's MCAP file; when it returns, the file is whole and on disk, and before that there is none."""
    Folder(path.parent).keep(path.name, to_mcap(clip, compression=compression))


def read_clip(path: Path) -> Clip:
    """The clip in an MCAP file, every byte of it checked.

    Raises MalformedClip: no such file, cut short, damaged anywhere, or not written by `write_clip`.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MalformedClip(path, error.strerror or str(error)) from error
    return clip_in(raw, path)


def clip_in(raw: bytes, file: Path | str) -> Clip:
    """The clip that a file holds, every byte of it checked; raises MalformedClip."""
    why = _what_is_damaged(raw)
    if why:
        raise MalformedClip(file, why)
    try:
        return from_mcap(raw)
    except NOT_OURS as error:
        raise MalformedClip(file, f"not written by us: {error}") from error


def _what_is_damaged(raw: bytes) -> str:
    """Half a sentence, empty where nothing is: the two checksums of the format together cover every byte.

    The library's own check covers what is inside chunks only.
    """
    if len(raw) < 2 * _MAGIC_BYTES + _DATA_END.size + _FOOTER.size or raw[-_MAGIC_BYTES:] != raw[:_MAGIC_BYTES]:
        return "cut short"
    footer_at = len(raw) - _MAGIC_BYTES - _FOOTER.size
    opcode, length, summary_at, _, summary_crc = _FOOTER.unpack_from(raw, footer_at)
    data_end_at = summary_at - _DATA_END.size
    if (opcode, length) != (
        Opcode.FOOTER,
        _FOOTER.size - _RECORD_HEAD_BYTES,
    ) or not _MAGIC_BYTES <= data_end_at <= footer_at:
        return "no footer"
    if zlib.crc32(raw[summary_at : footer_at + _FOOTER.size - 4]) != summary_crc:
        return "checksum of the summary is wrong"
    opcode, length, data_crc = _DATA_END.unpack_from(raw, data_end_at)
    if (opcode, length) != (Opcode.DATA_END, _DATA_END.size - _RECORD_HEAD_BYTES) or zlib.crc32(
        raw[:data_end_at]
    ) != data_crc:
        return "checksum of the data is wrong"
    return ""
