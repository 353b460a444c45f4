"""Which moments become clips. A clip is a recipe until it is cut: the world can paint any moment again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog

from scenarios import TICK_US, World
from triggers import Evaluator, Reason, TriggerSpec, Verdicts

TICKS_PER_S = 1_000_000 // TICK_US
log = structlog.get_logger()

Specs = Mapping[tuple[str, int], TriggerSpec]


@dataclass(frozen=True, slots=True)
class Cut:
    """A clip as a recipe.

    car, tick: which car fired, and when
    spec, score: which trigger, and how strongly
    first_tick, last_tick, step: the ticks to paint, both ends included
    clip: the id of the clip it becomes; that of an earlier fire where it was merged into that fire's clip
    """

    car: int
    tick: int
    spec: TriggerSpec
    score: float
    first_tick: int
    last_tick: int
    step: int
    clip: str

    @classmethod
    def of_fire(cls, car: int, tick: int, spec: TriggerSpec, score: float) -> "Cut":
        """What a fire asks for: frames before and after it, on a grid that meets it."""
        step = max(1, round(TICKS_PER_S / spec.clip.hz))
        before, after = (
            round(seconds * TICKS_PER_S) // step * step for seconds in (spec.clip.before_s, spec.clip.after_s)
        )
        before = min(before, tick // step * step)
        return cls(car, tick, spec, score, tick - before, tick + after, step, f"{car:06}-{tick:07}-{spec.name}")

    @property
    def ticks(self) -> tuple[int, ...]:
        """The camera ticks to paint, ascending."""
        return tuple(range(self.first_tick, self.last_tick + 1, self.step))

    @property
    def recipe(self) -> list[Any]:
        """The cut in plain numbers and names, for checkpoints; `of_recipe` reads it."""
        spec = self.spec
        ticks = [self.first_tick, self.last_tick, self.step]
        return [self.car, self.tick, spec.name, spec.version, self.score, *ticks, self.clip]

    @classmethod
    def of_recipe(cls, recipe: Sequence[Any], specs: Specs) -> "Cut":
        """The cut that a checkpoint names; specs: by name and version."""
        car, tick, trigger, version, score, first, last, step, clip = recipe
        return cls(car, tick, specs[trigger, version], score, first, last, step, clip)


def with_buffer(world: World, verdicts: Verdicts, evaluator: Evaluator) -> Verdicts:
    """The verdicts with NO_BUFFER for each fire whose seconds before are not there: the car did not drive yet.

    Its evaluator counts them as such; the cooldown and the quota are used up all the same.
    """
    reasons = verdicts.reasons.copy()
    for i, spec in enumerate(evaluator.specs):
        rows = np.flatnonzero(reasons[:, i] == Reason.FIRED)
        if not rows.size or not spec.clip.before_s:
            continue
        began = max(verdicts.tick - round(spec.clip.before_s * TICKS_PER_S), 0)
        short = rows[~world.motion(verdicts.cars[rows], began).driving]
        reasons[short, i] = Reason.NO_BUFFER
        evaluator.amend(spec.name, verdicts.cars[short], Reason.FIRED, Reason.NO_BUFFER)
    return replace(verdicts, reasons=reasons)


class Recorder:
    """Clips that have begun and whose last tick has not yet passed."""

    def __init__(self) -> None:
        self._open: dict[str, Cut] = {}
        self._newest: dict[tuple[int, str, int], str] = {}

    def record(self, verdicts: Verdicts, specs: Sequence[TriggerSpec]) -> list[Cut]:
        """A cut for each fire, by car and then by trigger.

        One that overlaps an open clip of its trigger joins it, unless that would be longer than the spec allows.
        """
        rows, which = np.nonzero(verdicts.reasons == Reason.FIRED)
        fires: Iterable[tuple[int, int]] = zip(rows.tolist(), which.tolist(), strict=True)
        return [
            self._begin(Cut.of_fire(int(verdicts.cars[i]), verdicts.tick, specs[k], float(verdicts.scores[i, k])))
            for i, k in fires
        ]

    def due(self, tick: int) -> list[Cut]:
        """The clips that are complete after this tick, by id; they are no longer open."""
        over = sorted(clip for clip, cut in self._open.items() if cut.last_tick <= tick)
        return [self._open.pop(clip) for clip in over]

    def state(self) -> list[list[Any]]:
        """The open clips, for a checkpoint."""
        return [cut.recipe for _, cut in sorted(self._open.items())]

    def restore(self, recipes: Iterable[Sequence[Any]], specs: Specs) -> None:
        """Take over what `state` gave."""
        self._open, self._newest = {}, {}
        for cut in sorted((Cut.of_recipe(recipe, specs) for recipe in recipes), key=lambda cut: cut.tick):
            self._open[cut.clip] = cut
            self._newest[cut.car, cut.spec.name, cut.spec.version] = cut.clip

    def _begin(self, cut: Cut) -> Cut:
        of = (cut.car, cut.spec.name, cut.spec.version)
        open_ = self._open.get(self._newest.get(of, ""))
        joins = open_ is not None and _overlaps(cut, open_)
        if open_ and joins and cut.last_tick - open_.first_tick > cut.spec.clip.most_s * TICKS_PER_S:
            # A trigger that never rests fills several clips instead of one without end, and says so.
            log.info("clip_full", clip=open_.clip, next=cut.clip, longest_s=cut.spec.clip.most_s)
        elif open_ and joins:
            self._open[open_.clip] = replace(open_, last_tick=max(open_.last_tick, cut.last_tick))
            return replace(cut, clip=open_.clip)
        self._open[cut.clip] = cut
        self._newest[of] = cut.clip
        return cut


def _overlaps(cut: Cut, open_: Cut) -> bool:
    return cut.spec.clip.merge and cut.first_tick <= open_.last_tick + open_.step


def by_name(specs: Iterable[TriggerSpec]) -> dict[tuple[str, int], TriggerSpec]:
    """Specs by name and version, as recipes name them."""
    return {(spec.name, spec.version): spec for spec in specs}
