"""Where does a candidate see the world otherwise? Mean disagreement by task and weather, each tick counted once.

python examples/analysis/shadow_by_weather.py RUN shadow.png
"""

import sys

import matplotlib.pyplot as plt

from telemetry import open_run

QUERY = """
WITH sky AS (SELECT car, t_us, rain, night, fog FROM truth WHERE kind = 'conditions')
SELECT
    candidate,
    task,
    CASE
        WHEN fog > 0.2 THEN 'fog'
        ELSE CASE WHEN rain > 0.2 THEN 'rainy ' ELSE 'dry ' END || CASE WHEN night > 0.5 THEN 'night' ELSE 'day' END
    END AS weather,
    sum(mean * ticks) / sum(ticks) AS disagreement,
    sum(ticks) AS ticks
FROM shadow JOIN sky USING (car, t_us)
GROUP BY ALL
ORDER BY candidate, task, weather
"""


def main(run: str, picture: str) -> None:
    """Print the means, and draw them as a heat map: a task a row, a weather a column."""
    found = open_run(run).sql(QUERY).df()
    print(found.to_string(index=False, float_format="%.4f"))
    cells = found.pivot_table(index=["candidate", "task"], columns="weather", values="disagreement")
    _, axes = plt.subplots(figsize=(9, 1.5 + 0.4 * len(cells)))
    drawn = axes.imshow(cells, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(cells.columns)), cells.columns)
    axes.set_yticks(range(len(cells)), [" · ".join(row) for row in cells.index])
    axes.set_title("Disagreement with production")
    plt.colorbar(drawn)
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:3])
