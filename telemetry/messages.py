"""Every message that crosses the wire, as a table and as frozen types.

| message    | from, to | means                                                        | answered by        |
|------------|----------|--------------------------------------------------------------|--------------------|
| Hello      | car side | who speaks, for which run; first on every connection         | Welcome or Refused |
| Welcome    | server   | where the server keeps things, which version it speaks       |                    |
| ClipUpload | car side | a clip; pictures and maps follow as raw parts, tick by tick  | Ack or Refused     |
| Rows       | car side | rows of one table, column by column                          | Ack or Refused     |
| Piece      | car side | a piece of one of the two that is too long to go in one      | Ack or Refused     |
| Ack        | server   | these messages are on disk: forget them                      |                    |
| Refused    | server   | this message was not kept; the code says whether to retry    |                    |
| Flush      | car side | bring all that was acknowledged before this into the tables  | Flushed or Refused |
| Flushed    | server   | it is in the tables                                          |                    |

A `ClipUpload` or `Rows` of more than `PIECE_BYTES` goes as pieces, each kept and acknowledged by itself, so that a
broken link costs a piece and not a clip. A message with an `id` is stored at most once under it, however often it is
sent. How messages become bytes stands in `codec.py` and, for readers in other languages, in docs/wire.md.
"""

import sys
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

WIRE_VERSION = 3
OLDEST_VERSION = 3  # that is still spoken

PIECE_BYTES = 256 * 2**10
MAX_FRAME_BYTES = 2 * PIECE_BYTES  # on a socket; a peer that sends a longer frame is cut off

MAX_HEAD_BYTES = 16 * 2**20
MAX_PART_BYTES = 4 * 2**20
MAX_PARTS = 4096
MAX_BODY_BYTES = 64 * 2**20
MAX_TICKS = 1024
MAX_CAMERAS = 64
MAX_VIEWERS = 16
MAX_ROWS = 1_000_000
MAX_ACKS = 1024
MAX_PIECES = 330  # of a message that is as long as may be

# Lists in lists cost 60 times their bytes when decoded, so every collection has a limit, checked before it is read.
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # refuses NaN and infinities
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"  # a name may end in a terminal, a log line or a file's name
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
MessageId = Annotated[str, Meta(min_length=1, max_length=640, pattern=PRINTABLE)]
Text = Annotated[str, Meta(max_length=4096)]
Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
ShortHex = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Value = None | bool | Whole | Finite | Text
Values = Annotated[list[Value], Meta(max_length=256)]
PerTick = Annotated[list[Value | Values], Meta(max_length=MAX_TICKS)]
Named = Annotated[dict[Name, Value], Meta(max_length=64)]
Series = Annotated[dict[Name, PerTick], Meta(max_length=256)]

ColumnType = Literal["bool", "int16", "int32", "int64", "float", "double", "string"]
RefusalCode = Literal[
    "malformed", "too_large", "conflict", "version", "unknown_key", "not_yours",
    "disk_full", "busy", "quota", "pieces_missing",
]  # fmt: skip

PASSES: frozenset[str] = frozenset({"disk_full", "busy", "quota"})
"""Codes of refusals that pass: keep the message and send it again after `Refused.retry_after_ms`."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What all messages share: a kind, and no field that is not listed."""


class Hello(Message, tag="hello", frozen=True):
    """Who speaks.

    sender: a name, and a part that no other process has
    versions: of the wire that it speaks, oldest and newest
    loadout: what its cars run
    """

    sender: Name
    run: Name
    versions: Annotated[list[Annotated[int, Meta(ge=1, le=255)]], Meta(min_length=2, max_length=2)]
    loadout: Annotated[str, Meta(max_length=200, pattern=PRINTABLE)] = ""


class Welcome(Message, tag="welcome", frozen=True):
    """A sender may go on.

    store: the server's folder, as an absolute path on the server's machine
    version: of the wire, from now on
    window_bytes: how much the sender may have under way without an acknowledgement
    """

    store: Text
    version: Count
    window_bytes: Count


