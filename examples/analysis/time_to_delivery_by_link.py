"""How long does a clip take from the fire to the server? By the link over which it was finished, with what still waits.

python examples/analysis/time_to_delivery_by_link.py RUN delay.png
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from telemetry import open_run

QUERY = """
SELECT
    link,
    status,
    interruptions,
    (coalesce(finished_us, (SELECT max(t_us) FROM vehicles)) - fires.t_us) / 1e6 AS delay_s
FROM uploads JOIN fires USING (car, clip)
WHERE status IN ('delivered', 'waiting')
"""


def main(run: str, picture: str) -> None:
    """Print quantiles, and draw the share delivered over time; clips that still wait hold the curve below one."""
    found = open_run(run).sql(QUERY).df()
    done = found[found.status == "delivered"]
    print(done.groupby("link").delay_s.describe(percentiles=[0.5, 0.9, 0.99]).to_string(float_format="%.2f"))
    print(f"still waiting: {len(found) - len(done)} of {len(found)}")
    _, axes = plt.subplots(figsize=(9, 4))
    for link, clips in found.groupby("link"):
        delays = np.sort(clips[clips.status == "delivered"].delay_s)
        axes.step(delays, np.arange(1, len(delays) + 1) / len(clips), where="post", label=f"{link} ({len(clips)})")
    axes.set(xscale="log", xlabel="seconds from the fire", ylabel="share delivered", ylim=(0, 1), title="Delivery")
    axes.legend()
    plt.tight_layout()
    plt.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:3])
