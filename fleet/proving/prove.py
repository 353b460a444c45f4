"""Drives every passage with the cars' own code, and says which rules fired on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fleet.errors import UnknownRule
from fleet.proving.ground import PROOFS, SITUATIONS, Proof
from fleet.proving.passages import OwnClocks, Passages, find, looks_of
from fleet.proving.situations import Situation
from scenarios import TICK_US
from triggers import Memory, Reason, TriggerSpec, load_spec
from vehicle import Loadout, Network, Onboard

Watch = Callable[[str, int, int], None]
"""Told which situation comes next, its number from 0, and how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What k rules said on m passages of a situation, at T looks.

    seconds: (T,) since the situation began; ticks: (m, T) of its world
    fired: (m, T, k) bool; scores: (m, T, k) float32, NaN where undefined or not computed
    """

    passages: Passages
    rules: tuple[str, ...]
    seconds: NDArray[np.float64]
    ticks: NDArray[np.int64]
    fired: NDArray[np.bool_]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.passages)

    def count(self, rule: str) -> int:
        """How many passages the rule fired on."""
        return int(self.fired[:, :, self.rules.index(rule)].any(axis=1).sum())


def drive(passages: Passages, network: Network, specs: Sequence[TriggerSpec]) -> Course:
    """Every passage from a little before it begins to a little after, each by a car of its own."""
    situation, m = passages.situation, len(passages)
    looks = looks_of(situation)
    starts = passages.begins + looks[0]
    world = OwnClocks(passages.world, passages.cars, starts)
    loadout = Loadout.equip("proving", network, [], specs, Memory(0, m))
    onboard, cars = Onboard(world, [loadout], first_car=0, cars=m), np.arange(m, dtype=np.uint32)
    verdicts = [loadout.evaluator.observe(onboard.see(loadout, cars, int(tick))) for tick in looks - looks[0]]
    return Course(
        passages=passages,
        rules=tuple(spec.name for spec in specs),
        seconds=looks * TICK_US / 1e6,
        ticks=passages.begins[:, None] + looks,
        fired=np.stack([each.reasons == Reason.FIRED for each in verdicts], axis=1),
        scores=np.stack([each.scores for each in verdicts], axis=1),
    )


def library_rules(names: Sequence[str]) -> tuple[dict[str, TriggerSpec], dict[str, str]]:
    """The published rules of these names (none: all), and their files' text. Raises UnknownRule."""
    if strangers := [name for name in names if name not in PROOFS]:
        raise UnknownRule(strangers[0], tuple(PROOFS))
    specs = {name: load_spec(name) for name in PROOFS if not names or name in names}
    return specs, {name: (spec.folder / f"{name}.yaml").read_text(encoding="utf-8") for name, spec in specs.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Proven:
    """What came out: for every situation its course; and what was asked of which rule."""

    network: str
    seed: int
    courses: Mapping[str, Course]
    proofs: Mapping[str, Proof] = field(default_factory=lambda: PROOFS)

    def share(self, rule: str, situation: str) -> tuple[int, int]:
        """On how many passages of how many the rule fired."""
        course = self.courses[situation]
        return course.count(rule), len(course)


def prove(
    specs: Sequence[TriggerSpec],
    network: Network,
    *,
    passages: int,
    seed: int,
    watch: Watch,
    situations: Mapping[str, Situation] = SITUATIONS,
) -> Proven:
    """All these rules on all situations that any of them is to be proved on, and on ordinary driving."""
    names = {spec.name for spec in specs}
    proofs = {name: proof for name, proof in PROOFS.items() if name in names}
    asked = dict.fromkeys(
        ("anything", *(name for proof in proofs.values() for name in (*proof.fires_on, *proof.silent_on)))
    )
    courses = {}
    for i, name in enumerate(asked):
        watch(name, i, len(asked))
        courses[name] = drive(find(situations[name], passages, seed=seed), network, specs)
    return Proven(network.name, seed, courses, proofs)
