"""What a draw costs in a block of 5,000 cars, against one car at a time; one line of JSON.

CPU time of this process on one thread, the best of some repeats, block and single draws measured in turns:

- `us_per_draw`: microseconds for one of 5,000 uniform draws made together;
- `speedup_over_single_draws`: the same against 5,000 calls for one car each.
"""

import json
import time
from collections.abc import Callable

import numpy as np

from scenarios import Draws

CARS = 5_000
SINGLES = 200
REPEATS = 15


def cpu_us(work: Callable[[], object]) -> float:
    """CPU time of one call, microseconds."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e6


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
    cost = {
        "bench": "draws", "figure": "us_per_draw", "value": round(min(together), 4), "target": None,
        "floor_or_rival": "none: this machine, now", "runs": REPEATS,
        "low": round(min(together), 4), "high": round(max(together), 4),
    }  # fmt: skip
    faster = {
        "bench": "draws", "figure": "speedup_over_single_draws", "value": round(min(apart) / min(together), 1),
        "target": None, "floor_or_rival": "one car a call", "runs": REPEATS,
        "low": round(min(ratios), 1), "high": round(max(ratios), 1),
    }  # fmt: skip
    print(json.dumps({"figures": [cost, faster]}))


if __name__ == "__main__":
    main()
