"""Moments to learn from: cars on the road, spread over the day, with every sort of weather and light among them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Draws, World

DAY_TICKS = 864_000
CARS = 20_000  # of a training world: many homes, many roads

Severities = Mapping[str, NDArray[np.floating]]
Stratum = Callable[[Severities], NDArray[np.bool_]]

Strata = Sequence[tuple[Stratum, float]]


def _strong(condition: str, least: float) -> Stratum:
    """Where a condition is at least so strong; nowhere in a world that does not know it."""
    return lambda severity: severity.get(condition, np.zeros(len(severity["night"]))) >= least


EVERYTHING: Strata = (
    (_strong("snow", 0.1), 0.1),
    (_strong("glare", 0.2), 0.05),
    (_strong("dirty_lens", 0.2), 0.05),
    (_strong("fog", 0.1), 0.05),
    (lambda severity: (severity["night"] < 0.3) & (severity["rain"] < 0.1), 0.25),  # dry day
    (lambda severity: (severity["night"] < 0.3) & (severity["rain"] >= 0.1), 0.15),  # wet day
    (lambda severity: (severity["night"] >= 0.3) & (severity["rain"] < 0.1), 0.15),  # dry night
    (lambda severity: (severity["night"] >= 0.3) & (severity["rain"] >= 0.1), 0.2),  # wet night
)
"""What is rare comes first: a moment counts for the first part that it belongs to and that is not yet full."""

HEAVY_RAIN_AT_NIGHT: Strata = (
    (lambda severity: (severity["night"] > 0.5) & (severity["rain"] > 0.5), 0.7),
    *((stratum, 0.3 * share) for stratum, share in EVERYTHING),
)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws moments, each a car at a tick, of its own accord: never two from one trip but by accident.

    world: opened with `cars` cars
    draws: the only chance
    strata: parts of the world and the share of the moments that each gets where it can be had
    only: the one part from which every moment comes; None for the whole world
    """

    world: World
    cars: int
    draws: Draws
    strata: Strata = EVERYTHING
    only: Stratum | None = None

    def moments(self, batch: int, size: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Cars (size,) and ticks (size,) of one batch; the same for the same number whenever it is asked for."""
        cars, ticks = self._candidates(batch, 4 * size)
        severities = self.world.severities(cars, ticks)
        order = np.full(len(cars), len(self.strata))  # a candidate's stratum; those that none asks for come last
        for i, (stratum, share) in enumerate(self.strata):
            rows = np.flatnonzero(stratum(severities) & (order == len(self.strata)))
            order[rows[: round(share * size)]] = i
        chosen = np.sort(np.argsort(order, kind="stable")[:size])
        return cars[chosen], ticks[chosen]

    def _candidates(self, batch: int, size: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Cars on the road at moments drawn evenly over fleet and day; more are drawn until there are `size`."""
        cars, ticks = np.zeros(0, np.uint32), np.zeros(0, np.int64)
        attempt, drawn = 0, size * 5 // 4  # most of a training world's cars are on the road
        while len(cars) < size:
            number = np.arange(attempt * drawn, (attempt + 1) * drawn)
            car = self.draws.integers("training car", number, batch, high=self.cars).astype(np.uint32)
            tick = self.draws.integers("training tick", number, batch, high=DAY_TICKS)
            fits = self.world.motion(car, tick).driving
            if self.only is not None:
                fits = fits & self.only(self.world.severities(car, tick))
            cars, ticks, attempt = np.append(cars, car[fits]), np.append(ticks, tick[fits]), attempt + 1
        return cars[:size], ticks[:size]
