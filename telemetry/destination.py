"""Where tables and clips lie: a folder of this machine, or a prefix of a bucket that speaks S3."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from telemetry.errors import BadStoreURL, StorageFull, StoreContended
from telemetry.segments import NO_ROOM, sync_folder

_PLAIN = re.compile(r"[A-Za-z0-9._=-]+")


class Stat(NamedTuple):
    """Of a file: its size, and when it was written, in seconds since 1970."""

    nbytes: int
    written_s: float


class Destination(Protocol):
    """Both kinds; files are named relative to it, with slashes.

    url: as one would type it
    options: for deltalake, beside the url of a table
    """

    url: str
    options: dict[str, str]

    def table(self, name: str) -> str:
        """The address of a table, as deltalake takes it."""

    def trouble(self) -> AbstractContextManager[None]:
        """What goes wrong inside becomes a NotNow where waiting or a person can mend it."""

    def keep(self, file: str, raw: bytes) -> None:
        """Write a file; when it returns, the file is whole and safe. Raises NotNow."""

    def read(self, file: str) -> bytes:
        """All of a file; raises FileNotFoundError, NotNow."""

    def has(self, file: str) -> bool:
        """Whether there is such a file; raises NotNow."""

    def files(self, folder: str) -> dict[str, Stat]:
        """The files of a folder and all below it, by name; raises NotNow."""

    def remove(self, file: str) -> None:
        """Delete a file, if it is there; raises NotNow."""

    def sync(self, folder: str) -> None:
        """Bring what was written below a folder to the disk, with all that led to it; raises NotNow."""


def open_destination(place: Path | str, options: Mapping[str, str] | None = None) -> Destination:
    """The destination at a path, a file:// or an s3:// URL; nothing is looked at yet. Raises BadStoreURL.

    options: of the object store, named as deltalake names them; what is not given is taken from the AWS_ variables
    """
    if isinstance(place, Path) or "://" not in place:
        return Folder(Path(place))
    scheme, host, path, query, fragment = urlsplit(place)
    if query or fragment:
        raise BadStoreURL(place, "it has a ? or #")
    if scheme == "file":
        if host not in ("", "localhost") or not path:
            raise BadStoreURL(place, "it names another machine; three slashes, as in file:///data/store")
        return Folder(Path(unquote(path)))
    if scheme != "s3":
        raise BadStoreURL(place, f"{scheme}:// is not among them")
    if not host:
        raise BadStoreURL(place, "the bucket is missing")
    prefix = path.strip("/")
    if not all(map(_PLAIN.fullmatch, [host, *prefix.split("/")] if prefix else [host])):  # Delta would crash on others
        raise BadStoreURL(place, "bucket and prefix are of letters, digits and . _ - =")
    from telemetry.bucket import Bucket

    return Bucket(host, prefix, options or {})


class Folder:
    """A folder, synced by us since Delta does not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)
        self.options: dict[str, str] = {}
        self._synced: dict[str, set[tuple[Path, int]]] = {}

    def table(self, name: str) -> str:
        """As Destination."""
        return str(self.path / "tables" / name)

    @contextlib.contextmanager
    def trouble(self) -> Iterator[None]:
        """A full disk becomes StorageFull, a commit that came second StoreContended; a disk that fails goes through."""
        from deltalake.exceptions import CommitFailedError, DeltaError

        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM or _says_no_room(error):
                raise StorageFull(self.path, str(error)) from error
            raise
        except DeltaError as error:
            if _says_no_room(error):
                raise StorageFull(self.path, str(error)) from error
            if isinstance(error, CommitFailedError):
                raise StoreContended(self.url, str(error)) from error
            raise

    def keep(self, file: str, raw: bytes) -> None:
        """As Destination: written beside it, synced, renamed."""
        path = self.path / file
        draft = path.with_name(f".{path.name}.draft")
        with self.trouble():
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
                sync_folder(path.parent.parent)
            with draft.open("wb") as out:
                out.write(raw)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
            sync_folder(path.parent)

    def read(self, file: str) -> bytes:
        """As Destination."""
        return (self.path / file).read_bytes()

    def has(self, file: str) -> bool:
        """As Destination."""
        return (self.path / file).exists()

    def files(self, folder: str) -> dict[str, Stat]:
        """As Destination; drafts are none."""
        found = {}
        for path in (self.path / folder).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                if not path.name.startswith(".") and path.is_file():
                    known = path.stat()
                    found[path.relative_to(self.path).as_posix()] = Stat(known.st_size, known.st_mtime)
        return found

    def remove(self, file: str) -> None:
        """As Destination."""
        (self.path / file).unlink(missing_ok=True)

    def sync(self, folder: str) -> None:
        """As Destination; what was synced before and has not changed is left alone, as is what goes meanwhile."""
        top, there = self.path / folder, set[tuple[Path, int]]()
        with self.trouble():
            walked = [(Path(place), names) for place, _, names in os.walk(top)]
            for path in (place / name for place, names in walked for name in names):
                with contextlib.suppress(FileNotFoundError):  # somebody else has trimmed
                    there.add((path, path.stat().st_mtime_ns))
            for path, _ in sorted(there - self._synced.get(folder, set())):
                with contextlib.suppress(FileNotFoundError):
                    _sync_file(path)
            for place, _ in reversed(walked):
                with contextlib.suppress(FileNotFoundError):
                    sync_folder(place)
            for place in top.parents:
                sync_folder(place)
                if place == self.path:
                    break
        self._synced[folder] = there


def _says_no_room(error: Exception) -> bool:
    """Delta gives the system's words only."""
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
