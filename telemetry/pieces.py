"""A message that is too long to go in one, cut into pieces; each is kept by itself, the last one completes it."""

from collections.abc import Iterator, Sequence

import xxhash

from telemetry.codec import Frame, encode
from telemetry.errors import MalformedMessage
from telemetry.messages import PIECE_BYTES, Piece
from telemetry.record import lengths, split


def cut(message_id: str, frames: Sequence[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """The messages that a message goes as, each with its id: itself where it is short, else its pieces, in order."""
    if sum(len(frame) for frame in frames) <= PIECE_BYTES:
        yield message_id, list(frames)
        return
    whole = b"".join((lengths(frames), *frames))
    digest = xxhash.xxh3_128_hexdigest(whole)
    count = -(-len(whole) // PIECE_BYTES)
    for number in range(count):
        piece_id = message_id if number == count - 1 else f"{message_id}#{number}"
        piece = Piece(id=piece_id, of=message_id, digest=digest, number=number, count=count)
        yield piece_id, encode(piece, [whole[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]])


def joined(message_id: str, digest: bytes, pieces: Sequence[Frame]) -> list[bytes]:
    """The frames of the whole message; MalformedMessage where the pieces do not make up what was announced."""
    whole = b"".join(pieces)
    if xxhash.xxh3_128_digest(whole) != digest:
        raise MalformedMessage("the pieces are not those of the message", message_id=message_id)
    try:
        return split(whole)
    except ValueError as error:
        raise MalformedMessage(f"the pieces make no message: {error}", message_id=message_id) from None