class ClipUpload(Message, tag="clip", frozen=True):
    """A `telemetry.Clip` without its pictures and maps; fields as there, `clip` is its id.

    top_down: the viewers whose maps follow
    """

    id: MessageId
    clip: Name
    run: Name
    car: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    tick: Whole
    t_us: Whole
    trigger: Name
    version: Count
    score: Finite
    priority: Whole
    ticks: Annotated[list[Whole], Meta(max_length=MAX_TICKS)]
    cameras: Annotated[list[Name], Meta(max_length=MAX_CAMERAS)]
    calibration: Annotated[list[Named], Meta(max_length=MAX_CAMERAS)]
    poses: Annotated[list[Named], Meta(max_length=MAX_TICKS)]
    signals: Series
    percepts: Series
    shadows: Annotated[dict[Name, Series], Meta(max_length=16)]
    top_down: Annotated[list[Name], Meta(max_length=MAX_VIEWERS)]
    complete: bool
    sha256: Hex


class Packed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column.

    type: the table's name for it
    values: numbers and booleans little-endian, strings in UTF-8, one after the other
    lengths: of strings, how many bytes each has, uint16 little-endian; else nothing
    valid: a byte a row, 1 where there is a value; nothing where all rows have one
    """

    type: ColumnType
    values: bytes
    lengths: bytes | None = None
    valid: bytes | None = None


class Rows(Message, tag="rows", frozen=True):
    """Rows of one table; the column `run` is the message's own.

    What `check_rows` compares with names that are known, the type does not check as well: it would cost as much again.
    """

    id: Annotated[str, Meta(max_length=640)]
    run: Name
    table: Annotated[str, Meta(max_length=200)]
    batch: Name
    count: Annotated[int, Meta(ge=0, le=MAX_ROWS)]
    columns: Annotated[dict[Annotated[str, Meta(max_length=200)], Packed], Meta(max_length=256)]


class Piece(Message, tag="piece", frozen=True):
    """A piece of a longer message; the bytes follow as one raw part.

    id: `of`, for the last one; for another `of` + "#" + its number
    of: the id of the whole message, digest: the xxh3-128 of all its bytes, which is its record, see `record.py`
    number, count: from 0
    """

    id: MessageId
    of: MessageId
    digest: ShortHex
    number: Annotated[int, Meta(ge=0, lt=MAX_PIECES)]
    count: Annotated[int, Meta(ge=2, le=MAX_PIECES)]


class Ack(Message, tag="ack", frozen=True):
    """ids: messages that are on disk."""

    ids: Annotated[list[MessageId], Meta(min_length=1, max_length=MAX_ACKS)]


class Refused(Message, tag="refused", frozen=True):
    """A message that was not kept.

    id: of the message, "" for a Hello; code: see RefusalCode; says: why, for people
    retry_after_ms: how long to wait at least where the code is one that passes
    """

    id: Annotated[str, Meta(max_length=640, pattern=PRINTABLE)]
    code: RefusalCode
    says: Text
    retry_after_ms: Count = 0


class Flush(Message, tag="flush", frozen=True):
    """id: comes back in the answer."""

    id: MessageId


class Flushed(Message, tag="flushed", frozen=True):
    """id: of the Flush."""

    id: MessageId


Stored = ClipUpload | Rows
AnyMessage = Hello | Welcome | ClipUpload | Rows | Piece | Ack | Refused | Flush | Flushed
MESSAGES: tuple[type[Message], ...] = (Hello, Welcome, ClipUpload, Rows, Piece, Ack, Refused, Flush, Flushed)


def clip_message_id(run: str, clip: str) -> str:
    """The id under which a clip is stored once."""
    return f"{run}/clip/{clip}"


def rows_message_id(run: str, table: str, batch: str) -> str:
    """The id under which a batch of rows is stored once."""
    return f"{run}/rows/{table}/{batch}"
