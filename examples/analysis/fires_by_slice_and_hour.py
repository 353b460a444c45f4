"""When and where does a trigger fire? Fires by the hour of the day and by the weather and light they fell into.

python examples/analysis/fires_by_slice_and_hour.py RUN fires.png
"""

import sys

import matplotlib.pyplot as plt

from telemetry import open_run

QUERY = """
WITH sky AS (SELECT car, t_us, rain, night FROM truth WHERE kind = 'conditions')
SELECT
    trigger,
    CAST(fires.t_us // 3_600_000_000 % 24 AS INTEGER) AS hour,
    CASE WHEN rain > 0.2 THEN 'rainy ' ELSE 'dry ' END || CASE WHEN night > 0.5 THEN 'night' ELSE 'day' END AS slice,
    count(*) AS fires
FROM fires ASOF JOIN sky ON fires.car = sky.car AND fires.t_us <= sky.t_us
GROUP BY ALL
ORDER BY trigger, hour, slice
"""


def main(run: str, picture: str) -> None:
    """Print the counts, and draw a stacked bar for each trigger and hour."""
    found = open_run(run).sql(QUERY).df()
    print(found.to_string(index=False))
    bars = found.pivot_table(index=["trigger", "hour"], columns="slice", values="fires", fill_value=0)
    axes = bars.plot.barh(stacked=True, figsize=(9, 1.5 + 0.4 * len(bars)), title="Fires by hour and slice")
    axes.set(xlabel="fires", ylabel="")
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:3])
