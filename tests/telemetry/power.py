"""A disk that remembers every write and every sync, and can show what is left of it when the power goes.

After Pillai et al. (2014), "All File Systems Are Not Created Equal": what was synced is there; of what was not, any
512-byte sector may be and any may not, and a file that no folder was synced for may have no name.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from scenarios import Draws

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Op:
    """What happened: to which file (or folder), and with what."""

    what: str
    path: Path
    at: int = 0
    content: bytes = b""


@dataclass
class Disk:
    """Records while `recorded` runs; `ops` in the order in which they were done."""

    root: Path
    ops: list[Op] = field(default_factory=list)
    marks: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def mark(self, ids: tuple[str, ...]) -> None:
        """Now somebody was told that these are kept."""
        self.marks.append((len(self.ops), ids))

    def note(self, what: str, path: str | Path, at: int = 0, content: bytes = b"") -> None:
        place = Path(path)
        if place.is_relative_to(self.root):
            self.ops.append(Op(what, place.relative_to(self.root), at, content))

    def image(self, upto: int, target: Path, draws: Draws, number: int) -> None:
        """What a folder holds when the power goes before op `upto`; another `number` is another power cut."""
        luck = iter(draws.uniform("power cut", np.arange(200_000), number).tolist())
        done, names_synced = self.ops[:upto], self._names_synced(upto)
        for path in sorted({op.path for op in done if op.what in {"create", "write"}}):
            mine = [(i, op) for i, op in enumerate(done) if op.path == path]
            synced = max((i for i, op in mine if op.what == "sync"), default=-1)
            folder_synced = max(
                (i for i, op in enumerate(done) if op.what == "sync folder" and op.path == path.parent), default=-1
            )
            content: bytes | None = b""
            for i, op in mine:
                content = _after(content, op, luck if i > (folder_synced if op.what == "delete" else synced) else None)
            if content is not None and (path in names_synced or next(luck) < 0.5):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                (target / path).write_bytes(content)

    def _names_synced(self, upto: int) -> set[Path]:
        """Files whose name is on the disk: their folder was synced after they were made, or SQLite synced them."""
        made: dict[Path, int] = {}
        kept = set()
        for i, op in enumerate(self.ops[:upto]):
            if op.what == "create":
                made.setdefault(op.path, i)
            elif op.what == "sync folder":
                kept |= {path for path in made if path.parent == op.path}
            elif op.what == "sync" and op.path.suffix != ".seg":
                kept.add(op.path)  # SQLite syncs the folder of a file that it made together with its first sync
        return kept


def _after(content: bytes | None, op: Op, luck: Iterator[float] | None) -> bytes | None:
    """A file's content after an op; luck: whether it got there, sector by sector, None where it surely did."""
    if op.what == "create":
        return content or b""
    if op.what == "delete":
        return content if luck is not None and next(luck) < 0.5 else None
    if op.what == "truncate":
        old = content or b""
        return old if luck is not None and next(luck) < 0.5 else old[: op.at].ljust(op.at, b"\0")
    if op.what != "write":
        return content
    new = bytearray(content or b"")
    first = op.at // SECTOR
    for sector in range(first, (op.at + len(op.content) - 1) // SECTOR + 1):
        begin, end = max(op.at, sector * SECTOR), min(op.at + len(op.content), (sector + 1) * SECTOR)
        if luck is None or next(luck) < 0.5:
            new.extend(bytes(max(0, end - len(new))))
            new[begin:end] = op.content[begin - op.at : end - op.at]
    return bytes(new)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk, self._path = disk, Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "")
        super().__init__("unix", name, flags)  # type: ignore[arg-type]

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's names
        self._disk.note("write", self._path, offset, bytes(data))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.note("sync", self._path)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.note("truncate", self._path, newsize)
        super().xTruncate(newsize)


class _Files(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("recorded", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.note("delete", filename)
        super().xDelete(filename, syncdir)


class _Os:
    """The module `os` as segments use it, noting what it does."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and not path.exists():
            self._disk.note("create", path)
        return os.open(path, flags, mode)

    def pwritev(self, fd: int, chunks: list[bytes | memoryview], at: int) -> int:
        written = os.pwritev(fd, chunks, at)
        self._disk.note("write", _path(fd), at, b"".join(chunks)[:written])
        return written

    def unlink(self, path: Path) -> None:
        self._disk.note("delete", path)
        path.unlink()

    def ftruncate(self, fd: int, size: int) -> None:
        self._disk.note("truncate", _path(fd), size)
        os.ftruncate(fd, size)

    def fdatasync(self, fd: int) -> None:
        os.fdatasync(fd)
        self._disk.note("sync", _path(fd))

    def fsync(self, fd: int) -> None:
        os.fsync(fd)
        self._disk.note("sync folder", _path(fd))


def _path(fd: int) -> str:
    return str(Path(f"/proc/self/fd/{fd}").readlink())


@contextmanager
def recorded(disk: Disk, monkeypatch: Any) -> Iterator[None]:
    """All that a ledger does to its files is done, and noted on the disk."""
    with monkeypatch.context() as patch:
        patch.setattr("telemetry.segments.os", _Os(disk))
        files = _Files(disk)
        try:
            yield
        finally:
            files.unregister()
