"""What does each trigger cost on the uplink? Megabytes per car-day of driving, delivered, waiting and given up.

python examples/analysis/upload_cost_by_trigger.py RUN cost.png
"""

import sys

import matplotlib.pyplot as plt

from telemetry import open_run

QUERY = """
WITH span AS (
    SELECT count(DISTINCT car) * (max(t_us) - min(t_us)) / 86_400e6 AS car_days FROM vehicles
)
SELECT trigger, status, count(*) AS clips, sum(bytes) / 1e6 AS mb, mb / any_value(car_days) AS mb_per_car_day
FROM uploads, span
GROUP BY trigger, status
ORDER BY trigger, status
"""


def main(run: str, picture: str) -> None:
    """Print the costs, and draw them as stacked bars."""
    found = open_run(run).sql(QUERY).df()
    print(found.to_string(index=False, float_format="%.3g"))
    bars = found.pivot_table(index="trigger", columns="status", values="mb_per_car_day", fill_value=0)
    axes = bars.plot.barh(stacked=True, figsize=(9, 1.5 + 0.5 * len(bars)), title="What a trigger costs")
    axes.set(xlabel="MB per car-day", ylabel="")
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:3])
