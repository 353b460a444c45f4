"""How often is a trigger right? Precision by weather from the examiner's truth, with intervals, one vote a car.

Fires of one car are not independent, so the interval is over cars: the ratio estimator's (Cochran 1977, section 2.11).
For clips that people labelled, join `labels` instead of `truth`.

python examples/analysis/precision_with_intervals.py RUN precision.png caution_light
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from telemetry import open_run

QUERY = """
WITH sky AS (SELECT car, t_us, rain, night FROM truth WHERE kind = 'conditions'),
present AS (SELECT DISTINCT car, t_us FROM truth WHERE kind = $kind AND visible > 0)
SELECT
    CASE WHEN rain > 0.2 THEN 'rainy ' ELSE 'dry ' END || CASE WHEN night > 0.5 THEN 'night' ELSE 'day' END AS slice,
    fires.car,
    count(*) AS fires,
    count(present.car) AS hits
FROM fires
    ASOF JOIN sky ON fires.car = sky.car AND fires.t_us <= sky.t_us
    LEFT JOIN present ON present.car = fires.car AND present.t_us = fires.t_us
WHERE trigger = $kind
GROUP BY ALL
"""


def interval(cars: pd.DataFrame) -> pd.Series:
    """Precision of some cars' fires, and its 95 % interval; nothing can be said of fewer than two cars."""
    n, fires, hits = len(cars), cars.fires.sum(), cars.hits.sum()
    precision = hits / fires
    spread = ((cars.hits - precision * cars.fires) ** 2).sum() * n / max(n - 1, 1) / fires**2
    half = 1.96 * np.sqrt(spread) if n > 1 else 1.0
    return pd.Series(
        {"cars": n, "fires": fires, "precision": precision, "low": precision - half, "high": precision + half}
    )


def main(run: str, picture: str, kind: str = "caution_light") -> None:
    """Print precision by slice, and draw it with its intervals."""
    found = open_run(run).execute(QUERY, {"kind": kind}).df()
    table = found.groupby("slice")[["fires", "hits"]].apply(interval)
    table[["low", "high"]] = table[["low", "high"]].clip(0, 1)
    print(table.to_string(float_format="%.2f"))
    _, axes = plt.subplots(figsize=(9, 1.5 + 0.5 * len(table)))
    middle = table.precision
    axes.errorbar(middle, table.index, xerr=[middle - table.low, table.high - middle], fmt="o", capsize=4)
    axes.set(xlim=(0, 1), xlabel="precision", title=f"{kind}: how often it is right")
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:4])
