"""Which cars never fired, and why? For each trigger: what its verdicts said on the cars that stayed silent.

python examples/analysis/silent_cars.py RUN silent.png
"""

import sys

import matplotlib.pyplot as plt

from telemetry import open_run

QUERY = """
WITH silent AS (
    SELECT car, trigger FROM reasons GROUP BY ALL HAVING count(*) FILTER (reason = 'FIRED') = 0
)
SELECT trigger, reason, count(DISTINCT car) AS cars, sum(count) AS verdicts
FROM reasons JOIN silent USING (car, trigger)
GROUP BY ALL
ORDER BY trigger, verdicts DESC
"""


def main(run: str, picture: str) -> None:
    """Print the reasons, and draw each trigger's as shares of its verdicts."""
    found = open_run(run).sql(QUERY).df()
    print(f"{found.cars.max() if len(found) else 0} silent cars at most")
    print(found.to_string(index=False))
    bars = found.pivot_table(index="trigger", columns="reason", values="verdicts", aggfunc="sum", fill_value=0)
    _, axes = plt.subplots(figsize=(9, 1.5 + 0.5 * len(bars)))
    left = bars.sum(axis=1) * 0.0
    for reason in bars:
        share = bars[reason] / bars.sum(axis=1)
        axes.barh(bars.index, share, left=left, label=reason)
        left += share
    axes.set(xlim=(0, 1), xlabel="share of verdicts", title="Why silent cars are silent")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:3])
