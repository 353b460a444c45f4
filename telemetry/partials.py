"""Pieces of messages that are not yet whole: in memory, for they are few, and on their way to the index."""

from collections.abc import Sequence

from telemetry.index import ADD_PIECE, DROP_PIECES, Step
from telemetry.segments import Place

PIECES_BYTES = 2**30
"""Of messages that are not yet whole; beyond it the one that was begun first is given up."""

_Whole = tuple[str, str]
"""An owner and an id."""


class Partials:
    """The pieces there are.

    steps: what the index does not know yet
    """

    def __init__(self, rows: Sequence[tuple[str, str, int, bytes, int, int, int]], oldest_segment: int) -> None:
        """rows: as the index has them; oldest_segment: what lies before it is gone."""
        self._pieces: dict[_Whole, dict[int, tuple[bytes, Place]]] = {}
        self._nbytes = 0
        self.steps: list[Step] = []
        for owner, whole, number, digest, segment, start, length in rows:
            if segment >= oldest_segment:
                self.add(owner, whole, number, digest, Place(segment, start, length))
        self.steps.clear()

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def oldest_segment(self) -> int | None:
        """The first that is needed, None where none is."""
        return min((place.segment for pieces in self._pieces.values() for _, place in pieces.values()), default=None)

    def digest_of(self, owner: str, whole: str, number: int) -> bytes | None:
        """Of what the piece that is there is part of."""
        found = self._pieces.get((owner, whole), {}).get(number)
        return found[0] if found else None

    def places(self, owner: str, whole: str, digest: bytes) -> list[Place]:
        """Where the pieces of a message with this digest lie, by number."""
        pieces = self._pieces.get((owner, whole), {})
        return [place for _, (known, place) in sorted(pieces.items()) if known == digest]

    def add(self, owner: str, whole: str, number: int, digest: bytes, place: Place) -> None:
        """One more, in the place of one of the same number; the message that was begun first may have to go."""
        pieces = self._pieces.setdefault((owner, whole), {})
        if number in pieces:
            self._nbytes -= pieces[number][1].length
        pieces[number] = digest, place
        self._nbytes += place.length
        self.steps.append((ADD_PIECE, (owner, whole, number, digest, *place)))
        while self._nbytes > PIECES_BYTES:
            self.drop(*next(iter(self._pieces)))

    def drop(self, owner: str, whole: str) -> None:
        """The message is whole, or came to nothing."""
        pieces = self._pieces.pop((owner, whole), None)
        if pieces:
            self._nbytes -= sum(place.length for _, place in pieces.values())
            self.steps.append((DROP_PIECES, (owner, whole)))
