"""Why a trigger said what it said of one car at one tick: the values that decided, and how near it came."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from triggers.clauses import COMPARISONS
from triggers.expression import Part
from triggers.gating import DAY_US, NEVER, SECOND_US, Latch, Reason
from triggers.spec import TriggerSpec


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a trigger saw of a car, and the state that its verdict depends on.

    reason: the verdict; score: None where there is none; threshold: from which on the score holds
    when, score_of: what each part of the gate and of the condition came to, as written; empty where there is none
    edge: of the spec; held: the present edge is used up; active_s: how long the condition has been active, None if not
    dwell_s, cooldown_s: of the spec; dwell_left_s, cooldown_left_s: how much of them was left before this tick
    fires_today: of this car and simulated day, this tick's included; per_car_day: how many it may, None for no limit
    """

    trigger: str
    version: int
    reason: str
    score: float | None
    threshold: float
    hysteresis: float
    graded: bool
    when: tuple[Part, ...]
    score_of: tuple[Part, ...]
    edge: str
    held: bool
    active_s: float | None
    dwell_s: float
    dwell_left_s: float
    cooldown_s: float
    cooldown_left_s: float
    fires_today: int
    per_car_day: int | None

    @property
    def signals(self) -> dict[str, Part]:
        """Every signal that was read, by name, in the order of the text."""
        return {part.text: part for part in (*self.when, *self.score_of) if part.op == "name"}

    @property
    def compared(self) -> tuple[Part, ...]:
        """Every comparison of the condition."""
        return tuple(part for part in self.score_of if part.op in COMPARISONS)

    @property
    def gap(self) -> tuple[int, float]:
        """How far from a yes, smallest first: comparisons that failed, and by how much the nearest did, relatively."""
        if self.graded:
            return 1, self.threshold - (-np.inf if self.score is None else self.score)
        failed = [part for part in self.compared if not part.value]
        return len(failed), min((_apart(part) for part in failed), default=0.0)


@dataclass(frozen=True, slots=True)
class Looked:
    """What an evaluator hands over: the parts, the latch before and after, and what it said of the one car."""

    spec: TriggerSpec
    reason: Reason
    score: float
    threshold: float
    graded: bool
    when: list[Part]
    score_of: list[Part]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    now_us: int

    def explained(self) -> Explanation:
        """In plain numbers."""
        fire, now_us = self.spec.fire, self.now_us
        since_us, fired_us = self.after["since_us"], self.before["fired_us"]
        active_s = None if since_us == NEVER else (now_us - since_us) / SECOND_US
        cooled_s = np.inf if fired_us == NEVER else (now_us - fired_us) / SECOND_US
        today = self.after["fires"] if self.after["day"] == now_us // DAY_US else 0
        return Explanation(
            trigger=self.spec.name,
            version=self.spec.version,
            reason=self.reason.name,
            score=None if np.isnan(self.score) else float(self.score),
            threshold=self.threshold,
            hysteresis=fire.hysteresis,
            graded=self.graded,
            when=tuple(self.when),
            score_of=tuple(self.score_of),
            edge=fire.edge,
            held=bool(self.after["held"]),
            active_s=active_s,
            dwell_s=fire.dwell_s,
            dwell_left_s=max(fire.dwell_s - (active_s or 0.0), 0.0),
            cooldown_s=fire.cooldown_s,
            cooldown_left_s=max(fire.cooldown_s - cooled_s, 0.0),
            fires_today=int(today),
            per_car_day=self.spec.limits.per_car_day,
        )


def remembered(latch: Latch, row: int) -> dict[str, Any]:
    """What a latch remembers of one car."""
    return {field.name: getattr(latch, field.name)[row].item() for field in fields(Latch)}


def _apart(part: Part) -> float:
    sides = [float(each) for each in part.operands[:2] if each is not None]
    if len(sides) < 2:
        return float("inf")
    return abs(sides[0] - sides[1]) / max(abs(sides[0]), abs(sides[1]), 1e-9)
