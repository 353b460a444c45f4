"""Who may speak to a server: keys, and the register that says for which cars each of them speaks.

Keys are those of CurveZMQ (https://rfc.zeromq.org/spec/26/): 32 bytes, written as 40 characters of Z85. A folder of
keys belongs to one server: its own key, and `register.json`. What a car side needs is one file, its own key with the
server's public one; it is made when the key is enrolled.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self, TypeVar

import msgspec
import numpy as np
import zmq
from numpy.typing import NDArray

from telemetry.errors import BadCars, BadKeys, NameTaken, UnknownKeyName
from telemetry.segments import NO_FILES, sync_folder

Z85 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}$")]
KeyName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Span = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]], msgspec.Meta(min_length=2, max_length=2)]

_T = TypeVar("_T")

EVERYTHING = "all"
SERVER_FILE, REGISTER_FILE = "server.key", "register.json"


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="schema", tag="outrider-key-1"):
    """A secret key as a file of mode 600.

    public, secret: its own; server: the server's public key, "" for the server's own file
    """

    name: KeyName
    public: Z85
    secret: Z85
    server: Z85 | None = None

    @classmethod
    def new(cls, name: str, server: str | None = None) -> Self:
        """A key that nobody has."""
        public, secret = zmq.curve_keypair()
        return cls(name, public.decode(), secret.decode(), server)

    @classmethod
    def read(cls, path: Path) -> Self:
        """A car side's key from its file; raises BadKeys."""
        key = _read(path, cls)
        if key.server is None:
            raise BadKeys(path, "this is a server's own key; a car side needs one that `outrider keys enrol` made")
        return key

    def write(self, path: Path) -> None:
        """Write it for its owner's eyes only; raises BadKeys where something is there already."""
        if path.exists():
            raise BadKeys(path, "it exists already, and keys are not overwritten")
        _write(path, self)


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that was enrolled.

    name: whose it is; cars: first and last of each range it speaks for, None for all cars and what is no car's
    revoked: nothing that comes under it is taken any more
    """

    name: KeyName
    public: Z85
    cars: list[Span] | None
    revoked: bool = False

    @property
    def said_cars(self) -> str:
        """The cars as `Keys.enrol` reads them."""
        if self.cars is None:
            return EVERYTHING
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.cars)

    @property
    def fleet(self) -> int | None:
        """How many cars it speaks for; None for all."""
        return None if self.cars is None else sum(last - first + 1 for first, last in self.cars)

    def speaks_for(self, cars: NDArray[np.int64] | None) -> bool:
        """Whether it may say something of these cars; of no car at all where they are None."""
        if self.cars is None:
            return True
        if cars is None:
            return False
        mine = np.zeros(len(cars), np.bool_)
        for first, last in self.cars:
            mine |= (cars >= first) & (cars <= last)
        return bool(mine.all())


class _Register(msgspec.Struct, forbid_unknown_fields=True, tag_field="schema", tag="outrider-register-1"):
    holders: list[Holder]


class Keys:
    """A server's key and its register, as they stand on disk.

    server: the server's own key
    """

    def __init__(self, folder: Path | None, server: KeyFile, holders: Sequence[Holder]) -> None:
        """folder: where `refresh` looks again; None where all is in memory."""
        self.server = server
        self._folder = folder
        self._stamp = _stamp(folder) if folder else None
        self._take(holders)

    @classmethod
    def found(cls, folder: Path) -> Self:
        """Of a folder that `made` made; raises BadKeys."""
        server = _read(folder / SERVER_FILE, KeyFile)
        return cls(folder, server, _read(folder / REGISTER_FILE, _Register).holders)

    @classmethod
    def made(cls, folder: Path) -> Self:
        """A new folder with a new server key and nobody enrolled; raises BadKeys where there is one already."""
        if (folder / SERVER_FILE).exists():
            raise BadKeys(folder, "it has a server key already; its cars trust that one")
        with _written(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(folder / SERVER_FILE, KeyFile.new("server"))
        _write(folder / REGISTER_FILE, _Register([]))
        return cls.found(folder)

    @classmethod
    def of_one_run(cls, name: str) -> tuple[Self, KeyFile]:
        """Throw-away keys in memory: a server's, and one that speaks for all cars."""
        keys = cls(None, KeyFile.new("server"), [])
        return keys, keys.enrol(name, EVERYTHING)

    @property
    def holders(self) -> list[Holder]:
        """All that were ever enrolled, in that order."""
        return list(self._holders)

    def holder(self, public: str) -> Holder | None:
        """Who has a key, if it is enrolled and not revoked."""
        return self._live.get(public)

    def refresh(self) -> bool:
        """Look whether the register has changed on disk, and take it over; whether it had. Raises BadKeys."""
        if self._folder is None or (stamp := _stamp(self._folder)) == self._stamp:
            return False
        try:
            register = _read(self._folder / REGISTER_FILE, _Register)
        except OSError:  # it is still another one at the next look
            return False
        self._stamp = stamp
        self._take(register.holders)
        return True

    def enrol(self, name: str, cars: str) -> KeyFile:
        """A new key under a new name; cars: `all`, or numbers and ranges such as `0-999,1200`.

        Raises NameTaken, BadCars, BadKeys.
        """
        spans = _spans(cars)
        if any(holder.name == name and not holder.revoked for holder in self._holders):
            raise NameTaken(name)
        return self._add(name, spans)

    def rotate(self, name: str) -> KeyFile:
        """Another key for a name; those it had are revoked. Raises UnknownKeyName, BadKeys."""
        cars = self._of(name)[-1].cars
        self.revoke(name)
        return self._add(name, cars)

    def revoke(self, name: str) -> int:
        """Take nothing more that comes under a name's keys; how many there were. Raises UnknownKeyName, BadKeys."""
        live = {holder.public for holder in self._of(name) if not holder.revoked}
        holders = [
            msgspec.structs.replace(each, revoked=True) if each.public in live else each for each in self._holders
        ]
        self._save(holders)
        return len(live)

    def _of(self, name: str) -> list[Holder]:
        found = [holder for holder in self._holders if holder.name == name]
        if not found:
            raise UnknownKeyName(name, [holder.name for holder in self._holders])
        return found

    def _add(self, name: str, cars: list[Span] | None) -> KeyFile:
        try:
            key = msgspec.convert(msgspec.to_builtins(KeyFile.new(name, self.server.public)), KeyFile)
        except msgspec.ValidationError:
            raise BadKeys(Path(name), "a name is letters, digits, `_`, `.` and `-`, 64 at most") from None
        self._save([*self._holders, Holder(name, key.public, cars)])
        return key

    def _save(self, holders: list[Holder]) -> None:
        if self._folder is not None:
            _write(self._folder / REGISTER_FILE, _Register(holders))
            self._stamp = _stamp(self._folder)
        self._take(holders)

    def _take(self, holders: Sequence[Holder]) -> None:
        self._holders = list(holders)
        self._live = {holder.public: holder for holder in holders if not holder.revoked}


