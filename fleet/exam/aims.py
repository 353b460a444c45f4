"""What a trigger ought to fire at, and what only resembles it, in the words of the world's table of encounters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.errors import UnknownEncounter
from scenarios import ENCOUNTERS, KINDS, Encounter


@dataclass(frozen=True, slots=True)
class Aim:
    """catches: names of encounters at which a fire is right; near_misses: of those that resemble one of them.

    kind: of the thing that must be in view, an index into KINDS; None where any thing of the encounter will do.
    """

    catches: tuple[str, ...]
    near_misses: tuple[str, ...]
    kind: int | None

    @property
    def forced(self) -> tuple[str, ...]:
        """All of them."""
        return self.catches + self.near_misses


def aim_of(trigger: str, catches: Sequence[str] = (), table: Mapping[str, Encounter] = ENCOUNTERS) -> Aim:
    """What is named, or else what the trigger's name says: the longest encounter in it, and its kinds.

    A trigger named after no encounter has no aim: nothing can be said to be right or wrong.
    Raises UnknownEncounter.
    """
    for name in catches:
        if name not in table:
            raise UnknownEncounter(name, table)
    base = _longest(trigger, table)
    named = tuple(catches) or (base and _kinds_of(base, table)) or ()
    misses = tuple(name for name, each in table.items() if set(each.near_miss_of) & set(named) and name not in named)
    kinds = [_longest(name, KINDS) for name in named]
    common = kinds[0] if kinds and len(set(kinds)) == 1 else ""
    return Aim(named, misses, KINDS.index(common) if common else None)


def _kinds_of(base: str, table: Mapping[str, Encounter]) -> tuple[str, ...]:
    """An encounter and those of which it is the beginning: a caution light, and one on a barrier."""
    return tuple(
        name for name, each in table.items()
        if (name == base or name.startswith(f"{base}_")) and not set(each.near_miss_of) & {base}
    )  # fmt: skip


def _longest(words: str, names: Sequence[str] | Mapping[str, object]) -> str:
    return max((name for name in names if f"_{name}_" in f"_{words}_"), key=len, default="")
