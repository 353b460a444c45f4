"""What can go wrong on the wire, named for what the caller can do about it.

TelemetryError
├── MalformedMessage          bytes from outside that are no message: count and drop
│   └── ForeignVersion        a message of another version of the wire
├── Unsendable                what was to be sent breaks the rules: fix the caller
│   ├── UnknownTable
│   ├── WrongColumns
│   ├── BadClip
│   └── TooBig
├── ServerError               the other end
│   ├── ServerUnreachable     nobody answers: start a server, or look at the address
│   ├── VersionMismatch       it speaks another version: upgrade one of the two
│   ├── MessageRefused        it will never take this message
│   ├── NotAdmitted           it does not know our key: enrol it, or take the right file
│   └── WaitTimeout           it did not answer in the time the caller gave
├── UplinkError               a plan's uplink: correct the plan
│   ├── UnknownUplink
│   ├── WrongOption
│   └── MalformedTrace        a file of a measured link: mend the line it names
├── KeyringError              keys and the register of a server
│   ├── BadKeys               a file or folder of keys that cannot be used
│   ├── BadCars               no list of cars
│   ├── NameTaken             somebody is enrolled under it: rotate or revoke
│   ├── UnknownKeyName        nobody was ever enrolled under it
│   └── DoormanGone           the thread that lets keys in has ended: start the server again
└── StoreError                this end's disk and port
    ├── NotARun               nothing was ever written there: look elsewhere
    ├── BadStoreURL           no address of a store: correct it
    ├── UnknownClip           no clip of that id, or more than one
    ├── MissingExtra          a package that is not installed
    ├── NoServer              no server ever served it: look elsewhere, or start one
    ├── MalformedClip         a clip file that is cut short or damaged: fetch it again
    ├── PortInUse
    ├── BadAddress
    ├── Unprotected           plain text was not asked for, or not where it is allowed
    ├── StoreUnwritable
    ├── StoreLocked           another server has it
    ├── NotNow                passes, or somebody mends it; nothing is lost meanwhile, and it is tried again
    │   ├── StorageFull       until there is room
    │   ├── StoreUnreachable  until the object store answers
    │   ├── StoreRefused      until bucket and credentials are right
    │   └── StoreContended    until the other writer is through
    ├── LedgerCorrupt         bytes on disk are not those that were acknowledged
    └── CompactionFailed      what is on disk cannot be brought into the tables: look at what it says
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class TelemetryError(Exception):
    """Root of everything this package raises on purpose."""


class MalformedMessage(TelemetryError):
    """Bytes that are no message.

    why: what is wrong with them
    message_id: of the message, where its header could still be trusted; else ""
    """

    def __init__(self, why: str, *, message_id: str = "") -> None:
        super().__init__(f"malformed message{f' {message_id!r}' if message_id else ''}: {why}")
        self.why = why
        self.message_id = message_id


class ForeignVersion(MalformedMessage):
    """A message of another version of the wire."""

    def __init__(self, ours: int, theirs: int) -> None:
        super().__init__(f"it is of version {theirs} of the wire, this is version {ours}")
        self.ours = ours
        self.theirs = theirs


class Unsendable(TelemetryError):
    """What was to be sent breaks the rules of the wire."""


class UnknownTable(Unsendable):
    """There is no such table."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown table {name!r}{did_you_mean(name, known)}")
        self.name = name


class WrongColumns(Unsendable):
    """Columns that are not as the table wants them."""

    def __init__(self, table: str, why: str) -> None:
        super().__init__(f"table {table!r}: {why}")
        self.table = table
        self.why = why


class BadClip(Unsendable):
    """A clip that the wire would not take."""

    def __init__(self, clip: str, why: str) -> None:
        super().__init__(f"clip {clip!r} cannot be sent: {why}")
        self.clip = clip
        self.why = why


class TooBig(Unsendable):
    """A message over a limit of the wire."""

    def __init__(self, message_id: str, what: str, size: int, limit: int) -> None:
        super().__init__(f"{message_id!r} has {size:_} {what}, the wire takes {limit:_}; send it in smaller pieces")
        self.message_id = message_id
        self.size = size
        self.limit = limit


class ServerError(TelemetryError):
    """Something about the collection server at the other end."""


class ServerUnreachable(ServerError):
    """Nobody answers at an address."""

    def __init__(self, endpoint: str, waited_s: float, *, keyed: bool = False) -> None:
        hint = "is the key one of this server?" if keyed else "does it ask for a key (`--key FILE`)?"
        super().__init__(
            f"no collection server answers at {endpoint} after {waited_s:.0f} s; "
            f"is `outrider serve` running there, and the address right? And {hint}"
        )
        self.endpoint = endpoint
        self.waited_s = waited_s


class VersionMismatch(ServerError):
    """The server speaks another version of the wire."""

    def __init__(self, endpoint: str, ours: int, theirs: int) -> None:
        super().__init__(
            f"the collection server at {endpoint} speaks version {theirs} of the wire, this is version {ours}; "
            "install the same release at both ends"
        )
        self.endpoint = endpoint
        self.ours = ours
        self.theirs = theirs


class MessageRefused(ServerError):
    """The server will never take a message."""

    def __init__(self, message_id: str, code: str, says: str) -> None:
        super().__init__(f"the collection server refused {message_id!r} for good ({code}): {says}")
        self.message_id = message_id
        self.code = code
        self.says = says


class NotAdmitted(ServerError):
    """The server lets nobody in with this key."""

    def __init__(self, endpoint: str, name: str) -> None:
        super().__init__(
            f"the collection server at {endpoint} does not admit the key of {name!r}; "
            "was it enrolled there, and not revoked? `outrider keys list KEYS` says so"
        )
        self.endpoint = endpoint
        self.name = name


