"""A world of normal draws in which the truth is known in closed form: on it the exam itself is examined.

The unit of driving is a frame, so a rate a car-day is here a chance a frame. What a trigger ought to catch is met with
its prevalence, in four conditions; near misses of one to three sorts about as often; the rest of the road is ordinary.
What an encounter looks like is a point of a normal distribution in ten dimensions. A trigger has two gates, half-spaces
of it that lie otherwise for every sort and condition, joined by AND or by OR: so the chance to fire is a bivariate
normal one. Sampler and estimators are those of the exam; only the pictures are not there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fleet.exam.trial import Outcomes, Stratum
from scenarios import Draws

DIMENSIONS = 10
CONDITIONS = (0.65, 0.2, 0.1, 0.05)
"""Shares of four conditions, each harder than the one before."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sort:
    """Encounters of one sort in one condition: how often, and how far either gate lies from its middle."""

    stratum: Stratum
    margins: tuple[float, float]
    chance: float


class Analytic:
    """A random trigger in its world, from a seed: a `Field`.

    prevalence: chance that a frame begins an encounter with what is to be caught
    missed: share of all alerts that come from a mode which the sampler does not know of; it hides in ordinary driving
    draw: another number, another sample of the same trigger
    """

    def __init__(self, seed: int, prevalence: float, *, missed: float = 0.0, draw: int = 0) -> None:
        self._made, self._draws = Draws(seed), Draws(seed * 1_000_003 + 1 + draw)
        self.prevalence, self.missed = prevalence, missed
        self._either: bool = self._made.uniform("either gate", 0).item() < 0.5
        self._gates = self._two_gates()
        self._sorts = [*self._of_events(), *self._of_near_misses()]
        known = sum(each.stratum.per_car_day * each.chance for each in self._sorts)
        share = missed or 10 ** float(-4 + 2 * self._made.uniform("ordinary share", 0))
        self._ordinary = known * share / (1.0 - share)

    @property
    def strata(self) -> list[Stratum]:
        """Events, near misses, and ordinary driving last."""
        return [*(each.stratum for each in self._sorts), Stratum("ordinary", 1.0, event=False)]

    @property
    def rest(self) -> int:
        """Ordinary driving."""
        return len(self._sorts)

    @cached_property
    def truth(self) -> dict[str, float]:
        """Precision, recall and fires a frame, as they are."""
        events = [each for each in self._sorts if each.stratum.event]
        right = sum(each.stratum.per_car_day * each.chance for each in events)
        others = [each for each in self._sorts if not each.stratum.event]
        wrong = sum(each.stratum.per_car_day * each.chance for each in others) + self._ordinary
        return {"precision": right / (right + wrong), "recall": right / self.prevalence, "fires": right + wrong}

    @cached_property
    def known(self) -> dict[str, float]:
        """The same without ordinary driving: of the modes that the sampler knows."""
        fires = self.truth["fires"] - self._ordinary
        return self.truth | {"precision": self.truth["precision"] * self.truth["fires"] / fires, "fires": fires}

    def false_hits(self, counts: NDArray[np.int64]) -> float:
        """As many equal hits say as much as the false fires at so many encounters of each stratum, on average."""
        wrong = [i for i, sort in enumerate(self._sorts) if not sort.stratum.event]
        rates = np.array([self._sorts[i].stratum.per_car_day * self._sorts[i].chance for i in wrong])
        hits = np.array([self._sorts[i].chance for i in wrong]) * counts[wrong]
        return float(rates.sum() ** 2 / (rates**2 / hits).sum())

    def look(self, first: int, counts: Sequence[int]) -> list[Outcomes]:
        """Fresh draws, fired or not."""
        return [self._look(stratum, first, count) for stratum, count in enumerate(counts)]

    def _look(self, stratum: int, first: int, count: int) -> Outcomes:
        numbers = np.arange(first, first + count)
        if stratum == self.rest:
            fired = self._draws.uniform("ordinary", numbers) < self._ordinary
            nothing = np.zeros(count, np.bool_)
            return Outcomes(nothing, nothing, fired.astype(np.float64), count)
        sort = self._sorts[stratum]
        looks = self._draws.normal(f"looks {stratum}", numbers[:, None], np.arange(DIMENSIONS))
        through = looks @ self._gates.T > -np.array(sort.margins)
        fired = np.asarray(through.any(axis=1) if self._either else through.all(axis=1), np.bool_)
        event = np.full(count, sort.stratum.event)
        return Outcomes(event, fired & event, (fired & ~event).astype(np.float64), count)

    def dry_run(self, frames: float) -> tuple[int, int]:
        """Alerts in so many frames at true rates, and how many of them are strays: at nothing with a stratum."""
        strays = self._poisson("strays", self._ordinary * frames)
        return strays + self._poisson("dry run", (self.truth["fires"] - self._ordinary) * frames), strays

    def _poisson(self, what: str, mean: float) -> int:
        from scipy.special import pdtr

        draw = float(self._draws.uniform(what, 0))
        low, high = 0, int(mean + 40 * math.sqrt(mean + 1) + 40)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if float(pdtr(middle, mean)) >= draw else (middle + 1, high)
        return low

    def _two_gates(self) -> Floats:
        """Two unit vectors, (2, DIMENSIONS)."""
        drawn = self._made.normal("gates", np.arange(2)[:, None], np.arange(DIMENSIONS))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

    def _of_events(self) -> list[Sort]:
        ease = 0.6 + 1.2 * self._made.uniform("ease", np.arange(2))
        return [
            self._sort(f"event, condition {i}", self.prevalence * share, (ease - 0.5 * i).tolist(), event=True)
            for i, share in enumerate(CONDITIONS)
        ]

    def _of_near_misses(self) -> list[Sort]:
        found = []
        for number in range(1 + int(self._made.integers("near misses", 0, high=3))):
            often = self.prevalence * 10 ** float(-0.5 + 1.2 * self._made.uniform("often", number))
            likeness = -0.3 - 1.7 * self._made.uniform("likeness", number, np.arange(2))
            found += [
                self._sort(
                    f"near miss {number}, condition {i}", often * share, (likeness - 0.2 * i).tolist(), event=False
                )
                for i, share in enumerate(CONDITIONS)
            ]
        return found

    def _sort(self, name: str, often: float, margins: list[float], *, event: bool) -> Sort:
        from scipy.special import ndtr
        from scipy.stats import multivariate_normal

        one, other = margins
        both = float(multivariate_normal.cdf([one, other], cov=[[1.0, self._angle], [self._angle, 1.0]]))
        chance = float(ndtr(one) + ndtr(other)) - both if self._either else both
        return Sort(Stratum(name, often, event=event), (one, other), chance)

    @cached_property
    def _angle(self) -> float:
        return float(self._gates[0] @ self._gates[1])
