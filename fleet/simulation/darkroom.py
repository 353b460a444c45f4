"""Cuts become clips: developed once to learn their weight, kept while there is room, else painted again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields

from scenarios import World
from telemetry import Clip
from vehicle import Cut, Loadout, develop

ROOM_BYTES = 256 * 1024 * 1024


class Darkroom:
    """Holds the newest clips in memory, up to `room_bytes`; a clip is a recipe, so any other can be made again."""

    def __init__(self, world: World, loadout: Loadout, run: str, *, room_bytes: int = ROOM_BYTES) -> None:
        self._world, self._loadout, self._run, self._room = world, loadout, run, room_bytes
        self._drawer: OrderedDict[str, Clip] = OrderedDict()
        self._held = 0

    def develop(self, cuts: Sequence[Cut]) -> list[Clip]:
        """The clips of these cuts, in their order."""
        clips = self._print(cuts)
        for clip in clips:
            self._keep(clip)
        return clips

    def take(self, cut: Cut) -> Clip:
        """The clip of one cut, for the last time."""
        return self._forget(cut.clip) or self._print([cut])[0]

    def drop(self, clip: str) -> None:
        """Nobody will ask for this clip."""
        self._forget(clip)

    def _print(self, cuts: Sequence[Cut]) -> list[Clip]:
        if not cuts:
            return []
        return [
            Clip(**{field.name: getattr(developed, field.name) for field in fields(Clip)})
            for developed in develop(self._world, self._loadout, cuts, self._run)
        ]

    def _keep(self, clip: Clip) -> None:
        self._drawer[clip.id] = clip
        self._held += clip.nbytes
        while self._held > self._room and len(self._drawer) > 1:
            _, oldest = self._drawer.popitem(last=False)
            self._held -= oldest.nbytes

    def _forget(self, clip: str) -> Clip | None:
        found = self._drawer.pop(clip, None)
        self._held -= found.nbytes if found else 0
        return found
