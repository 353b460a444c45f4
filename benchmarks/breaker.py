"""The circuit breaker's promise by simulation; one line of JSON.

    python benchmarks/breaker.py [FLEETS]        default 400 simulated fleets of each sort

A fleet is 50 cars that all drive, a barrier every 10 minutes, looked at after each of 60 barriers, at alpha 0.05. Its
mean is the high end of the forecast: about 42 fires an interval.

- `false.SORT`: share of fleets that were wrongly suspended at any look, where all cars are alike (`steady`), where one
  car in eighty fires 66 times in one interval (`bursts`), and where one car in ten fires for all (`uneven`); target:
  at most alpha. Interval: Wilson, 95 %;
- `barriers.TIMES`: median barriers until a fleet that fires so many times as often is suspended (alpha 0.001).
"""

import json
import sys
from collections.abc import Callable

import numpy as np

from fleet.measured import Figure, told
from fleet.simulation.breaker import Breaker, Spent
from scenarios import Draws
from triggers import TriggerSpec, estimate

CARS, LOOKS, BARRIERS, ALPHA = 50, 600, 60, 0.05
HIGH, DRIVING_H = 6.0, 1.2
MEAN = HIGH * LOOKS / 3600 / DRIVING_H  # fires of a car in an interval
CAR = np.arange(CARS, dtype=np.uint32)
SPEC = TriggerSpec(
    name="t",
    kind="expression",
    params={"fire_when": "true"},
    forecast={"driving_h": DRIVING_H, "fires_per_car_day": (0.0, HIGH)},
)
Fleet = Callable[[int, int], np.ndarray]


def poisson(u: np.ndarray, mean: np.ndarray | float) -> np.ndarray:
    """Poisson counts by inversion; u: (n,) uniform."""
    term = np.exp(-np.asarray(mean, float)) * np.ones_like(u)
    total, count = term.copy(), np.zeros(u.shape, int)
    for k in range(1, 60):
        count += u > total
        term = term * mean / k
        total = total + term
    return count


def steady(seed: int, barrier: int, times: float = 1.0) -> np.ndarray:
    """All cars alike."""
    return poisson(Draws(seed).uniform("steady", CAR, barrier), times * MEAN)


def bursts(seed: int, barrier: int) -> np.ndarray:
    """Rarely, and then 66 times."""
    return 66 * (Draws(seed).uniform("bursts", CAR, barrier) < MEAN / 66)


def uneven(seed: int, barrier: int) -> np.ndarray:
    """One car in ten for all."""
    return poisson(Draws(seed).uniform("uneven", CAR, barrier), MEAN * 10 * (CAR % 10 == 0))


def suspended_at(fleet: Fleet, seed: int, alpha: float) -> int:
    """The barrier at which the trigger is suspended, from 1; 0 if at none."""
    watch = Breaker([SPEC], 1.0, alpha)
    for barrier in range(BARRIERS):
        counts = fleet(seed, barrier)
        spent = [Spent("t", car, int(counts[car]), 0) for car in np.flatnonzero(counts).tolist()]
        if watch.decide(CARS * LOOKS, spent):
            return barrier + 1
    return 0


def main() -> None:
    """Simulate and print."""
    fleets = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    figures = []
    for fleet in (steady, bursts, uneven):
        wrong = sum(suspended_at(fleet, seed, ALPHA) > 0 for seed in range(fleets))
        share = estimate.wilson(wrong, fleets)
        name = f"false.{fleet.__name__}"
        figures.append(Figure(name, wrong / fleets, ALPHA, "", fleets, share.low, share.high))
    for times in (1.2, 1.5, 2.0, 5.0):
        found = [
            suspended_at(lambda seed, at, times=times: steady(seed, at, times), seed, 0.001) or BARRIERS + 1
            for seed in range(max(fleets // 10, 5))
        ]
        figures.append(Figure.of(f"barriers.{times:g}", found))
    print(json.dumps(told("breaker", figures)))


if __name__ == "__main__":
    main()
