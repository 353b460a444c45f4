"""Every message that crosses the wire, as a table and as frozen types.

| message    | from, to | means                                                        | answered by        |
|------------|----------|--------------------------------------------------------------|--------------------|
| Hello      | car side | who speaks, for which run; first on every connection         | Welcome or Refused |
| Welcome    | server   | where the server keeps things, which version it speaks       |                    |
| ClipUpload | car side | a clip; its pictures follow as raw parts, tick by tick       | Ack or Refused     |
| Rows       | car side | rows of one table, column by column                          | Ack or Refused     |
| Ack        | server   | these messages are on disk: forget them                      |                    |
| Refused    | server   | this message was not kept; the code says whether to retry    |                    |
| Flush      | car side | bring all that was acknowledged before this into the tables  | Flushed or Refused |
| Flushed    | server   | it is in the tables                                          |                    |

A message with an `id` is stored at most once under it, however often it is sent. How messages become bytes stands in
`codec.py` and, for readers in other languages, in docs/wire.md.
"""

import sys
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

WIRE_VERSION = 1

MAX_HEAD_BYTES = 16 * 2**20
MAX_PART_BYTES = 4 * 2**20
MAX_PARTS = 4096
MAX_BODY_BYTES = 64 * 2**20
MAX_TICKS = 1024
MAX_CAMERAS = 64
MAX_ROWS = 1_000_000
MAX_ACKS = 1024

# Lists in lists cost 60 times their bytes when decoded, so every collection has a limit, checked before it is read.
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # refuses NaN and infinities
Name = Annotated[str, Meta(min_length=1, max_length=200)]
MessageId = Annotated[str, Meta(min_length=1, max_length=640)]
Text = Annotated[str, Meta(max_length=4096)]
Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Value = None | bool | Whole | Finite | Text
Values = Annotated[list[Value], Meta(max_length=256)]
PerTick = Annotated[list[Value | Values], Meta(max_length=MAX_TICKS)]
Named = Annotated[dict[Name, Value], Meta(max_length=64)]
Series = Annotated[dict[Name, PerTick], Meta(max_length=256)]

ColumnType = Literal["bool", "int16", "int32", "int64", "float", "double", "string"]
RefusalCode = Literal["malformed", "conflict", "disk_full", "version"]

PASSES: frozenset[str] = frozenset({"disk_full"})
"""Codes of refusals that pass: keep the message and send it again later."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What all messages share: a kind, and no field that is not listed."""


class Hello(Message, tag="hello", frozen=True):
    """sender: a name, and a part that no other process has."""

    sender: Name
    run: Name


class Welcome(Message, tag="welcome", frozen=True):
    """store: the server's folder, as an absolute path on the server's machine."""

    store: Text
    version: Count


class ClipUpload(Message, tag="clip", frozen=True):
    """A `telemetry.Clip` without its pictures; fields as there, `clip` is its id."""

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
    complete: bool
    sha256: Hex


class Packed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column.

    type: the table's name for it
    values: numbers and booleans as bytes, little-endian, one after the other; strings as a list
    valid: a byte a row, 1 where there is a value; nothing where all rows have one
    """

    type: ColumnType
    values: bytes | Annotated[list[Text], Meta(max_length=MAX_ROWS)]
    valid: bytes | None = None


class Rows(Message, tag="rows", frozen=True):
    """Rows of one table; the column `run` is the message's own."""

    id: MessageId
    run: Name
    table: Name
    batch: Name
    count: Annotated[int, Meta(ge=0, le=MAX_ROWS)]
    columns: Annotated[dict[Name, Packed], Meta(max_length=256)]


class Ack(Message, tag="ack", frozen=True):
    """ids: messages that are on disk."""

    ids: Annotated[list[MessageId], Meta(min_length=1, max_length=MAX_ACKS)]


class Refused(Message, tag="refused", frozen=True):
    """id: of the message, "" for a Hello; code: see RefusalCode; says: why, for people."""

    id: Annotated[str, Meta(max_length=640)]
    code: RefusalCode
    says: Text


class Flush(Message, tag="flush", frozen=True):
    """id: comes back in the answer."""

    id: MessageId


class Flushed(Message, tag="flushed", frozen=True):
    """id: of the Flush."""

    id: MessageId


Stored = ClipUpload | Rows
AnyMessage = Hello | Welcome | ClipUpload | Rows | Ack | Refused | Flush | Flushed
MESSAGES: tuple[type[Message], ...] = (Hello, Welcome, ClipUpload, Rows, Ack, Refused, Flush, Flushed)


def clip_message_id(run: str, clip: str) -> str:
    """The id under which a clip is stored once."""
    return f"{run}/clip/{clip}"


def rows_message_id(run: str, table: str, batch: str) -> str:
    """The id under which a batch of rows is stored once."""
    return f"{run}/rows/{table}/{batch}"