class WaitTimeout(ServerError):
    """The server did not answer in the time the caller gave."""

    def __init__(self, what: str, waiting: int, waited_s: float) -> None:
        super().__init__(f"{what}: {waiting} messages without an answer after {waited_s:.1f} s")
        self.waiting = waiting
        self.waited_s = waited_s


class UplinkError(TelemetryError):
    """Something about the uplink a plan asks for."""


class UnknownUplink(UplinkError):
    """There is no such uplink."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown uplink {name!r}{did_you_mean(name, known)}")
        self.name = name


class WrongOption(UplinkError):
    """An option an uplink does not have, lacks, or cannot use."""

    def __init__(self, uplink: str, option: str, why: str) -> None:
        super().__init__(f"uplink {uplink!r}, option {option!r}: {why}")
        self.uplink = uplink
        self.option = option
        self.why = why


class MalformedTrace(UplinkError):
    """A trace file that cannot be used; line 0 is the file as a whole."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}" if line else f"{path}: {why}")
        self.path = path
        self.line = line
        self.why = why


class KeyringError(TelemetryError):
    """Something about keys and the register of a server."""


class BadKeys(KeyringError):
    """A file or folder of keys that cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class BadCars(KeyringError):
    """No list of cars."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} names no cars; it looks like `0-999`, `0-99,250` or `all`")
        self.text = text


class NameTaken(KeyringError):
    """Somebody is enrolled under a name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} has a key; `rotate` gives it another, `revoke` takes it away")
        self.name = name


class UnknownKeyName(KeyringError):
    """Nobody was ever enrolled under a name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"nobody is enrolled as {name!r}{did_you_mean(name, known)}")
        self.name = name


class DoormanGone(KeyringError):
    """The thread that lets keys in has ended; a server without it would let nobody in for ever."""

    def __init__(self) -> None:
        super().__init__("the thread that lets keys in has ended; start the server again, nothing is lost")


class StoreError(TelemetryError):
    """Something about the server's own disk or port."""


class _Why(StoreError):
    """Something and what is wrong with it, in a sentence of its class."""

    SAYS: ClassVar[str]

    def __init__(self, what: Path | str, why: str) -> None:
        super().__init__(self.SAYS.format(what=what, why=why))
        self.what = what
        self.why = why


class NotARun(StoreError):
    """A folder without a store."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(f"{path} is no run: it has neither a plan.yaml nor tables nor an inbox")
        self.path = path


class BadStoreURL(_Why):
    """No address at which tables and clips can lie."""

    SAYS = "{what!r} is no place for tables and clips ({why}); it is a folder, or s3://BUCKET/PREFIX"


class UnknownClip(StoreError):
    """A store has no clip of an id, or several."""

    def __init__(self, url: str, clip: str, found: int, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(clip, list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        many = f"{found} runs in {url} have a clip {clip!r}; say which run"
        super().__init__(many if found else f"there is no clip {clip!r} in {url}{hint}")


class MissingExtra(StoreError):
    """A package that only some need is not installed; the extra that brings it has its name."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed; `pip install 'outrider-fleet[{package}]'` brings it")


class NoServer(StoreError):
    """A folder that no server ever served."""

    def __init__(self, store: Path) -> None:
        super().__init__(f"no server has said anything about {store}; `outrider serve --store {store}` starts one")
        self.store = store


class MalformedClip(_Why):
    """A clip file that does not hold what it should."""

    SAYS = "{what} is no whole clip: {why}"


class PortInUse(StoreError):
    """Someone listens there already."""

    def __init__(self, bind: str) -> None:
        super().__init__(f"{bind} is in use; choose another port, or tcp://127.0.0.1:0 for any free one")
        self.bind = bind


class BadAddress(_Why):
    """An address one cannot listen at or connect to."""

    SAYS = "{what!r} is no address to use ({why}); it looks like tcp://127.0.0.1:5555"


class Unprotected(_Why):
    """Plain text was not asked for, or not where it is allowed."""

    SAYS = "{what}: {why}"


class StoreUnwritable(_Why):
    """A store's folder cannot be made or written."""

    SAYS = "cannot write the store {what}: {why}"


class StoreLocked(StoreError):
    """Another server has the store."""

    def __init__(self, store: Path, pid: str) -> None:
        super().__init__(f"the store {store} is in use by another server (process {pid or 'unknown'}); one at a time")
        self.store = store
        self.pid = pid


class NotNow(_Why):
    """Tables and clips cannot be written or read at the moment; nothing is lost meanwhile."""


class StorageFull(NotNow):
    """No room on the disk; nothing was kept, and it passes when there is room again."""

    SAYS = "no room in the store {what}: {why}"


class StoreUnreachable(NotNow):
    """The object store does not answer as it should."""

    SAYS = "the object store of {what} does not answer: {why}"


class StoreRefused(NotNow):
    """The object store answers, and says no."""

    SAYS = "the object store refuses {what}: {why}; look at the address, and at the AWS_ variables"


class StoreContended(NotNow):
    """Another process changed a table in between."""

    SAYS = "another process wrote to {what} in between: {why}"


class LedgerCorrupt(StoreError):
    """Bytes on disk are not those that were acknowledged."""

    def __init__(self, store: Path, message_id: str, why: str) -> None:
        super().__init__(f"the store {store} is damaged at message {message_id!r}: {why}")
        self.store = store
        self.message_id = message_id
        self.why = why


class CompactionFailed(_Why):
    """What is on disk cannot be brought into the tables, now or later."""

    SAYS = "nothing more gets into the tables of {what}, though all that was acknowledged is kept: {why}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A half-sentence with the nearest known name, or with all of them where none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
