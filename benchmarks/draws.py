"""What a draw costs in a block of 5,000 cars, against one car at a time; one line of JSON.

CPU time of this process on one thread, the best of some repeats, block and single draws measured in turns:

- `us_per_draw`: microseconds for one of 5,000 uniform draws made together;
- `speedup_over_single_draws`: the same against 5,000 calls for one car each.
"""

import json

import numpy as np

from fleet.measured import Figure, told
from instruments.process import cpu_us
from scenarios import Draws

CARS = 5_000
SINGLES = 200
REPEATS = 15


def main() -> None:
    """Measure and print."""
    draws, cars = Draws(1), np.arange(CARS, dtype=np.uint32)

    def block() -> None:
        for tick in range(20):
            draws.uniform("bench", cars, tick)

    def singles() -> None:
        for car in range(SINGLES):
            draws.uniform("bench", car, 0)

    together, apart = [], []
    for _ in range(REPEATS):
        together.append(cpu_us(block) / (20 * CARS))
        apart.append(cpu_us(singles) / SINGLES)
    ratios = [one / many for one, many in zip(apart, together, strict=True)]
    least, single = min(together), "one car a call"
    figures = [
        Figure("us_per_draw", least, None, "none: this machine, now", REPEATS, least, max(together)),
        Figure("speedup_over_single_draws", min(apart) / least, None, single, REPEATS, min(ratios), max(ratios)),
    ]
    print(json.dumps(told("draws", figures)))


if __name__ == "__main__":
    main()