def _spans(text: str) -> list[Span] | None:
    if text == EVERYTHING:
        return None
    if not re.fullmatch(r"\d{1,10}(-\d{1,10})?(,\d{1,10}(-\d{1,10})?)*", text):
        raise BadCars(text)
    spans = [[int(number) for number in part.split("-")] for part in text.split(",")]
    spans = [[span[0], span[-1]] for span in spans]
    if any(first > last or last >= 2**32 for first, last in spans):
        raise BadCars(text)
    return spans


def _read(path: Path, kind: type[_T]) -> _T:
    """What a file holds; raises BadKeys, and OSError where no more files can be opened."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        if error.errno in NO_FILES:
            raise
        raise BadKeys(path, error.strerror or str(error)) from None
    except msgspec.MsgspecError as error:
        raise BadKeys(path, str(error)) from None


def _write(path: Path, value: msgspec.Struct) -> None:
    """Whole or not at all, synced, and readable by its owner only."""
    part = path.with_name(path.name + ".part")
    with _written(path):
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadKeys(path, error.strerror or str(error)) from None


def _stamp(folder: Path) -> tuple[int, int, int]:
    """Another one whenever the register was written anew."""
    try:
        facts = (folder / REGISTER_FILE).stat()
    except OSError as error:
        raise BadKeys(folder / REGISTER_FILE, error.strerror or str(error)) from None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
