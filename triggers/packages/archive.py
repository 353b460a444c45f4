"""The outside of a package: a plain tar, and exactly the bytes that packing the same files gives.

So there is nothing to bomb, escape or confuse a reader with: no compression, no links, no name twice, no path but
those listed here, nothing between or after the files. `tar tf` lists it, and its order and times never vary.
"""

import re
import tarfile
from collections.abc import Mapping

from triggers.packages.errors import MalformedPackage, OversizedPackage

MAX_BYTES = 16 * 2**20
MAX_FILES = 256
BLOCK = tarfile.BLOCKSIZE
TRAILER = bytes(2 * BLOCK)
_NAME = re.compile(
    r"metadata/(?:[1-9]\d{0,4}\.root|timestamp|snapshot|targets)\.json|targets/[a-z][a-z0-9_]{0,63}/\w[\w.-]{0,63}",
    re.ASCII,
)


def holds(name: str) -> bool:
    """Whether a package may have a file of this name."""
    return _NAME.fullmatch(name) is not None


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, name → content. Raises OversizedPackage."""
    parts = []
    for name, content in sorted(files.items()):
        parts += [_header(name, len(content)), content, bytes(-len(content) % BLOCK)]
    archive = b"".join([*parts, TRAILER])
    _refuse_oversized(len(archive), len(files))
    return archive


def read_archive(raw: bytes) -> dict[str, bytes]:
    """The files in an archive, name → content. Raises MalformedPackage and OversizedPackage."""
    _refuse_oversized(len(raw), 0)
    files: dict[str, bytes] = {}
    at, last = 0, ""
    while raw[at : at + BLOCK] != TRAILER[:BLOCK]:
        name, size = _entry(raw, at)
        if name <= last:
            raise MalformedPackage(f"file '{name}' comes twice, or out of order")
        start, last = at + BLOCK, name
        at = start + size + -size % BLOCK
        if at > len(raw) or any(raw[start + size : at]):
            raise MalformedPackage(f"file '{name}' is cut short, or does not end where it says")
        files[name] = raw[start : start + size]
        _refuse_oversized(len(raw), len(files))
    if raw[at:] != TRAILER:
        raise MalformedPackage(f"it goes on after its end, or is cut short, at byte {at}")
    return files


def _entry(raw: bytes, at: int) -> tuple[str, int]:
    """Name and size in the header at this byte, which must be the very header that packing writes."""
    header = raw[at : at + BLOCK]
    try:
        name, size = _text(header[0:100]), int(header[124:135].decode("ascii"), 8)
        prefix = _text(header[345:500])
    except ValueError:
        raise MalformedPackage(f"there is no file header at byte {at}") from None
    name = f"{prefix}/{name}" if prefix else name
    if not holds(name):
        raise MalformedPackage(f"no package has a file {name[:80]!r}")
    if not 0 <= size <= MAX_BYTES or header != _header(name, size):
        raise MalformedPackage(f"the header of '{name}' is not as packing writes it")
    return name, size


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii")


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _refuse_oversized(nbytes: int, files: int) -> None:
    if nbytes > MAX_BYTES:
        raise OversizedPackage(f"it has {nbytes:,} bytes, and a car takes at most {MAX_BYTES:,}")
    if files > MAX_FILES:
        raise OversizedPackage(f"it has more than {MAX_FILES} files")
