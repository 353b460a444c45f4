"""Which cuts may become clips: all, but those of triggers with a fleet-wide quota wait for a barrier's yes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fleet.simulation.barrier import Ask, Decision
from vehicle import Cut


class Keeping:
    """Remembers, for clips of triggers with a quota, what barriers said of them."""

    def __init__(self, quotas: Mapping[str, int]) -> None:
        self._quotas = quotas
        self._asks: list[Ask] = []
        self._granted: dict[str, bool] = {}
        self._held: list[Cut] = []

    def fired(self, cuts: Iterable[Cut]) -> None:
        """Note fires that have to ask."""
        self._asks += [Ask(cut.tick, cut.car, cut.spec.name, cut.clip) for cut in cuts if cut.spec.name in self._quotas]

    def admitted(self, due: Iterable[Cut]) -> list[Cut]:
        """Of clips that have come to their end, those that may be kept now; undecided ones are held back."""
        free = []
        for cut in due:
            if cut.spec.name not in self._quotas or self._granted.get(cut.clip):
                free.append(cut)
            elif cut.clip not in self._granted:
                self._held.append(cut)
                continue
            self._granted.pop(cut.clip, None)
        return free

    @property
    def asks(self) -> Sequence[Ask]:
        """The fires since the last barrier that have to ask."""
        return tuple(self._asks)

    def decide(self, decision: Decision) -> tuple[list[Cut], frozenset[str]]:
        """Take the barrier's answer: the held clips that may be kept, and the ids it refused."""
        for ask in self._asks:
            self._granted[ask.clip] = self._granted.get(ask.clip, False) or ask.clip in decision.granted
        refused = frozenset(ask.clip for ask in self._asks if not self._granted[ask.clip])
        self._asks, held, self._held = [], self._held, []
        return self.admitted(held), refused

    def facts(self) -> dict[str, bool]:
        """What was said of clips that are still open, for a checkpoint at a barrier."""
        return dict(self._granted)

    def restore(self, facts: dict[str, Any]) -> None:
        """Take over what `facts` gave."""
        self._granted = dict(facts)
